"""Streams decoded with PyAV: a thread that keeps only the newest picture, and colours."""

from __future__ import annotations

import logging
import threading
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import datetime, timezone
from types import TracebackType
from typing import Any

import av
import numpy as np
from av.codec.context import CodecContext
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from typing_extensions import Self

from edgecls._lib.deadline import Deadline
from edgecls.errors import CameraError
from edgecls.types import Frame, Pixels

log = logging.getLogger(__name__)

LAG_MAX_S = 1.0  # behind the camera by more than this is late
PATIENCE_S = 2.0  # late for so long, pictures are passed over undecoded
DRIFT = 0.001  # how far two clocks may run apart, in seconds per second
CLOSE_S = 1.0
LOST_HINT = "check the camera's power and its cable or Wi-Fi"


class RgbConverter:
    """Turn decoded pictures into RGB with one scaler, kept from picture to picture."""

    def __init__(self) -> None:
        self._reformatter = VideoReformatter()

    def pixels(self, picture: VideoFrame) -> Pixels:
        """Return RGB uint8, shape (H, W, 3), owned by the caller."""
        rgb = self._reformatter.reformat(picture, format="rgb24")
        return np.asarray(rgb.to_ndarray(), dtype=np.uint8)


class Lag:
    """Tell how far a stream has fallen behind the camera.

    The smallest difference ever between our clock and the stream's timestamps is taken as "live".
    It is let grow slowly, as the camera's clock may run slower than ours.
    """

    def __init__(self) -> None:
        self._base_s: float | None = None
        self._last_s = 0.0

    def behind_s(self, now_s: float, position_s: float) -> float:
        """Return the seconds that the picture stamped `position_s` is late at `now_s`."""
        difference_s = now_s - position_s
        if self._base_s is None or abs(difference_s - self._base_s) > 3600:  # it began anew
            self._base_s = difference_s
        else:
            grown_s = self._base_s + DRIFT * (now_s - self._last_s)
            self._base_s = min(difference_s, grown_s)
        self._last_s = now_s
        return difference_s - self._base_s


class Pace:
    """Decide which packets to decode, so that a machine that is too slow still sees the present.

    A short stop is caught up with by decoding. Who stays behind for PATIENCE_S passes packets over
    until the stream is live again, and goes on at the next key frame.
    """

    def __init__(self) -> None:
        self._lag = Lag()
        self._late_since_s: float | None = None
        self.catching_up = False
        self.late_s = 0.0

    def decodes(self, now_s: float, position_s: float, *, is_keyframe: bool) -> bool:
        """Tell whether to decode the packet stamped `position_s` that came at `now_s`."""
        self.late_s = self._lag.behind_s(now_s, position_s)
        if self.late_s <= LAG_MAX_S:
            self._late_since_s = None
            self.catching_up = self.catching_up and not is_keyframe
        elif self._late_since_s is None:
            self._late_since_s = now_s
        elif now_s - self._late_since_s > PATIENCE_S:
            self.catching_up = True
        return not self.catching_up


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest picture, undecoded to RGB, and when it came."""

    picture: VideoFrame
    captured_s: float
    captured_at: datetime
    sequence: int


class LiveDecoder:
    """Decode a live stream in a thread and keep the newest picture only.

    RGB is made when somebody reads, so a picture that nobody wants costs no conversion.

    Args:    container: opened; closed by the thread.   what: the stream, for messages.
             keyframes_only: give the decoder key frames alone.
    """

    def __init__(
        self, container: InputContainer, *, what: str, keyframes_only: bool = False
    ) -> None:
        self._container = container
        self._what = what
        self._keyframes_only = keyframes_only
        self._converter = RgbConverter()
        self._changed = threading.Condition()
        self._newest: Newest | None = None
        self._seen = -1
        self._packets = 0
        self._failure: str | None = None
        self._stop = False
        self._told_lag = False
        self._thread = threading.Thread(target=self._run, name=f"decode {what}", daemon=True)
        self._thread.start()

    def read(self, timeout_s: float) -> Frame:
        """Return the newest picture that was not returned yet, as `ports.Camera.read` asks."""
        deadline = Deadline(timeout_s)
        packets = self._packets
        with self._changed:
            while self._newest is None or self._newest.sequence == self._seen:
                if self._failure is not None:
                    raise CameraError(f"{self._what}: {self._failure}", hint=LOST_HINT)
                if deadline.passed:
                    raise self._silence(timeout_s, self._packets - packets)
                self._changed.wait(deadline.remaining_s)
            newest = self._newest
            self._seen = newest.sequence
        pixels = self._converter.pixels(newest.picture)
        return Frame(pixels, newest.captured_s, newest.captured_at, newest.sequence)

    def close(self) -> None:
        """Ask the thread to end. One that waits for a silent camera ends by its own deadline."""
        self._stop = True
        self._thread.join(CLOSE_S)

    def _silence(self, timeout_s: float, packets: int) -> CameraError:
        """Say what was missing in `timeout_s`, in which so many packets came."""
        if packets and self._keyframes_only:
            return CameraError(
                f"{self._what}: no key frame within {timeout_s:g} s, though other frames came",
                hint="shorten the key frame interval in the camera's settings, raise "
                "frame_timeout_s, or set keyframes_only = false",
            )
        if packets:
            return CameraError(
                f"{self._what}: no picture within {timeout_s:g} s that could be decoded",
                hint="set H.264 as the codec and a key frame per second in the camera's settings",
            )
        return CameraError(f"{self._what}: no frame within {timeout_s:g} s", hint=LOST_HINT)

    def _run(self) -> None:
        try:
            self._decode()
            failure = "the stream ended"
        except av.error.ExitError:  # PyAV's own deadline
            failure = "the stream fell silent"
        except av.FFmpegError as error:
            failure = f"the stream broke off: {error.strerror or type(error).__name__}"
        except Exception as error:  # the reader must hear of it, whatever it is
            log.exception("decoding failed")
            failure = f"decoding failed: {type(error).__name__}"
        self._container.close()
        with self._changed:
            self._failure = failure
            self._changed.notify_all()

    def _decode(self) -> None:
        """Decode until the stream ends, breaks or nobody wants it any more."""
        stream = self._container.streams.video[0]
        economise(stream.codec_context)
        pace = Pace()
        sequence = 0
        for packet in self._container.demux(stream):
            if self._stop:
                return
            self._packets += 1
            if self._keyframes_only and not packet.is_keyframe:
                continue
            if packet.pts is not None and packet.time_base is not None:
                position_s = float(packet.pts * packet.time_base)
                if not pace.decodes(time.monotonic(), position_s, is_keyframe=packet.is_keyframe):
                    self._tell_lag(pace.late_s)
                    sequence += 1
                    continue
            for picture in pictures_from_packet(packet):
                self._keep(picture, sequence)
                sequence += 1

    def _tell_lag(self, late_s: float) -> None:
        """Log it once: a machine that is too slow is so again and again."""
        if self._told_lag:
            return
        self._told_lag = True
        log.warning(
            "%s: %.1f s behind the camera, frames are passed over; keyframes_only = true needs "
            "far less CPU",
            self._what,
            late_s,
        )

    def _keep(self, picture: VideoFrame, sequence: int) -> None:
        newest = Newest(picture, time.monotonic(), datetime.now(timezone.utc), sequence)
        with self._changed:
            self._newest = newest
            self._changed.notify_all()


class StreamCamera(ABC):
    """A camera whose pictures a `LiveDecoder` makes, from entering to closing.

    Args:    name: of the camera, for messages.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._decoder: LiveDecoder | None = None

    @abstractmethod
    def _opened(self) -> LiveDecoder:
        """Connect. Raises: CameraError with the reason."""

    def __enter__(self) -> Self:
        self._decoder = self._opened()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        if self._decoder is not None:
            self._decoder.close()
            self._decoder = None

    def read(self, timeout_s: float) -> Frame:
        """Return the newest picture not yet returned; see `ports.Camera.read`."""
        if self._decoder is None:
            raise CameraError(f"{self._name} is closed, expected an open camera")
        return self._decoder.read(timeout_s)


def economise(codec: CodecContext) -> None:
    """Set a decoder for small boards: one thread, no picture held back.

    More threads were measured to cost as much CPU and 4 MB each, for a latency nobody needs here.
    """
    codec.thread_count = 1
    codec.thread_type = "SLICE"


def pictures_from_packet(packet: Any) -> list[VideoFrame]:  # Any: PyAV types differ by version
    """Decode a packet; a damaged one gives nothing, as the next key frame heals the picture."""
    try:
        pictures: list[VideoFrame] = packet.decode()
    except av.error.InvalidDataError:
        log.debug("a damaged packet was passed over")
        return []
    return pictures
