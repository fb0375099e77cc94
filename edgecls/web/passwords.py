"""Passwords: made, hashed and compared. Argon2id, https://www.rfc-editor.org/rfc/rfc9106.

The parameters are OWASP's second choice (19 MiB, two passes, one lane): a small board computes one
in a fraction of a second and has the memory to spare; one at a time, see `login.py`.
"""

from __future__ import annotations

import secrets
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import Type

LENGTH_MIN, LENGTH_MAX = 10, 200
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
"""Without letters that look like another."""
GROUPS, GROUP_LENGTH = 4, 4

NOBODYS_HASH = (
    "$argon2id$v=19$m=19456,t=2,p=1$jEeEYIjdfqxhOsrQBTtZhg$"
    "RqC9cVTv9OVTAD50GpB6Wo5EAdN/7s7nPBBUeIAok7A"
)
"""Of a random password that nobody kept: what an unknown name is compared with, to take as long."""

_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1, type=Type.ID)


def random_password() -> str:
    """Return a password that can be typed on a phone: "k7mf-…", 79 bits."""
    words = ("".join(secrets.choice(ALPHABET) for _ in range(GROUP_LENGTH)) for _ in range(GROUPS))
    return "-".join(words)


def password_fault(password: str) -> str | None:
    """Say why `password` cannot be taken; None when it can."""
    if not LENGTH_MIN <= len(password) <= LENGTH_MAX:
        return f"a password needs {LENGTH_MIN} to {LENGTH_MAX} characters, received {len(password)}"
    if not password.isprintable():
        return "a password needs printable characters, received others too"
    if len(set(password)) < 4:
        return "a password needs at least 4 different characters"
    return None


def hash_password(password: str) -> str:
    """Return the hash with its salt and parameters, as argon2 writes it ("$argon2id$...")."""
    return _hasher.hash(_composed(password))


def matches(password_hash: str, password: str) -> bool:
    """Tell whether `password` made `password_hash`; takes as long whether or not it did."""
    try:
        return _hasher.verify(password_hash, _composed(password))
    except (VerificationError, InvalidHashError):
        return False


def _composed(password: str) -> str:
    """Return letters in one form, for keyboards differ: https://www.rfc-editor.org/rfc/rfc8265"""
    return unicodedata.normalize("NFC", password)
