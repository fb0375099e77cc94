"""Who may ask, and what every answer carries: the page's outer wall.

A web site open in the same browser must not read the door: by rebinding its name to 127.0.0.1 (the
Host check, https://en.wikipedia.org/wiki/DNS_rebinding), by framing, or by embedding pictures.
"""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "[::1]"})
METHODS = ("GET", "HEAD")
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; object-src 'none'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Guard:
    """Refuse what is not a plain look from this machine; add the security headers to all else."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app_for(scope)(scope, receive, send_with_headers)

    def _app_for(self, scope: Scope) -> ASGIApp:
        """Return the application, or the refusal that this request gets."""
        host = _host_without_port(Headers(scope=scope).get("host", ""))
        if host not in LOOPBACK_HOSTS:
            return PlainTextResponse(
                "This page answers only to the names of its own machine: "
                "open it as http://127.0.0.1 or http://localhost, with its port.\n",
                status_code=421,
            )
        if scope["method"] not in METHODS:
            return PlainTextResponse(
                "This page can only be read.\n", status_code=405, headers={"Allow": "GET, HEAD"}
            )
        return self._app


def _host_without_port(host: str) -> str:
    """Cut ":8080" off; an IPv6 address keeps its brackets. Anything odd comes back as it is."""
    name, colon, port = host.rpartition(":")
    return name.lower() if colon and port.isdigit() else host.lower()
