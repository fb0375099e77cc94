"""Tell a browser that looks when there is a new picture or another state: server-sent events.

https://html.spec.whatwg.org/multipage/server-sent-events.html. The browser fetches the picture
itself, so a slow one gets fewer. A stream costs nothing while nobody has one open.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from edgecls.web.access import Access, Visitor
from edgecls.web.pictures import picture_tag
from edgecls.web.queries import camera_name
from edgecls.web.source import Household

KNOWN_EVERY = 10
"""Looks between two questions whether the viewer is still logged in."""
LOOKS_MAX = 7200
"""Then the stream ends; the browser opens another by itself."""


class Live:
    """Serve /live: at most `viewers_max` streams, each looking `fps` times a second.

    Args:    stopping: tells that the server ends.
    """

    def __init__(
        self,
        household: Household,
        access: Access,
        *,
        fps: float,
        viewers_max: int,
        stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        self._household = household
        self._access = access
        self._pause_s = 1.0 / fps
        self._viewers_max = viewers_max
        self._stopping = stopping
        self.viewers = 0

    async def stream(self, request: Request) -> Response:
        """Return the stream; 503 when too many look already: then refresh now and then."""
        camera = camera_name(request.query_params, self._household)
        if self.viewers >= self._viewers_max:
            return PlainTextResponse("Too many are looking already.\n", 503)
        chosen = camera or self._household.cameras()[0]
        events = self._events(chosen, request.state.visitor)
        return StreamingResponse(events, media_type="text/event-stream")

    async def _events(self, camera: str, visitor: Visitor) -> AsyncIterator[str]:
        """Yield an event whenever the picture or the state has changed."""
        self.viewers += 1  # here, and not before: a stream that is never begun never ends
        try:
            before = ""
            for look in range(LOOKS_MAX):
                if self._stopping() or not await self._known(visitor, look):
                    return
                told = await run_in_threadpool(self._told, camera)
                if told != before:
                    yield f"data: {told}\n\n"
                    before = told
                elif look % KNOWN_EVERY == 0:
                    yield ": still here\n\n"
                await asyncio.sleep(self._pause_s)
        finally:
            self.viewers -= 1

    async def _known(self, visitor: Visitor, look: int) -> bool:
        if visitor.session is None or look % KNOWN_EVERY:
            return True
        return await run_in_threadpool(self._access.visitor, visitor.session, None) is not None

    def _told(self, camera: str) -> str:
        jpeg = self._household.latest_jpeg(camera)
        now = self._household.now(camera)
        return json.dumps(
            {
                "picture": None if jpeg is None else picture_tag(jpeg),
                "state": now.state,
                "since": now.since.timestamp(),
                "problem": now.problem,
            }
        )
