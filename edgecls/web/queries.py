"""Read what an address asks for: page, day, camera, filter. Whatever is odd is refused in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from urllib.parse import urlencode

from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException

from edgecls.web.source import ONLY, Household

ID_MAX = 2**63 - 1  # what SQLite can hold


@dataclass(frozen=True, slots=True)
class VisitQuery:
    """Which visits are asked for; None means all."""

    before_id: int | None = None
    day: date | None = None
    camera: str | None = None
    only: str | None = None

    @property
    def filtered(self) -> bool:
        return (self.day, self.camera, self.only) != (None, None, None)

    def address(self, path: str, **changed: object) -> str:
        """Return `path` with this query, with some of it changed."""
        values = {
            "day": self.day.isoformat() if self.day else None,
            "camera": self.camera,
            "only": self.only,
            **changed,
        }
        text = urlencode({key: value for key, value in values.items() if value is not None})
        return f"{path}?{text}" if text else path


def visit_query(query: QueryParams, household: Household) -> VisitQuery:
    """Return the filters of an address. An empty one is none, as forms send it.

    Raises:  HTTPException 400.
    """
    return VisitQuery(
        before_id=whole_number(query, "before", most=ID_MAX),
        day=_day(query),
        camera=camera_name(query, household),
        only=_one_of(query, "only", ONLY),
    )


def camera_name(query: QueryParams, household: Household) -> str | None:
    """Return the camera asked for; None when none is. Raises: HTTPException 400."""
    return _one_of(query, "camera", tuple(household.cameras()))


def whole_number(query: QueryParams, name: str, *, most: int) -> int | None:
    """Return the parameter `name` as a number from 1 to `most`; None when it is not given.

    Raises:  HTTPException 400 for anything else.
    """
    text = query.get(name)
    if text is None:
        return None
    if text.isascii() and text.isdigit() and len(text) < 20 and 1 <= int(text) <= most:
        return int(text)
    raise HTTPException(400, f"{name}: expected a whole number from 1 to {most}")


def _day(query: QueryParams) -> date | None:
    text = query.get("day")
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or day.isoformat() != text or not 1970 <= day.year <= 9000:
        raise HTTPException(400, "day: expected a date as 2026-11-20")
    return day


def _one_of(query: QueryParams, name: str, known: tuple[str, ...]) -> str | None:
    text = query.get(name)
    if not text:
        return None
    if text not in known:
        raise HTTPException(400, f"{name}: expected one of {', '.join(known)}")
    return text
