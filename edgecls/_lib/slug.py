"""Turn a name that a person gave into a word for topics, ids and file names."""

from __future__ import annotations

import re
import unicodedata


def slug(name: str) -> str:
    """Return `name` in lower case ASCII letters, digits and single underscores; never empty."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode("ascii")
    word = re.sub(r"[^a-z0-9]+", "_", plain.lower()).strip("_")
    return word or "x" + name.encode("utf-8").hex()[:16]
