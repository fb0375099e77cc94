"""Who may ask, and what every answer carries: the page's outer wall.

A web site open in the same browser must not read the door or press its buttons: by rebinding its
name to our address (the Host check, https://en.wikipedia.org/wiki/DNS_rebinding), by framing, by
embedding pictures, or by sending forms. Every form carries a token besides: see `gate.py`.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from edgecls.web.addresses import Hosts

LOOKING = ("GET", "HEAD")
METHODS = (*LOOKING, "POST", "DELETE")
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
HSTS = "max-age=31536000"


class Guard:
    """Refuse what another site or name sends; add the security headers to every answer.

    Args:    hsts: tell browsers to keep to HTTPS for this host name.
    """

    def __init__(self, app: ASGIApp, *, hosts: Hosts, hsts: bool = False) -> None:
        self._app = app
        self._hosts = hosts
        self._headers = {**HEADERS, **({"Strict-Transport-Security": HSTS} if hsts else {})}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app_for(scope)(scope, receive, send_with_headers)

    def _app_for(self, scope: Scope) -> ASGIApp:
        """Return the application, or the refusal that this request gets."""
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if not self._hosts.known(host):
            return PlainTextResponse(
                "This page answers only to names it knows: on this machine http://127.0.0.1 or "
                "http://localhost, with its port. Others go into host_names of [web].\n",
                status_code=421,
            )
        if scope["method"] not in METHODS:
            return PlainTextResponse(
                "This page does not know that method.\n",
                status_code=405,
                headers={"Allow": ", ".join(METHODS)},
            )
        if scope["method"] not in LOOKING and _from_elsewhere(headers, host):
            return PlainTextResponse("Another site may not change anything here.\n", 403)
        return self._app


def _from_elsewhere(headers: Headers, host: str) -> bool:
    """Tell whether a browser says that another site sends this.

    `Origin: null` says nothing: under our own Referrer-Policy browsers send it with our own forms.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = headers.get("origin")
    return origin not in (None, "null") and urlsplit(origin or "").netloc.lower() != host.lower()
