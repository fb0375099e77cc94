"""A camera that answers a snapshot URL with one picture."""

from __future__ import annotations

import hashlib
import http.client
import ssl
import string
import time
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Callable
from datetime import datetime, timezone
from email.message import Message as HTTPMessage
from types import TracebackType
from typing import IO, TYPE_CHECKING
from urllib.parse import quote, urlsplit, urlunsplit
from urllib.request import parse_http_list, parse_keqv_list

from typing_extensions import Self

from edgecls._lib.deadline import Deadline
from edgecls.bundle.images import pixels_from_bytes
from edgecls.cameras.address import credentials_from_url, password_of, public_url
from edgecls.errors import CameraError, ImageError
from edgecls.types import Frame

if TYPE_CHECKING:  # the capture process does without pydantic
    from edgecls.sections.camera import HttpCameraSection

PICTURE_BYTES_MAX = 32 * 1024 * 1024
PIECE_BYTES = 256 * 1024
_HASHES = {"MD5": "md5", "SHA-256": "sha256"}
_HINTS = {
    401: "give `user`, and `password` or `password_file`",
    403: "check the user's rights in the camera's settings",
    404: "look up the path of its snapshot in the camera's manual",
}


class _PasswordHandler(urllib.request.HTTPDigestAuthHandler):
    """Answer a 401 once, by digest where the camera offers it, else by basic authentication.

    urllib's own handlers try a wrong password six times, which locks cameras up, know no SHA-256
    (RFC 7616) and no password beyond ASCII.
    """

    def __init__(self, host: str, user: str, password: str) -> None:
        self._host = host
        self._basic = "Basic " + b64encode(f"{user}:{password}".encode()).decode()
        accounts = urllib.request.HTTPPasswordMgrWithDefaultRealm()
        accounts.add_password(None, host, user, password)
        super().__init__(accounts)

    def http_error_401(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,  # noqa: ARG002  (urllib passes these by position)
        msg: str,  # noqa: ARG002
        hdrs: HTTPMessage,
    ) -> http.client.HTTPResponse | None:
        """Repeat the request with a password; None lets the 401 stand. Never to another host."""
        if req.has_header("Authorization") or req.host != self._host:
            return None
        answer = self._answer(req, hdrs.get_all("WWW-Authenticate", []))
        if answer is None:
            return None
        fp.close()
        req.add_unredirected_header("Authorization", answer)
        again: http.client.HTTPResponse = self.parent.open(req, timeout=req.timeout)
        return again

    def _answer(self, request: urllib.request.Request, challenges: list[str]) -> str | None:
        """Return the header that answers the best of `challenges`, or None."""
        basic = None
        for challenge in challenges:
            scheme, _, fields = challenge.partition(" ")
            if scheme.lower() == "basic":
                basic = self._basic
            values = parse_keqv_list(list(filter(None, parse_http_list(fields))))
            if scheme.lower() == "digest" and values.get("algorithm", "MD5").upper() in _HASHES:
                return f"Digest {self.get_authorization(request, values)}"
        return basic

    def get_algorithm_impls(
        self, algorithm: str
    ) -> tuple[Callable[[str], str], Callable[[str, str], str]]:
        """Return the hash that the challenge names, and the keyed hash made of it."""
        name = _HASHES[algorithm.upper()]

        def digest(text: str) -> str:
            return hashlib.new(name, text.encode(), usedforsecurity=False).hexdigest()

        return digest, lambda secret, data: digest(f"{secret}:{data}")


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
        host = parts.netloc.rpartition("@")[2]
        url = urlunsplit(parts._replace(netloc=host, fragment=""))
        self._url = quote(url, safe=string.punctuation)
        account = (section.user or user, password_of(section) or password)
        handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
        if any(account):
            handlers.append(_PasswordHandler(host, *account))
        self._opener = urllib.request.build_opener(*handlers)
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
            error.close()
            reason = "refused the user or the password" if error.code == 401 else "answered"
            raise CameraError(
                f"{self._name}: the camera {reason} ({error.code} {error.reason})".rstrip(),
                hint=_HINTS.get(error.code, "open the URL in a browser: it must show one picture"),
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
                raise CameraError(
                    f"{self._name}: the picture broke off after {len(data)} bytes",
                    hint="check the camera's cable or Wi-Fi",
                )
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
        text = getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
        return CameraError(f"{self._name}: {text}", hint="check the address in a browser")
