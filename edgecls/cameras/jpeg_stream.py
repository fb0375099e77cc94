"""Cut a stream of JPEG files, one after the other without anything between, into files.

The markers are followed as ITU-T T.81 defines them (annex B): the end of an image cannot be found
by looking for FFD9 alone, as a thumbnail inside it has one too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

START = b"\xff\xd8\xff"
SOI, EOI, SOS = 0xD8, 0xD9, 0xDA
ALONE = frozenset({0x01, *range(0xD0, 0xD8)})
"""Markers without a length: TEM and the restart markers."""
IMAGE_BYTES_MAX = 32 * 1024 * 1024
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")


class JpegStream:
    """Take pieces of a stream, give whole JPEG files. What is no JPEG is passed over and counted.

    `garbage_bytes` counts what was passed over since the last whole file.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._at = 0  # everything before it belongs to the image at the buffer's start
        self._in_scan = False
        self._whole = False
        self.garbage_bytes = 0

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """Add a piece; yield each file that it completes."""
        self._buffer += piece
        while self._found_start():
            if not self._advance():
                return
            if self._whole:
                image = bytes(self._buffer[: self._at])
                self._drop(self._at, garbage=False)
                self.garbage_bytes = 0
                yield image

    def _found_start(self) -> bool:
        """Make the buffer begin with an image; False if none is in it."""
        if self._at:
            return True
        start = self._buffer.find(START)
        if start < 0:
            self._drop(max(0, len(self._buffer) - len(START) + 1))
            return False
        self._drop(start)
        self._at = 2
        return True

    def _advance(self) -> bool:
        """Follow the image by one segment; False if more bytes are needed for it."""
        if len(self._buffer) > IMAGE_BYTES_MAX:
            self._drop(len(START))
            return True
        return self._scan() if self._in_scan else self._segment()

    def _segment(self) -> bool:
        buffer, at = self._buffer, self._at
        if len(buffer) < at + 2:
            return False
        marker = buffer[at + 1]
        if buffer[at] != 0xFF or marker in (0x00, SOI):  # cut off; begin anew behind its start
            self._drop(2)
        elif marker == 0xFF:  # a fill byte
            self._at += 1
        elif marker == EOI or marker in ALONE:
            self._at += 2
            self._whole = marker == EOI
        elif len(buffer) < at + 4:
            return False
        else:
            length = int.from_bytes(buffer[at + 2 : at + 4], "big")
            if len(buffer) < at + 2 + length:
                return False
            self._at += 2 + length
            self._in_scan = marker == SOS
        return True

    def _scan(self) -> bool:
        """Go to the marker that ends the compressed data."""
        found = _MARKER.search(self._buffer, self._at)
        if found is None:
            self._at = max(self._at, len(self._buffer) - 1)  # its first byte may be the last here
            return False
        self._at = found.start()
        self._in_scan = False
        return True

    def _drop(self, count: int, *, garbage: bool = True) -> None:
        """Forget the first bytes; what follows is looked at anew."""
        del self._buffer[:count]
        self._at, self._in_scan, self._whole = 0, False, False
        if garbage:
            self.garbage_bytes += count
