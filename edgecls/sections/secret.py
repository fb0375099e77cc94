"""Secrets of the configuration: written in it, or in a file of their own."""

from __future__ import annotations

from pathlib import Path

from pydantic import SecretStr

from edgecls.errors import ConfigError


def secret_from(value: SecretStr | None, file: Path | None, *, field: str) -> str | None:
    """Return a configured secret; None where there is none.

    Args:    field: the name of the field that names the file, for the message.
    Raises:  ConfigError if the file cannot be read.
    """
    if value is not None:
        return value.get_secret_value()
    if file is None:
        return None
    try:
        return file.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"cannot read {field} {file}: {error}",
            hint="the file holds the secret alone, readable by the daemon's user",
        ) from error
