"""Read what a browser or a program sends: a small form, or a small JSON object."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

BODY_MAX_BYTES = 16_384
FORM = "application/x-www-form-urlencoded"
JSON = "application/json"


async def form_of(request: Request) -> dict[str, str]:
    """Return the fields of a form; a field that comes twice is refused.

    Raises:  HTTPException 400, 413 or 415.
    """
    _expect_kind(request, FORM)
    try:
        text = (await _body_of(request)).decode("utf-8")
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=20, errors="strict")
    except ValueError as error:  # no UTF-8, or too many fields
        raise HTTPException(400, "The form could not be read.") from error
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise HTTPException(400, "The form has a field twice.")
    return fields


async def object_of(request: Request) -> dict[str, Any]:  # Any: JSON
    """Return a JSON object; an empty body is an empty one.

    Raises:  HTTPException 400, 413 or 415.
    """
    body = await _body_of(request)
    if not body:
        return {}
    _expect_kind(request, JSON)
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise HTTPException(400, "expected a JSON object, the body is not JSON") from error
    if not isinstance(value, dict):
        raise HTTPException(400, f"expected a JSON object, received {type(value).__name__}")
    return value


def _expect_kind(request: Request, kind: str) -> None:
    sent = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if sent != kind:
        raise HTTPException(415, f"expected {kind}, received {sent or 'no content type'}")


async def _body_of(request: Request) -> bytes:
    """Return the body, never more than BODY_MAX_BYTES of it."""
    parts: list[bytes] = []
    size = 0
    try:
        async for part in request.stream():
            size += len(part)
            if size > BODY_MAX_BYTES:
                raise HTTPException(413, f"at most {BODY_MAX_BYTES} bytes may be sent")
            parts.append(part)
    except ClientDisconnect as error:
        raise HTTPException(400, "the connection ended too early") from error
    return b"".join(parts)
