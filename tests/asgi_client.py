"""Ask an ASGI application as a server would: the raw path and Host, nothing tidied up."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from starlette.types import ASGIApp, Message


@dataclass(frozen=True)
class Answer:
    """What came back. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    cookies: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        return self.content.decode("utf-8")

    def json(self) -> Any:  # Any: whatever the test expects there
        return json.loads(self.content)


@dataclass(frozen=True)
class AsgiClient:
    """Send requests to `app`, one at a time; what it raises comes through."""

    app: ASGIApp
    host: str = "127.0.0.1:8080"
    address: str = "127.0.0.1"

    def get(self, target: str, **headers: str) -> Answer:
        """Ask for `target`; headers are given as if_none_match="..."."""
        return self.request("GET", target, **headers)

    def request(self, method: str, target: str, *, body: bytes = b"", **headers: str) -> Answer:
        path, _, query = target.partition("?")
        sent = {"host": self.host, **{name.replace("_", "-"): v for name, v in headers.items()}}
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote(path),
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.encode(), value.encode()) for name, value in sent.items()],
            "server": ("127.0.0.1", 8080),
            "client": (self.address, 50_000),
        }
        messages: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            messages.append(message)

        async def ask() -> None:
            await self.app(scope, receive, send)

        asyncio.run(ask())
        start, *bodies = messages
        return Answer(
            status=start["status"],
            headers={name.decode().lower(): value.decode() for name, value in start["headers"]},
            content=b"".join(message.get("body", b"") for message in bodies),
            cookies=tuple(
                value.decode() for name, value in start["headers"] if name == b"set-cookie"
            ),
        )
