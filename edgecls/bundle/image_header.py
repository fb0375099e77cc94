"""Read an image file's size from its first bytes, so that a bomb is refused before it is decoded.

Formats: JPEG (ITU T.81), PNG (ISO 15948), BMP, GIF, WebP (RFC 9649) and TIFF 6.0.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Header:
    """What the first bytes say. `complete` is False where the end of the data is known to miss."""

    format: str
    width: int
    height: int
    complete: bool = True


def header_from_bytes(data: bytes) -> Header | None:
    """Return what kind of image `data` is, or None if it is none of the formats above."""
    for magic, read in _READERS:
        if data.startswith(magic):
            try:
                return read(data)
            except (struct.error, IndexError):  # it ends inside its own header
                return Header("image", 0, 0, complete=False)
    return None


def _jpeg(data: bytes) -> Header:
    """Walk the marker segments up to the first scan; the end marker must come after it."""
    position, width, height = 2, 0, 0
    while True:
        start, marker, length = _SEGMENT.unpack_from(data, position)
        if start != 0xFF or marker == 0xD9:
            raise IndexError("no segment where one must be")
        if marker == 0xDA:
            return Header("JPEG", width, height, complete=data.rfind(b"\xff\xd9") > position)
        if marker == 0xFF:  # a fill byte
            position += 1
        elif marker == 0x01 or 0xD0 <= marker <= 0xD8:  # these have no length
            position += 2
        else:
            if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
                height, width = struct.unpack_from(">HH", data, position + 5)
            position += 2 + length


def _png(data: bytes) -> Header:
    width, height = struct.unpack_from(">II", data, 16)
    return Header("PNG", width, height, complete=data.rfind(b"IEND") > 0)


def _bmp(data: bytes) -> Header:
    if struct.unpack_from("<I", data, 14)[0] == 12:  # the oldest header has short fields
        width, height = struct.unpack_from("<HH", data, 18)
    else:
        width, height = struct.unpack_from("<ii", data, 18)
    return Header("BMP", abs(width), abs(height))


def _gif(data: bytes) -> Header:
    return Header("GIF", *struct.unpack_from("<HH", data, 6))


def _riff(data: bytes) -> Header | None:
    if data[8:12] != b"WEBP":
        return None
    complete = len(data) >= struct.unpack_from("<I", data, 4)[0] + 8
    kind = data[12:16]
    if kind == b"VP8X":
        width = int.from_bytes(data[24:27], "little") + 1
        height = int.from_bytes(data[27:30], "little") + 1
    elif kind == b"VP8L":
        bits = struct.unpack_from("<I", data, 21)[0]
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    else:
        width, height = (side & 0x3FFF for side in struct.unpack_from("<HH", data, 26))
    return Header("WebP", width, height, complete=complete)


def _tiff(data: bytes) -> Header:
    order = "<" if data[:1] == b"I" else ">"
    sizes = dict(_tiff_sizes(data, order))
    return Header("TIFF", sizes[256], sizes[257]) if len(sizes) == 2 else Header("TIFF", 0, 0)


def _tiff_sizes(data: bytes, order: str) -> Iterator[tuple[int, int]]:
    """Yield the tags ImageWidth (256) and ImageLength (257) of the first directory."""
    start = struct.unpack_from(order + "I", data, 4)[0]
    for index in range(struct.unpack_from(order + "H", data, start)[0]):
        entry = start + 2 + 12 * index
        tag, kind = struct.unpack_from(order + "HH", data, entry)
        if tag in (256, 257):
            yield tag, struct.unpack_from(order + ("H" if kind == 3 else "I"), data, entry + 8)[0]


_SEGMENT = struct.Struct(">BBH")
_READERS = (
    (b"\xff\xd8", _jpeg),
    (b"\x89PNG\r\n\x1a\n", _png),
    (b"BM", _bmp),
    (b"GIF8", _gif),
    (b"RIFF", _riff),
    (b"II*\0", _tiff),
    (b"MM\0*", _tiff),
)
