"""What a browser's forms change. Each form carries a token that only our own pages can know."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from edgecls.types import CORRECTIONS
from edgecls.web.access import Access, Visitor
from edgecls.web.forms import form_of
from edgecls.web.pages import existing_visit
from edgecls.web.source import Household

Handler = Callable[[Request, dict[str, str]], Response]
Endpoint = Callable[[Request], Awaitable[Response]]


def from_form(handler: Handler, access: Access | None) -> Endpoint:
    """Return an endpoint that reads the form, checks its token, and runs `handler` in a thread.

    Args:    access: None where the handler checks the token itself (the login).
    """

    async def endpoint(request: Request) -> Response:
        form = await form_of(request)
        if access is not None:
            visitor: Visitor | None = request.state.visitor
            binding = visitor.form_binding if visitor else None
            token = form.get("form_token", "")
            if binding is None or not access.sessions.is_form_token(token, binding):
                raise HTTPException(403, "This form was too old. Please go back and try again.")
        return await run_in_threadpool(handler, request, form)

    return endpoint


class Actions:
    """Change visits and sinks of `household`, then lead back to the page with what was done."""

    def __init__(self, household: Household) -> None:
        self._household = household

    def keep(self, request: Request, form: dict[str, str]) -> Response:
        """`kept` is yes or no."""
        visit = existing_visit(request, self._household)
        kept = _choice(form, "kept", ("yes", "no")) == "yes"
        self._household.keep(visit.id, kept)
        return _back(f"/visits/{visit.id}", "kept" if kept else "released")

    def correct(self, request: Request, form: dict[str, str]) -> Response:
        """`correction` is one of CORRECTIONS, or empty to take it back."""
        visit = existing_visit(request, self._household)
        label = _choice(form, "correction", (*CORRECTIONS, "")) or None
        self._household.correct(visit.id, label)
        return _back(f"/visits/{visit.id}", "corrected" if label else "uncorrected")

    def delete(self, request: Request, form: dict[str, str]) -> Response:
        """Delete a visit that has ended."""
        del form
        visit = existing_visit(request, self._household)
        if visit.ended_at is None:
            raise HTTPException(409, "This visit lasts still: delete it once the visitor has left.")
        self._household.delete(visit.id)
        return _back("/visits", "deleted")

    def requeue(self, request: Request, form: dict[str, str]) -> Response:
        """Put the dead letters of `sink` back."""
        del request
        sink = _choice(form, "sink", tuple(state.sink for state in self._household.sinks()))
        self._household.requeue(sink)
        return _back("/device", "requeued")


def _choice(form: dict[str, str], name: str, known: tuple[str, ...]) -> str:
    value = form.get(name)
    if value is None or value not in known:
        raise HTTPException(422, f"{name}: expected one of {', '.join(known)}")
    return value


def _back(path: str, said: str) -> Response:
    return RedirectResponse(f"{path}?said={said}", 303)
