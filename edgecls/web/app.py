"""The page as an ASGI application.

What asks the household is a plain function, which Starlette runs in a pool of threads: a slow disk
holds up its own answer and no other. What needs no disk runs on the server's own thread.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from edgecls.errors import EdgeclsError
from edgecls.web.api import Api, error_answer
from edgecls.web.guard import Guard
from edgecls.web.pages import Pages
from edgecls.web.pictures import Pictures
from edgecls.web.source import Household

STATIC = {
    "page.css": "text/css; charset=utf-8",
    "page.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}


def utc_now() -> datetime:
    """Return the wall clock."""
    return datetime.now(timezone.utc)


def app_from_household(
    household: Household, *, clock: Callable[[], datetime] = utc_now
) -> Starlette:
    """Build the page of `household`. Reads the static files once; serving them needs no disk."""
    static = {name: _static_response(name) for name in STATIC}

    def static_url(name: str) -> str:
        return f"/static/{name}?v={static[name].headers['etag'][1:9]}"

    async def static_file(request: Request) -> Response:
        response = static.get(request.path_params["name"])
        if response is None:
            raise HTTPException(404)
        return response

    pages = Pages(household, clock=clock, static_url=static_url)
    api = Api(household)
    pictures = Pictures(household)

    def failed(request: Request, message: str, status: int) -> Response:
        if request.url.path.startswith("/api/"):
            return error_answer(message, status)
        return pages.failure(message, status)

    async def on_http_error(request: Request, error: Exception) -> Response:
        if not isinstance(error, HTTPException):
            raise error
        message = "There is no such page." if error.detail == "Not Found" else error.detail
        return failed(request, message, error.status_code)

    async def on_household_error(request: Request, error: Exception) -> Response:
        return failed(request, str(error), 503)

    return Starlette(
        routes=[
            Route("/", pages.home),
            Route("/visits", pages.visits),
            Route("/visits/{number:int}", pages.visit),
            Route("/latest.jpg", pictures.latest),
            Route("/snapshots/{name}", pictures.snapshot),
            Route("/static/{name}", static_file),
            Route("/api/now", api.now),
            Route("/api/visits", api.visits),
            Route("/api/health", api.health),
        ],
        middleware=[Middleware(Guard)],
        exception_handlers={HTTPException: on_http_error, EdgeclsError: on_household_error},
    )


def _static_response(name: str) -> Response:
    content = (Path(__file__).parent / "static" / name).read_bytes()
    tag = hashlib.blake2b(content, digest_size=8).hexdigest()
    headers = {"ETag": f'"{tag}"', "Cache-Control": "public, max-age=86400"}
    return Response(content, media_type=STATIC[name], headers=headers)
