"""The latest frame and the stored snapshots, as JPEG."""

from __future__ import annotations

import hashlib

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from edgecls.web.queries import camera_name
from edgecls.web.source import Household

JPEG = "image/jpeg"
FOR_LONG = "private, max-age=2592000, immutable"  # a snapshot's name is never used again


class Pictures:
    """Serve pictures of `household`."""

    def __init__(self, household: Household) -> None:
        self._household = household

    def latest(self, request: Request) -> Response:
        """Return the newest frame; 304 to who has it already, 404 before the first."""
        camera = camera_name(request.query_params, self._household)
        jpeg = self._household.latest_jpeg(camera or self._household.cameras()[0])
        if jpeg is None:
            raise HTTPException(404, "There is no picture yet.")
        tag = f'"{picture_tag(jpeg)}"'
        headers = {"ETag": tag, "Cache-Control": "no-store"}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(jpeg, media_type=JPEG, headers=headers)

    def snapshot(self, request: Request) -> Response:
        """Return a visit's snapshot; 404 when it is gone or is no such name."""
        jpeg = self._household.snapshot(request.path_params["name"])
        if jpeg is None:
            raise HTTPException(404, "This picture is gone: the oldest make room for new ones.")
        return Response(jpeg, media_type=JPEG, headers={"Cache-Control": FOR_LONG})


def picture_tag(jpeg: bytes) -> str:
    """Return what tells pictures apart."""
    return hashlib.blake2b(jpeg, digest_size=12).hexdigest()
