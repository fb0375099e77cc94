"""How a picture is judged: the model, motion, and when scores become a visit."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints, model_validator

from edgecls.sections.section import Section

SPAN = r"^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$"
"""Of the day, "22:00-06:30"; it may reach over midnight."""


class ModelSection(Section):
    """Which classifier runs, and how."""

    may_name: ClassVar[frozenset[str]] = frozenset({"bundle"})

    bundle: Path | None = Field(
        None,
        description="Folder, .edgecls file, or the name of a bundle that ships in the package, "
        "where no such file is; doorbell-person if left out.",
    )
    variant: str = Field("auto", description='A variant\'s name, or "auto" for the best one here.')
    threads: int = Field(1, ge=1, le=16, description="Threads of the runtime.")


class MotionSection(Section):
    """When to look closer. Works on a small grey picture of the frame."""

    similarity_max: float = Field(
        0.999, gt=0, le=1,
        description="A frame more like the background than this (normalised Frobenius product, "
        "means removed) did not move.",
    )  # fmt: skip
    area_min: float = Field(
        0.002, ge=0, le=1, description="Smallest part of the picture that counts as motion."
    )
    frozen_after_s: float = Field(
        60.0, gt=0, description="A camera that repeats the very same picture so long is frozen."
    )
    recheck_s: float = Field(
        10.0,
        gt=0,
        le=3600,
        description="Judge the whole picture at least this often, moved or not.",
    )
    regions_max: int = Field(
        2, ge=0, le=8, description="Regions around motion judged beside the whole picture."
    )


class VisitSection(Section):
    """When a score becomes a visit."""

    enter: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="Smoothed score that opens a visit; if left out, somewhat above the bundle's "
        "threshold: 0.70 for one of 0.5.",
    )
    leave: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="Smoothed score that lets it end; if left out, somewhat below the bundle's "
        "threshold: 0.45 for one of 0.5.",
    )
    night_enter: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="As `enter`, while the camera shows no colour (infra-red); as by day if left "
        "out.",
    )
    night_leave: float | None = Field(
        None, gt=0, lt=1, description="As `leave`, while the camera shows no colour."
    )
    smoothing_s: float = Field(0.7, ge=0, le=30, description="Time constant of the smoothing.")
    leave_after_s: float = Field(
        3.0, ge=0, le=600, description="Low scores for so long end the visit."
    )
    lost_after_s: float = Field(
        30.0, gt=0, le=3600, description="A visit is ended when no picture comes for so long."
    )
    quiet_hours: tuple[Annotated[str, StringConstraints(pattern=SPAN)], ...] = Field(
        (),
        description='Spans of the day by the device\'s clock, such as "22:00-06:30": visits that '
        "begin then are kept and shown, and nobody is told; a press always is.",
    )

    @model_validator(mode="after")
    def _hysteresis(self) -> VisitSection:
        if self.enter is not None and self.leave is not None and self.leave > self.enter:
            raise ValueError("leave must not be larger than enter")
        enter = self.enter if self.night_enter is None else self.night_enter
        leave = self.leave if self.night_leave is None else self.night_leave
        if enter is not None and leave is not None and leave > enter:
            raise ValueError("night_leave must not be larger than night_enter")
        return self


class TamperSection(Section):
    """When a camera that was covered, blurred or turned is told of. Frozen: see [motion]."""

    enabled: bool = Field(True, description="Look for tampering at all.")
    covered_after_s: float = Field(
        10.0, gt=0, le=3600, description="Nothing to be seen for so long. While a visit lasts, "
        "this and the other two take six times longer.",
    )  # fmt: skip
    blurred_after_s: float = Field(
        30.0, gt=0, le=3600, description="Everything out of focus for so long."
    )
    turned_after_s: float = Field(
        60.0, gt=0, le=3600, description="Another view, which stays the same, for so long."
    )
