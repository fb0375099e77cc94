"""A network camera's RTSP stream (RFC 2326), through PyAV."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import av

from edgecls.cameras.address import password_of, public_url, url_with_password
from edgecls.cameras.decoding import LiveDecoder, StreamCamera
from edgecls.errors import CameraError

if TYPE_CHECKING:  # the capture process does without pydantic
    from edgecls.sections.camera import RtspCameraSection

PORT = 554
PROBE_US = 500_000  # looks this long into the stream for its format; a camera's SDP has it already


class RtspCamera(StreamCamera):
    """Decode a stream continuously; give the newest picture when asked."""

    def __init__(self, section: RtspCameraSection) -> None:
        super().__init__(public_url(section.source))
        self._section = section

    def _opened(self) -> LiveDecoder:
        """Connect. Raises: CameraError by `open_timeout_s`, with the reason."""
        section = self._section
        url = url_with_password(section.source, password_of(section))
        options = {
            "rtsp_transport": section.transport,
            "allowed_media_types": "video",
            "fflags": "nobuffer",
            "analyzeduration": str(PROBE_US),
        }
        began_s = time.monotonic()
        try:
            container = av.open(
                url, options=options, timeout=(section.open_timeout_s, section.frame_timeout_s)
            )
        except av.FFmpegError as error:
            # from None: PyAV's error holds the URL, and a traceback would print its password.
            raise self._complaint(error, time.monotonic() - began_s) from None
        except UnicodeError:
            raise CameraError(
                f"{self._name} is no address that can be looked up",
                hint="write the source as rtsp://host/path, with the camera's name or IP address",
            ) from None
        if not container.streams.video:
            container.close()
            raise CameraError(
                f"{self._name} sends no video",
                hint="look up the path of its video stream in the camera's manual",
            )
        return LiveDecoder(container, what=self._name, keyframes_only=section.keyframes_only)

    def _complaint(self, error: av.FFmpegError, took_s: float) -> CameraError:
        """Say in a person's words why the stream could not be opened."""
        parts = urlsplit(self._section.source)
        port = parts.port or PORT
        for kind, why, hint in _REASONS:
            if isinstance(error, kind):
                return CameraError(f"{self._name}: {why}", hint=hint)
        if took_s >= 0.95 * self._section.open_timeout_s:
            return CameraError(
                f"{self._name}: no answer within {self._section.open_timeout_s:g} s",
                hint="check that the camera is on, and that its address is right",
            )
        if not _resolves(parts.hostname or ""):
            return CameraError(
                f"{self._name}: the host {parts.hostname!r} is unknown",
                hint="check the name, or use the camera's IP address",
            )
        if isinstance(error, av.error.InvalidDataError):
            return CameraError(
                f"{self._name}: the answer from port {port} is not RTSP",
                hint="check the port; cameras use 554 or 8554, and another for their page",
            )
        return CameraError(
            f"{self._name}: {error.strerror or type(error).__name__}",
            hint="see whether a player such as ffplay or VLC can open it",
        )


def _resolves(host: str, look_up: Callable[[str, None], object] = socket.getaddrinfo) -> bool:
    try:
        look_up(host, None)
    except (socket.gaierror, UnicodeError):
        return False
    return True


_REASONS: tuple[tuple[type[Exception], str, str], ...] = (
    (
        av.error.HTTPUnauthorizedError,
        "the camera refused the user or the password (401)",
        "write rtsp://user@host/path, and the password as `password` or `password_file`",
    ),
    (
        av.error.HTTPForbiddenError,
        "the camera does not let this user see the stream (403)",
        "check the user's rights in the camera's settings",
    ),
    (
        av.error.HTTPNotFoundError,
        "the camera has no stream under this path (404)",
        "look up the path of its RTSP stream in the camera's manual",
    ),
    (
        av.error.ConnectionRefusedError,
        "connection refused",
        "check the port, and that RTSP is switched on in the camera's settings",
    ),
)
