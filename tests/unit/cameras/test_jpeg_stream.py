"""Whole JPEG files out of a stream that comes in any pieces, with anything in between."""

from __future__ import annotations

import os

import cv2
import numpy as np
import pytest

from edgecls.cameras.jpeg_stream import IMAGE_BYTES_MAX, JpegStream


def jpeg(seed: int, *options: int) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    return bytes(cv2.imencode(".jpg", pixels, list(options))[1])


def with_thumbnail(image: bytes) -> bytes:
    """Put a whole JPEG into an application segment, as cameras do with Exif."""
    inner = jpeg(99)
    return image[:2] + b"\xff\xe1" + (len(inner) + 2).to_bytes(2, "big") + inner + image[2:]


IMAGES = [
    jpeg(1),
    jpeg(2, cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
    jpeg(3, cv2.IMWRITE_JPEG_RST_INTERVAL, 1),
    with_thumbnail(jpeg(4)),
    jpeg(5, cv2.IMWRITE_JPEG_QUALITY, 100),
]


@pytest.mark.parametrize("step", [1, 2, 3, 7, 100, 4096, 10**6])
def test_images_come_out_whole_whatever_the_pieces(step: int) -> None:
    stream = JpegStream()
    data = b"".join(IMAGES)
    found = [
        image for at in range(0, len(data), step) for image in stream.feed(data[at : at + step])
    ]
    assert found == IMAGES
    assert stream.garbage_bytes == 0


@pytest.mark.parametrize("step", [1, 64, 10**6])
def test_what_is_no_image_is_passed_over(step: int) -> None:
    data = b"words \xff\n" + IMAGES[0] + b"\xff\xd8more" + IMAGES[1] + IMAGES[2][:300] + IMAGES[3]
    stream = JpegStream()
    found = [
        image for at in range(0, len(data), step) for image in stream.feed(data[at : at + step])
    ]
    assert found[:2] == IMAGES[:2]
    assert found[-1].endswith(IMAGES[3][-200:])


def test_garbage_is_counted_and_not_kept() -> None:
    stream = JpegStream()
    noise = os.urandom(1 << 20).replace(b"\xff", b"")
    for _ in range(3):
        assert list(stream.feed(noise)) == []
    assert stream.garbage_bytes > 2 * len(noise)
    assert list(stream.feed(IMAGES[0])) == [IMAGES[0]]
    assert stream.garbage_bytes == 0


def test_an_image_without_end_does_not_fill_the_memory() -> None:
    stream = JpegStream()
    header = IMAGES[0][: IMAGES[0].index(b"\xff\xda") + 14]
    list(stream.feed(header))
    for _ in range(IMAGE_BYTES_MAX // (1 << 22) + 1):
        assert list(stream.feed(b"\x55" * (1 << 22))) == []
    assert stream.garbage_bytes > IMAGE_BYTES_MAX // 2
    assert list(stream.feed(IMAGES[1])) == [IMAGES[1]]
