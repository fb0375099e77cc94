"""Fill in templates for one visitor."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from edgecls.web.access import Access, Visitor

SAID = {
    "kept": "The visit is kept: it is the last to be deleted when room is needed.",
    "released": "The visit is no longer kept.",
    "corrected": "Thank you. Your correction is noted.",
    "uncorrected": "Your correction is taken back.",
    "deleted": "The visit and its pictures are deleted.",
    "requeued": "What had been given up is being sent again.",
    "password": "The password is changed. Whoever was logged in elsewhere is logged out.",
}
"""What a page says after a change; the address carries the key."""


class Renderer:
    """Make HTML of templates. Args: static_url: path of a static file by its name."""

    def __init__(self, access: Access, static_url: Callable[[str], str]) -> None:
        self._access = access
        self._templates = Environment(
            loader=FileSystemLoader(Path(__file__).parent / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.globals["static_url"] = static_url

    def page(
        self, request: Request, template: str, *, status: int = 200, **values: Any
    ) -> HTMLResponse:
        # Any: each template has values of its own
        visitor: Visitor | None = getattr(request.state, "visitor", None)
        binding = visitor.form_binding if visitor else None
        content = self._templates.get_template(template).render(
            account=visitor.account if visitor else None,
            inside=visitor is not None and not visitor.must_change,
            form_token=self._access.sessions.form_token(binding) if binding else "",
            said=SAID.get(request.query_params.get("said", "")),
            **values,
        )
        return HTMLResponse(content, status)
