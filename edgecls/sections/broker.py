"""How an MQTT broker is reached: what triggers and sinks that use one have in common."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, model_validator

from edgecls.sections.section import Section

PLAIN_PORT, TLS_PORT = 1883, 8883


class BrokerSection(Section):
    """A broker's address, and who we are to it."""

    host: str = Field(
        min_length=1, max_length=253, pattern=r"^[A-Za-z0-9._:-]+$", description="The broker."
    )
    port: int | None = Field(
        None,
        ge=1,
        le=65535,
        description=f"{TLS_PORT} with TLS and {PLAIN_PORT} without, if left out.",
    )
    protocol: Literal["5", "3.1.1"] = Field("5", description="Version of MQTT.")
    tls: bool = Field(
        False, description="Encrypt. Without it the network can read pictures and password."
    )
    ca_file: Path | None = Field(
        None, description="Trust this certificate authority (PEM), not the system's."
    )
    certificate_file: Path | None = Field(
        None, description="Our own certificate (PEM), where the broker asks for one."
    )
    key_file: Path | None = Field(None, description="The certificate's key (PEM, not encrypted).")
    user: str | None = Field(None, min_length=1, max_length=128, description="Our name there.")
    password: SecretStr | None = Field(None, description="Rather `password_file`.")
    password_file: Path | None = Field(None, description="A file with the password in it.")
    client_id: str | None = Field(
        None,
        min_length=1,
        max_length=64,
        description="Made from the device's and this table's name if left out; no two clients of "
        "a broker may have the same.",
    )
    keepalive_s: int = Field(
        30, ge=5, le=3600, description="A silent connection is checked this often, both ways."
    )

    @property
    def port_or_default(self) -> int:
        """Return the port to connect to."""
        return self.port or (TLS_PORT if self.tls else PLAIN_PORT)

    @model_validator(mode="after")
    def _fits(self) -> BrokerSection:
        if not self.tls and (self.ca_file or self.certificate_file or self.key_file):
            raise ValueError("ca_file, certificate_file and key_file need tls = true")
        if (self.certificate_file is None) != (self.key_file is None):
            raise ValueError("certificate_file and key_file need each other")
        if self.password is not None and self.password_file is not None:
            raise ValueError("expected password or password_file, not both")
        if self.user is None and (self.password is not None or self.password_file is not None):
            raise ValueError("a password needs a user")
        return self
