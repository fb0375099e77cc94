"""The page's inner wall: nothing is shown to, or changed by, whom it does not know.

Closed unless said otherwise: a path that nobody thought of needs a login too. A browser's change
needs the token of a form besides its cookie, against cross-site request forgery
(https://cheatsheetseries.owasp.org/cheatsheets/Cross-Site_Request_Forgery_Prevention_Cheat_Sheet.html).
"""

from __future__ import annotations

from http.cookies import CookieError, SimpleCookie
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from edgecls.errors import EdgeclsError
from edgecls.web.access import Access, Visitor
from edgecls.web.addresses import is_loopback
from edgecls.web.guard import LOOKING

OPEN_PATHS = ("/login",)
OPEN_FOLDER = "/static/"
HEALTH_PATH = "/healthz"
PRESS_PATH = "/api/press"
FOR_PROGRAMS = ("/api/", "/metrics", HEALTH_PATH)
PICTURES = ("/latest.jpg", "/live", "/snapshots/")
WHILE_PASSWORD_IS_OLD = ("/account", "/account/password", "/logout")
FORM_TOKEN_HEADER = "x-form-token"  # noqa: S105 (a header's name)


class Gate:
    """Find out who asks, put that into `request.state.visitor`, and refuse what is not theirs.

    `visitor` is None on open paths for whom we do not know.
    """

    def __init__(self, app: ASGIApp, *, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = scope["path"]
        if path.startswith(OPEN_FOLDER):
            scope.setdefault("state", {})["visitor"] = None
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        try:
            visitor = await run_in_threadpool(
                self._access.visitor,
                cookie_of(headers, self._access.cookie),
                _bearer_of(headers),
            )
        except EdgeclsError as error:  # nobody is let in while the accounts cannot be read
            await PlainTextResponse(f"{error}\n", 503)(scope, receive, send)
            return
        refusal = None if _is_open(scope) else _refusal(scope, headers, visitor, self._access)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        scope.setdefault("state", {})["visitor"] = visitor
        await self._app(scope, receive, send)


def cookie_of(headers: Headers, name: str) -> str | None:
    """Return the value of a cookie; None when it is not sent, or the header is damaged."""
    try:
        cookies = SimpleCookie(headers.get("cookie", ""))
    except CookieError:
        return None
    morsel = cookies.get(name)
    return morsel.value or None if morsel else None


def _bearer_of(headers: Headers) -> str | None:
    """Return the token of `Authorization: Bearer TOKEN`; None without that header."""
    kind, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else None


def _is_open(scope: Scope) -> bool:
    if scope["path"] in OPEN_PATHS:
        return True
    client = scope.get("client")
    return scope["path"] == HEALTH_PATH and client is not None and is_loopback(client[0])


def _refusal(
    scope: Scope, headers: Headers, visitor: Visitor | None, access: Access
) -> Response | None:
    """Return the answer to a request that may not go on; None when it may."""
    path, looking = scope["path"], scope["method"] in LOOKING
    programs = path.startswith(FOR_PROGRAMS)
    if visitor is None:
        if programs:
            message = "expected a login, or Authorization: Bearer TOKEN"
            return _json(message, 401, {"WWW-Authenticate": "Bearer"})
        if path.startswith(PICTURES):
            return PlainTextResponse("Log in first.\n", 401)
        back = scope["raw_path"].decode("latin-1") if looking and path != "/" else ""
        query = f"?next={quote(back, safe='')}" if back else ""
        return RedirectResponse(f"/login{query}", 303)
    if visitor.must_change and path not in WHILE_PASSWORD_IS_OLD:
        if programs or path.startswith(PICTURES):
            return _json("the password was for one login only, expected a new one", 403)
        return RedirectResponse("/account", 303)
    need = "press" if path == PRESS_PATH else "read" if looking else "change"
    if need not in visitor.rights:
        return _json(f"this token may not {need}, expected one of another scope", 403)
    if programs and not looking and visitor.form_binding is not None:
        sent = headers.get(FORM_TOKEN_HEADER, "")
        if not access.sessions.is_form_token(sent, visitor.form_binding):
            return _json(
                f"expected the header {FORM_TOKEN_HEADER} with what /api/session tells, "
                "or Authorization: Bearer TOKEN",
                403,
            )
    return None


def _json(message: str, status: int, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"schema": 1, "error": message}, status, headers=headers)
