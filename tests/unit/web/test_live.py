"""The live stream: told only what changes, to so many at a time, while they are logged in."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import StreamingResponse

from edgecls.web.access import ALL, Visitor
from edgecls.web.live import Live
from tests.household import AT, NO_FRAME_YET, PERSON, FakeHousehold, drawn_porch
from tests.page import PASSWORD, access_for

ANYBODY = Visitor(ALL)


def request(visitor: Visitor = ANYBODY, query: bytes = b"") -> Request:
    return Request({"type": "http", "query_string": query, "state": {"visitor": visitor},
                    "headers": []})  # fmt: skip


def live_of(household: FakeHousehold, folder: Path = Path("/nonexistent"), **changed: Any) -> Live:
    settings = {"fps": 500.0, "viewers_max": 2, **changed}
    return Live(household, access_for(folder, login=True), **settings)


async def body_of(live: Live, *arguments: Any) -> AsyncIterator[str]:
    response = await live.stream(request(*arguments))
    assert isinstance(response, StreamingResponse)
    assert response.media_type == "text/event-stream"
    return response.body_iterator  # type: ignore[return-value]


async def next_event(body: AsyncIterator[str]) -> dict[str, Any]:
    async for text in body:
        if text.startswith("data: "):
            told: dict[str, Any] = json.loads(text.removeprefix("data: "))
            return told
    raise AssertionError("the stream has ended")


def test_only_what_has_changed_is_told() -> None:
    household = FakeHousehold(state=NO_FRAME_YET, picture=None)

    async def look() -> None:
        body = await body_of(live_of(household))
        first = await next_event(body)
        assert (first["picture"], first["state"]) == (None, "no_picture")
        household.picture = drawn_porch()
        second = await next_event(body)
        assert second["picture"]
        household.state = PERSON
        third = await next_event(body)
        assert (third["state"], third["picture"]) == ("person", second["picture"])
        household.picture = drawn_porch(99)
        assert (await next_event(body))["picture"] not in (None, second["picture"])

    asyncio.run(look())


def test_so_many_may_look_and_a_place_is_given_back() -> None:
    live = live_of(FakeHousehold())

    async def look() -> None:
        bodies = [await body_of(live) for _ in range(2)]
        for body in bodies:
            await next_event(body)
        assert live.viewers == 2
        assert (await live.stream(request())).status_code == 503
        await bodies[0].aclose()  # type: ignore[attr-defined]
        assert live.viewers == 1
        third = await body_of(live)
        await next_event(third)

    asyncio.run(look())


def test_a_stream_ends_with_the_login_and_with_the_server(tmp_path: Path) -> None:
    household, stopping = FakeHousehold(), []
    live = live_of(household, tmp_path, stopping=lambda: bool(stopping))
    access = live._access
    access.accounts.add("anna", PASSWORD, at=AT)
    token = access.log_in("127.0.0.1", "anna", PASSWORD).session
    assert token is not None
    visitor = access.visitor(token, None)

    async def look() -> None:
        body, other = await body_of(live, visitor), await body_of(live)
        await next_event(body)
        await next_event(other)
        access.sessions.end(token)
        with pytest.raises(AssertionError, match="has ended"):
            await next_event(body)
        stopping.append(True)
        with pytest.raises(AssertionError, match="has ended"):
            await next_event(other)
        assert live.viewers == 0

    asyncio.run(look())


def test_an_unknown_camera_is_refused() -> None:
    with pytest.raises(Exception, match="expected one of door"):
        asyncio.run(live_of(FakeHousehold()).stream(request(ANYBODY, b"camera=garage")))
