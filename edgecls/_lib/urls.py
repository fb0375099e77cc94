"""Show an address that a person wrote without what may be secret in it."""

from __future__ import annotations

import re


def public_url(url: str) -> str:
    """Return `url` without anything that may be secret: no user, password, query or fragment.

    It need not be a correct URL. An unquoted password may hold any character: where "@" stands so
    late that its end cannot be told, nothing behind the scheme is shown.
    """
    if "://" not in url:
        scheme, colons, rest = "", "", url
    else:
        scheme, colons, rest = url.partition("://")
    prefix = scheme.rpartition("@")[2] + colons
    authority = re.split("[/?#]", rest, maxsplit=1)[0]
    if "@" in rest[len(authority) :]:
        return f"{prefix}..."
    host = authority.rpartition("@")[2]
    path = re.split("[?#]", rest[len(authority) :], maxsplit=1)[0]
    return f"{prefix}{host}{path}"


def public_text(text: str) -> str:
    """Return `text` as it is, or as `public_url` shows it if it may be an address."""
    return public_url(text) if "://" in text or "@" in text else text
