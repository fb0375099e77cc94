"""The page as an ASGI application.

What asks the household is a plain function, which Starlette runs in a pool of threads: a slow disk
holds up its own answer and no other. What needs no disk runs on the server's own thread.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from edgecls.errors import EdgeclsError
from edgecls.web.access import Access
from edgecls.web.actions import Actions, from_form
from edgecls.web.addresses import Hosts
from edgecls.web.api import Api, error_answer, from_object
from edgecls.web.device_pages import DevicePages
from edgecls.web.gate import FOR_PROGRAMS, Gate
from edgecls.web.guard import Guard
from edgecls.web.live import Live
from edgecls.web.login import LoginPages
from edgecls.web.pages import Pages
from edgecls.web.pictures import Pictures
from edgecls.web.rendering import Renderer
from edgecls.web.source import Household

STATIC = {
    "page.css": "text/css; charset=utf-8",
    "page.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class Frontage:
    """How the page is to be reached and looked at.

    Args:    hsts: tell browsers to keep to HTTPS.   live_fps, viewers_max: of the live picture.
             stopping: tells that the server ends.
    """

    hosts: Hosts
    hsts: bool = False
    live_fps: float = 2.0
    viewers_max: int = 4
    stopping: Callable[[], bool] = lambda: False


def utc_now() -> datetime:
    """Return the wall clock."""
    return datetime.now(timezone.utc)


def app_from_household(
    household: Household,
    access: Access,
    frontage: Frontage,
    *,
    clock: Callable[[], datetime] = utc_now,
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

    renderer = Renderer(access, static_url)
    pages = Pages(household, renderer, clock=clock)
    live = Live(
        household,
        access,
        fps=frontage.live_fps,
        viewers_max=frontage.viewers_max,
        stopping=frontage.stopping,
    )

    def failed(request: Request, message: str, status: int, headers: object = None) -> Response:
        if request.url.path.startswith(FOR_PROGRAMS):
            return error_answer(message, status, headers)
        return pages.failure(request, message, status)

    async def on_http_error(request: Request, error: Exception) -> Response:
        if not isinstance(error, HTTPException):
            raise error
        message = {"Not Found": "There is no such page."}.get(error.detail, error.detail)
        return failed(request, message, error.status_code, error.headers)

    async def on_household_error(request: Request, error: Exception) -> Response:
        return failed(request, str(error), 503)

    return Starlette(
        routes=[
            Route("/static/{name}", static_file),
            Route("/live", live.stream),
            *_pictures(household),
            *_pages(household, pages, DevicePages(household, renderer), access),
            *_login(LoginPages(access, renderer), access),
            *_api(Api(household, access)),
        ],
        middleware=[
            Middleware(Guard, hosts=frontage.hosts, hsts=frontage.hsts),
            Middleware(Gate, access=access),
        ],
        exception_handlers={HTTPException: on_http_error, EdgeclsError: on_household_error},
    )


def _pictures(household: Household) -> list[BaseRoute]:
    pictures = Pictures(household)
    return [
        Route("/latest.jpg", pictures.latest),
        Route("/snapshots/{name}", pictures.snapshot),
    ]


def _pages(
    household: Household, pages: Pages, device: DevicePages, access: Access
) -> list[BaseRoute]:
    actions = Actions(household)
    posts = {
        "/visits/{number:int}/keep": actions.keep,
        "/visits/{number:int}/correct": actions.correct,
        "/visits/{number:int}/delete": actions.delete,
        "/device/requeue": actions.requeue,
    }
    return [
        Route("/", pages.home),
        Route("/visits", pages.visits),
        Route("/visits/{number:int}", pages.visit),
        Route("/presses", pages.presses),
        Route("/device", device.device),
        Route("/model", device.model),
        *(Route(path, from_form(do, access), methods=["POST"]) for path, do in posts.items()),
    ]


def _login(pages: LoginPages, access: Access) -> list[BaseRoute]:
    return [
        Route("/login", pages.form),
        Route("/login", from_form(pages.log_in, None), methods=["POST"]),
        Route("/logout", from_form(pages.log_out, access), methods=["POST"]),
        Route("/account", pages.account),
        Route("/account/password", from_form(pages.change_password, access), methods=["POST"]),
    ]


def _api(api: Api) -> list[BaseRoute]:
    one = "/api/visits/{number:int}"
    return [
        Route("/api/openapi.json", api.openapi),
        Route("/api/session", api.session),
        Route("/api/now", api.now),
        Route("/api/health", api.health),
        Route("/api/history", api.history),
        Route("/api/model", api.model),
        Route("/api/visits", api.visits),
        Route(one, api.visit),
        Route(one, from_object(api.change_visit), methods=["POST"]),
        Route(one, from_object(api.delete_visit), methods=["DELETE"]),
        Route("/api/events", api.events),
        Route("/api/sinks", api.sinks),
        Route("/api/sinks/requeue", from_object(api.requeue), methods=["POST"]),
        Route("/api/press", from_object(api.press), methods=["POST"]),
        Route("/healthz", api.healthz),
        Route("/metrics", api.metrics),
    ]


def _static_response(name: str) -> Response:
    content = (Path(__file__).parent / "static" / name).read_bytes()
    tag = hashlib.blake2b(content, digest_size=8).hexdigest()
    headers = {"ETag": f'"{tag}"', "Cache-Control": "public, max-age=86400"}
    return Response(content, media_type=STATIC[name], headers=headers)
