"""What every table of the configuration is."""

from __future__ import annotations

from typing import ClassVar

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """One table of the file: immutable, no unknown fields."""

    may_name: ClassVar[frozenset[str]] = frozenset()
    """Fields of paths in which a bare word may be a name; the others are always files."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
