"""Where visits are kept, and for how long."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from edgecls.sections.section import Section


class StoreSection(Section):
    """Where visits are kept."""

    folder: Path = Field(
        Path("edgecls-data"), description="Holds the database and the snapshots; made if missing."
    )
    bytes_max: int = Field(
        2_000_000_000,
        ge=1_000_000,
        description="Oldest snapshots go when they need more than this.",
    )
    days_max: float = Field(
        30.0, gt=0, le=36_500, description="Visits older than this are deleted."
    )
    free_bytes_min: int = Field(
        200_000_000, ge=0, description="Oldest snapshots go when the disk has less free than this."
    )
    jpeg_quality: int = Field(85, ge=30, le=100, description="Of the snapshots.")
    frames_max: int = Field(
        6,
        ge=0,
        le=50,
        description="Further pictures of each visit: after 1 s, then 2, 4, 8 ... s later.",
    )
