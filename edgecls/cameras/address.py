"""A camera's URL and password: put together for the driver, and taken apart for people."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from edgecls._lib.urls import public_url as public_url
from edgecls.errors import CameraError


class Secret(Protocol):
    """Pydantic's SecretStr, or what stands for it in the capture process."""

    def get_secret_value(self) -> str: ...


class Passworded(Protocol):
    """A section with a password in it, or the name of a file that holds one."""

    @property
    def password(self) -> Secret | None: ...

    @property
    def password_file(self) -> Path | None: ...


def password_of(section: Passworded) -> str | None:
    """Return the configured password. Raises: CameraError if its file cannot be read."""
    if section.password is not None:
        return section.password.get_secret_value()
    if section.password_file is None:
        return None
    try:
        return section.password_file.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise CameraError(
            f"cannot read password_file {section.password_file}: {error}",
            hint="the file holds the password alone, readable by the daemon's user",
        ) from error


def credentials_from_url(url: str) -> tuple[str, str]:
    """Return user and password as they stand in `url`, unquoted; empty where there is none."""
    user, _, password = urlsplit(url).netloc.rpartition("@")[0].partition(":")
    return unquote(user), unquote(password)


def url_with_password(url: str, password: str | None) -> str:
    """Put a password into `url`, quoted so that any character may be in it.

    Raises:  CameraError if there is a password and the URL names no user.
    """
    if password is None:
        return url
    user, _ = credentials_from_url(url)
    if not user:
        raise CameraError(
            f"{public_url(url)}: there is a password but no user",
            hint="write the user into the source, as in rtsp://user@camera/stream",
        )
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    netloc = f"{quote(user, safe='')}:{quote(password, safe='')}@{host}"
    return urlunsplit(parts._replace(netloc=netloc))
