"""A camera that answers a snapshot URL with one picture."""

from __future__ import annotations

import http.client
import ssl
import time
import urllib.error
import urllib.request
from datetime import datetime, timezone
from types import TracebackType
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from typing_extensions import Self

from edgecls._lib.deadline import Deadline
from edgecls.bundle.images import pixels_from_bytes
from edgecls.cameras.address import credentials_from_url, password_of, public_url
from edgecls.errors import CameraError, ImageError
from edgecls.types import Frame

if TYPE_CHECKING:  # the capture process does without pydantic
    from edgecls.config import HttpCameraSection

PICTURE_BYTES_MAX = 32 * 1024 * 1024
PIECE_BYTES = 256 * 1024
_HINTS = {
    401: "give `user`, and `password` or `password_file`",
    403: "check the user's rights in the camera's settings",
    404: "look up the path of its snapshot in the camera's manual",
}


class HttpCamera:
    """Fetch a fresh picture at each read: basic and digest authentication, no proxy."""

    def __init__(self, section: HttpCameraSection) -> None:
        self._section = section
        self._name = public_url(section.source)
        self._opener: urllib.request.OpenerDirector | None = None
        self._url = ""
        self._sequence = -1

    def __enter__(self) -> Self:
        """Make ready. Raises: CameraError if the password file cannot be read."""
        section = self._section
        user, password = credentials_from_url(section.source)
        parts = urlsplit(section.source)
        self._url = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment=""))
        accounts = urllib.request.HTTPPasswordMgrWithDefaultRealm()
        accounts.add_password(
            None, self._url, section.user or user, password_of(section) or password
        )
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}),
            urllib.request.HTTPDigestAuthHandler(accounts),
            urllib.request.HTTPBasicAuthHandler(accounts),
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        if self._opener is not None:
            self._opener.close()
            self._opener = None

    def read(self, timeout_s: float) -> Frame:
        """Fetch one picture; see `ports.Camera.read`."""
        try:
            data = self._fetch(Deadline(timeout_s))
            pixels = pixels_from_bytes(data, origin=self._name)
        except ImageError as error:
            raise CameraError(
                error.message, hint="the URL must answer with one JPEG or PNG"
            ) from error
        except urllib.error.HTTPError as error:
            reason = "refused the user or the password" if error.code == 401 else "answered"
            raise CameraError(
                f"{self._name}: the camera {reason} ({error.code} {error.reason})".rstrip(),
                hint=_HINTS.get(error.code),
            ) from None
        except (OSError, ValueError, http.client.HTTPException) as error:
            # from None: the error may hold the URL with what is secret in it
            raise self._complaint(error, timeout_s) from None
        self._sequence += 1
        return Frame(pixels, time.monotonic(), datetime.now(timezone.utc), self._sequence)

    def _fetch(self, deadline: Deadline) -> bytes:
        """Return the body of the answer, bounded in time and size."""
        if self._opener is None:
            raise CameraError(f"{self._name} is closed, expected an open camera")
        data = bytearray()
        with self._opener.open(self._url, timeout=max(0.01, deadline.remaining_s)) as answer:
            while piece := answer.read1(PIECE_BYTES):
                data += piece
                if len(data) > PICTURE_BYTES_MAX:
                    raise CameraError(
                        f"{self._name}: more than {PICTURE_BYTES_MAX} bytes, expected one picture",
                        hint="this may be a video stream; use the camera's snapshot URL",
                    )
                if deadline.passed:
                    raise TimeoutError
            if answer.length:  # what Content-Length promised and did not come
                raise CameraError(f"{self._name}: the picture broke off after {len(data)} bytes")
        return bytes(data)

    def _complaint(self, error: Exception, timeout_s: float) -> CameraError:
        """Say in a person's words why there is no picture."""
        if isinstance(error, CameraError):
            return error
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        if isinstance(reason, TimeoutError):
            return CameraError(
                f"{self._name}: no picture within {timeout_s:g} s",
                hint="check that the camera is on, and that its address is right",
            )
        if isinstance(reason, ssl.SSLCertVerificationError):
            return CameraError(
                f"{self._name}: its certificate is not trusted: {reason.verify_message}",
                hint="install the camera's certificate on this machine, or use http://",
            )
        text = getattr(reason, "strerror", None) or type(reason).__name__
        return CameraError(f"{self._name}: {text}", hint="check the address in a browser")
