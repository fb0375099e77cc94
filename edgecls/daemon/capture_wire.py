"""What parent and capture child say to each other: an order, frames in memory, short messages.

The child imports this file, so it stays light: no pydantic, which would cost it 15 MB.

Frames lie in a memory file of two slots. A slot is written and read under a POSIX record lock on
its bytes: the writer takes the slot that is not the newest, and passes a frame over in the moment
that it is still being read, so that neither side ever waits and no frame is torn. Locks rather
than sequence counters, because Python has no memory barriers and Arm reorders; and the kernel
drops the locks of a process that is killed. The file is sparse: a slot has room for the largest
frame, and only pages that are written take memory. It is read and written with pread and pwrite,
as a mapping could be truncated under the reader (SIGBUS).
"""

from __future__ import annotations

import fcntl
import json
import os
import struct
from datetime import datetime, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from edgecls.types import Frame

SLOTS = 2  # a third would cost another frame's memory for a case that lasts 1 ms
FRAME_BYTES_MAX = 7680 * 4320 * 3
TEXT_CHARS_MAX = 300  # keeps a message with two texts below PIPE_BUF: written whole or not at all

_HEADER = struct.Struct("<8sQdddII")
_MAGIC = b"edgecls1"
_PIXELS_AT = 4096
_SLOT_BYTES = _PIXELS_AT + FRAME_BYTES_MAX


class GarbledError(ValueError):
    """Say that the other side wrote something that is no frame or no message."""


class SlotWriter:
    """The child's side. Args: descriptor: the memory file, not closed here."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._newest = 0
        os.ftruncate(descriptor, SLOTS * _SLOT_BYTES)

    def publish(self, frame: Frame, sequence: int, *, published_s: float) -> bool:
        """Write `frame` as number `sequence`; False if its slot is being read.

        Raises:  ValueError if the frame is larger than a slot.
        """
        height, width = frame.pixels.shape[:2]
        pixels = np.ascontiguousarray(frame.pixels)
        if pixels.nbytes > FRAME_BYTES_MAX:
            raise ValueError(f"frame of {width}x{height} pixels, expected at most 7680x4320")
        header = _HEADER.pack(
            _MAGIC, sequence, published_s, frame.captured_s, frame.captured_at.timestamp(),
            height, width,
        )  # fmt: skip
        slot = (self._newest + 1) % SLOTS
        if not _lock(self._descriptor, slot, fcntl.LOCK_EX):
            return False
        start = slot * _SLOT_BYTES
        os.pwrite(self._descriptor, bytes(_HEADER.size), start)
        _write_all(self._descriptor, pixels.data.cast("B"), start + _PIXELS_AT)
        os.pwrite(self._descriptor, header, start)
        _unlock(self._descriptor, slot)
        self._newest = slot
        return True


class SlotReader:
    """The parent's side. Args: descriptor: the memory file, not closed here."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def newest(self, *, after: int) -> tuple[Frame, float] | None:
        """Return the newest whole frame numbered above `after`, and when it was published.

        The pixels are a copy that the caller owns. Never blocks.
        Raises:  GarbledError if a slot holds something else than a frame.
        """
        numbers = [(self._header(slot)[0], slot) for slot in range(SLOTS)]
        for number, slot in sorted(numbers, reverse=True):
            if number <= after or not _lock(self._descriptor, slot, fcntl.LOCK_SH):
                continue
            try:
                number, published_s, captured_s, captured_at, height, width = self._header(slot)
                if number <= after:  # overwritten between the look and the lock
                    continue
                pixels = np.empty((height, width, 3), dtype=np.uint8)
                start = slot * _SLOT_BYTES + _PIXELS_AT
                if os.preadv(self._descriptor, [pixels.data.cast("B")], start) < pixels.nbytes:
                    raise GarbledError("the capture process wrote less than a frame")
            finally:
                _unlock(self._descriptor, slot)
            at = datetime.fromtimestamp(captured_at, timezone.utc)
            return Frame(pixels, captured_s, at, number), published_s
        return None

    def _header(self, slot: int) -> tuple[int, float, float, float, int, int]:
        """Return a slot's header; number -1 where nothing was ever written, or is being written."""
        data = os.pread(self._descriptor, _HEADER.size, slot * _SLOT_BYTES)
        if not any(data):
            return (-1, 0.0, 0.0, 0.0, 0, 0)
        if len(data) < _HEADER.size:
            raise GarbledError("the capture process cut its memory short")
        magic, number, published_s, captured_s, captured_at, height, width = _HEADER.unpack(data)
        plausible = height > 0 and width > 0 and height * width * 3 <= FRAME_BYTES_MAX
        if magic != _MAGIC or not plausible or not 0 <= captured_at < 1e11:
            raise GarbledError("the capture process wrote something that is no frame")
        return number, published_s, captured_s, captured_at, height, width


def _lock(descriptor: int, slot: int, kind: int) -> bool:
    """Lock a slot's bytes against the other process, without waiting."""
    try:
        fcntl.lockf(descriptor, kind | fcntl.LOCK_NB, _SLOT_BYTES, slot * _SLOT_BYTES)
    except (BlockingIOError, PermissionError):  # EAGAIN or EACCES, as POSIX leaves it open
        return False
    return True


def _unlock(descriptor: int, slot: int) -> None:
    fcntl.lockf(descriptor, fcntl.LOCK_UN, _SLOT_BYTES, slot * _SLOT_BYTES)


def _write_all(descriptor: int, data: memoryview, offset: int) -> None:
    while data:
        written = os.pwrite(descriptor, data, offset)
        data, offset = data[written:], offset + written


class PlainSecret:
    """A secret without pydantic: what `SecretStr` is to the leaf, in the child."""

    def __init__(self, value: str) -> None:
        self._value = value

    def get_secret_value(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "PlainSecret('**********')"


def order_from_section(section: Any, leaf: str | None) -> bytes:  # Any: pydantic, or a test's own
    """Write the child's order: one line of JSON with the camera's section in it.

    Args:    section: a camera section of the config.   leaf: "module:Class" that stands in for
             the camera table's entry, or None.
    """
    values = {name: _json_from_value(getattr(section, name)) for name in type(section).model_fields}
    return json.dumps({"section": values, "leaf": leaf}).encode() + b"\n"


def section_from_order(line: bytes) -> tuple[Any, str | None]:  # Any: has the section's attributes
    """Read the child's order back. Returns: the section, and the leaf or None."""
    order = json.loads(line)
    values = {name: _value_from_json(value) for name, value in order["section"].items()}
    return SimpleNamespace(**values), order["leaf"]


def _json_from_value(value: Any) -> Any:  # Any: whatever JSON knows, and the two below
    if isinstance(value, Path):
        return {"path": str(value)}
    if hasattr(value, "get_secret_value"):
        return {"secret": value.get_secret_value()}
    return value


def _value_from_json(value: Any) -> Any:  # Any: as above
    if isinstance(value, dict):
        return Path(value["path"]) if "path" in value else PlainSecret(value["secret"])
    return value


def message_bytes(kind: str, **fields: object) -> bytes:
    """Write one message as a line of JSON that fits into one atomic write."""
    texts = {
        name: value[:TEXT_CHARS_MAX] if isinstance(value, str) else value
        for name, value in fields.items()
    }
    line = json.dumps({"kind": kind, **texts}, ensure_ascii=False)
    return line.encode(errors="replace") + b"\n"


def message_from_line(line: bytes) -> dict[str, Any]:
    """Read one message. Raises: GarbledError if it is none."""
    try:
        message = json.loads(line)
    except ValueError as error:
        raise GarbledError("the capture process sent something that is no message") from error
    if not isinstance(message, dict) or not isinstance(message.get("kind"), str):
        raise GarbledError("the capture process sent something that is no message")
    return message
