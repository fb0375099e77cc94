"""The HTML pages of the door: home, visits, one visit, presses, and what went wrong."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from edgecls.measure.false_alarms import false_alarms
from edgecls.types import Visit
from edgecls.web.device_views import troubles_of
from edgecls.web.queries import ID_MAX, camera_name, visit_query, whole_number
from edgecls.web.rendering import Renderer
from edgecls.web.source import Household
from edgecls.web.views import days_view, happenings_view, now_view, tamperings_of, visit_view

HOME_VISITS = 6
LIST_VISITS = 24
LIST_HAPPENINGS = 30


class Pages:
    """Render `household` for people. Args: clock: the wall clock, UTC."""

    def __init__(
        self, household: Household, renderer: Renderer, *, clock: Callable[[], datetime]
    ) -> None:
        self._household = household
        self._renderer = renderer
        self._clock = clock

    def home(self, request: Request) -> Response:
        """Show the live picture, the state, the newest visits, and whether all is well."""
        at = self._clock()
        cameras = self._household.cameras()
        camera = camera_name(request.query_params, self._household) or cameras[0]
        found = self._household.visits(limit=HOME_VISITS + 1)
        health = self._household.health()
        tampered = tamperings_of(self._household.now(name) for name in cameras)
        return self._renderer.page(
            request,
            "home.html",
            now=now_view(self._household.now(camera), at),
            camera=camera,
            cameras=cameras,
            visits=[visit_view(visit, at) for visit in found[:HOME_VISITS]],
            more=len(found) > HOME_VISITS,
            tampered=tampered,
            troubles=(*tampered, *troubles_of(health)),
        )

    def visits(self, request: Request) -> Response:
        """List visits by day, newest first; `?before=ID` pages back, filters narrow.

        False alarms are counted over all that is stored, or all of one camera: a day is too short.
        """
        at = self._clock()
        query = visit_query(request.query_params, self._household)
        found = self._household.visits(
            limit=LIST_VISITS + 1,
            before_id=query.before_id,
            day=query.day,
            camera=query.camera,
            only=query.only,
        )
        shown = found[:LIST_VISITS]
        older = shown[-1].id if len(found) > LIST_VISITS else None
        alarms = false_alarms(self._household.tallies(), camera=query.camera)
        return self._renderer.page(
            request,
            "visits.html",
            alarms=alarms.words() if alarms.visits else None,
            days=days_view(shown, at),
            cameras=self._household.cameras(),
            query=query,
            newest=query.address("/visits"),
            older=None if older is None else query.address("/visits", before=older),
        )

    def visit(self, request: Request) -> Response:
        """Show one visit with its pictures, and what may be done with it."""
        visit = existing_visit(request, self._household)
        older = self._household.visits(limit=1, before_id=visit.id)
        newer = self._household.visit(visit.id + 1) if visit.id < ID_MAX else None
        return self._renderer.page(
            request,
            "visit.html",
            visit=visit_view(visit, self._clock()),
            older=older[0].id if older else None,
            newer=newer.id if newer else None,
        )

    def presses(self, request: Request) -> Response:
        """List presses and troubles with cameras, newest first."""
        before = whole_number(request.query_params, "before", most=ID_MAX)
        found = self._household.happenings(limit=LIST_HAPPENINGS + 1, before_id=before)
        shown = found[:LIST_HAPPENINGS]
        return self._renderer.page(
            request,
            "presses.html",
            happenings=happenings_view(shown, self._clock()),
            paged=before is not None,
            older=shown[-1].id if len(found) > LIST_HAPPENINGS else None,
        )

    def failure(self, request: Request, message: str, status: int) -> Response:
        """Say what went wrong, with a way back."""
        return self._renderer.page(
            request, "failure.html", status=status, code=status, message=message
        )


def existing_visit(request: Request, household: Household) -> Visit:
    """Return the visit that the address names. Raises: HTTPException 404."""
    number = request.path_params["number"]
    visit = household.visit(number) if 1 <= number <= ID_MAX else None
    if visit is None:
        raise HTTPException(404, "There is no such visit, or no longer.")
    return visit
