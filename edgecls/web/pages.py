"""The HTML pages: home, all visits, one visit, and what went wrong."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse

from edgecls.web.api import ID_MAX, whole_number
from edgecls.web.source import Household
from edgecls.web.views import health_view, now_view, visit_view

HOME_VISITS = 6
LIST_VISITS = 24


class Pages:
    """Render `household` for people.

    Args:    clock: the wall clock, UTC.   static_url: path of a static file by its name.
    """

    def __init__(
        self,
        household: Household,
        *,
        clock: Callable[[], datetime],
        static_url: Callable[[str], str],
    ) -> None:
        self._household = household
        self._clock = clock
        self._templates = Environment(
            loader=FileSystemLoader(Path(__file__).parent / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.globals["static_url"] = static_url

    def home(self, request: Request) -> HTMLResponse:
        """Show the latest frame, the state, the newest visits and the device's condition."""
        del request
        at = self._clock()
        found = self._household.visits(limit=HOME_VISITS + 1)
        health = self._household.health()
        now = now_view(self._household.now(self._household.cameras()[0]), at)
        return self._page(
            "home.html",
            now=now,
            camera=self._household.cameras()[0],
            visits=[visit_view(visit, at) for visit in found[:HOME_VISITS]],
            more=len(found) > HOME_VISITS,
            health=health_view(health),
        )

    def visits(self, request: Request) -> HTMLResponse:
        """List visits, newest first; `?before=ID` pages back."""
        at = self._clock()
        before = whole_number(request.query_params, "before", most=ID_MAX)
        found = self._household.visits(limit=LIST_VISITS + 1, before_id=before)
        shown = found[:LIST_VISITS]
        return self._page(
            "visits.html",
            visits=[visit_view(visit, at) for visit in shown],
            paged=before is not None,
            older=shown[-1].id if len(found) > LIST_VISITS else None,
        )

    def visit(self, request: Request) -> HTMLResponse:
        """Show one visit with its snapshot at full size."""
        number = request.path_params["number"]
        visit = self._household.visit(number) if 1 <= number <= ID_MAX else None
        if visit is None:
            raise HTTPException(404, "There is no such visit, or no longer.")
        older = self._household.visits(limit=1, before_id=number)
        newer = self._household.visit(number + 1) if number < ID_MAX else None
        return self._page(
            "visit.html",
            visit=visit_view(visit, self._clock()),
            older=older[0].id if older else None,
            newer=newer.id if newer else None,
        )

    def failure(self, message: str, status: int) -> HTMLResponse:
        """Say what went wrong, with a way back."""
        page = self._page("failure.html", code=status, message=message)
        page.status_code = status
        return page

    def _page(self, template: str, **values: Any) -> HTMLResponse:
        # Any: each template has values of its own
        return HTMLResponse(self._templates.get_template(template).render(**values))
