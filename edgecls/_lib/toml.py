"""Read TOML on every supported Python: 3.10 has no reader of its own."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def read(path: Path) -> dict[str, Any]:
    """Return the content of a TOML file.

    Raises:  OSError as the system gives it; ValueError for text that is not UTF-8 or not TOML.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")  # some editors put a byte order mark first
    except UnicodeDecodeError as error:
        raise ValueError(f"expected UTF-8 text, byte {error.start} is none") from error
    return loads(text)


def loads(text: str) -> dict[str, Any]:
    """Return the content of TOML text. Raises: ValueError with line and column."""
    return tomllib.loads(text)
