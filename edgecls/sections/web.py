"""The page: where it listens, who may open it, and with which certificate."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from edgecls.sections.section import Section

HostName = Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[A-Za-z0-9._:-]+$")]


class WebSection(Section):
    """The page. As shipped it listens on this machine only."""

    enabled: bool = Field(True, description="Serve the page.")
    host: HostName = Field(
        "127.0.0.1",
        description='Address to listen on; "0.0.0.0" for all of this machine, "::" with IPv6 too.',
    )
    port: int = Field(8080, ge=0, le=65535, description="0 takes any free port.")
    host_names: tuple[HostName, ...] = Field(
        (),
        description="Further names by which browsers open the page, for example a proxy's. "
        "Beyond loopback, addresses and the machine's own name are known anyway.",
    )
    login: bool = Field(True, description="Ask for a name and a password: see `edgecls user`.")
    allow_no_login: bool = Field(
        False,
        description="Beyond loopback, accept `login = false`: "
        "everybody on the network then sees the door and may delete visits.",
    )
    tls: Literal["auto", "generated", "given", "off"] = Field(
        "auto",
        description='"auto": a generated certificate beyond loopback, plain HTTP on loopback. '
        '"given" takes `certificate` and `key`.',
    )
    allow_plain_http: bool = Field(
        False,
        description='Beyond loopback, accept `tls = "off"`: '
        "passwords and pictures then cross the network for everybody to read.",
    )
    certificate: Path | None = Field(None, description="A PEM file, with its chain.")
    key: Path | None = Field(None, description="The certificate's key: a PEM file, not encrypted.")
    hsts: bool = Field(
        True,
        description='With tls = "given", tell browsers to keep to HTTPS for this host name, '
        "whatever the port. False where another program on the same name speaks plain HTTP.",
    )
    first_password_file: Path | None = Field(
        None,
        description="A file with the first account's password, for example from a freshly written "
        "card. Used while there is no account; deleted at the first login, which asks for a new "
        "password.",
    )
    session_idle_s: float = Field(
        604_800.0, ge=60, le=7_776_000, description="A login ends when it was not used for so long."
    )
    session_max_s: float = Field(
        2_592_000.0, ge=60, le=31_536_000, description="A login ends so long after it began."
    )
    live_fps: float = Field(
        2.0, gt=0, le=10, description="Pictures per second of the live picture, for each viewer."
    )
    viewers_max: int = Field(
        4, ge=0, le=16, description="Live pictures at the same time; others refresh once a second."
    )

    @property
    def loopback(self) -> bool:
        """Tell whether only this machine can reach the page."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    @property
    def encrypted(self) -> bool:
        """Tell whether the page speaks TLS."""
        return not self.loopback if self.tls == "auto" else self.tls != "off"

    @model_validator(mode="after")
    def _closed(self) -> WebSection:
        if (self.tls == "given") != (self.certificate is not None and self.key is not None):
            raise ValueError('tls = "given" needs both certificate and key, and only it takes them')
        if self.loopback:
            return self
        if not self.login and not self.allow_no_login:
            raise ValueError(
                f"login = false lets everybody who reaches {self.host} see and change everything, "
                "expected login = true, or allow_no_login = true to accept that"
            )
        if not self.encrypted and not self.allow_plain_http:
            raise ValueError(
                f'tls = "off" shows passwords and pictures to the network of {self.host}, '
                'expected tls = "auto", or allow_plain_http = true to accept that'
            )
        return self
