"""Reading images of every kind that a user may have, and refusing what is none."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from edgecls.bundle.image_header import header_from_bytes
from edgecls.bundle.images import decode_jpeg, encode_jpeg, images_in, pixels_from_bytes, read_image
from edgecls.errors import ImageError

FORMATS = [".png", ".jpg", ".bmp", ".webp", ".tiff", ".gif"]


def scene(height: int = 24, width: int = 40) -> np.ndarray:
    """Return RGB pixels: red grows to the right, green downwards, blue is low."""
    pixels = np.full((height, width, 3), 30, np.uint8)
    pixels[:, :, 0] = np.linspace(0, 255, width, dtype=np.uint8)
    pixels[:, :, 1] = np.linspace(0, 255, height, dtype=np.uint8)[:, np.newaxis]
    return pixels


def encoded(suffix: str, array: np.ndarray) -> bytes:
    """Encode RGB, RGBA or grey; OpenCV wants the first three channels the other way round."""
    if array.ndim == 3:
        array = array[:, :, [2, 1, 0, 3][: array.shape[2]]]
    done, data = cv2.imencode(suffix, array)
    assert done
    return data.tobytes()


def png_of_size(width: int, height: int) -> bytes:
    """Return a PNG that claims a size and holds next to nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        crc = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + crc

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rest = chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + rest


def with_orientation(jpeg: bytes, orientation: int) -> bytes:
    """Put an EXIF segment that holds only the orientation into a JPEG."""
    tiff = struct.pack("<2sHIHHHIHHI", b"II", 42, 8, 1, 0x0112, 3, 1, orientation, 0, 0)
    segment = b"Exif\0\0" + tiff
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment + jpeg[2:]


def fault(data: bytes) -> str:
    with pytest.raises(ImageError) as caught:
        pixels_from_bytes(data, origin="x.jpg")
    assert caught.value.exit_code == 4
    assert caught.value.hint
    assert caught.value.message.startswith("x.jpg: ")
    return caught.value.message


@pytest.mark.parametrize("suffix", FORMATS)
def test_formats_give_rgb(suffix: str) -> None:
    pixels = pixels_from_bytes(encoded(suffix, scene()))
    assert pixels.dtype == np.uint8
    assert pixels.shape == scene().shape
    # lossy formats, and GIF's palette, may be off by some levels, never by a swapped channel
    tolerance = 0 if suffix in (".png", ".bmp", ".tiff") else 24
    assert np.abs(pixels.astype(int) - scene()).mean() <= tolerance


@pytest.mark.parametrize("suffix", FORMATS)
def test_sizes_are_read_before_decoding(suffix: str) -> None:
    header = header_from_bytes(encoded(suffix, scene(24, 40)))
    assert header is not None
    assert (header.width, header.height, header.complete) == (40, 24, True)


@pytest.mark.parametrize("quality", [1, 3, 100])
def test_sizes_of_lossless_and_progressive_files(quality: int) -> None:
    bgr = scene()[:, :, ::-1]
    for suffix, flags in (
        (".webp", [cv2.IMWRITE_WEBP_QUALITY, quality + 100]),  # above 100 is lossless
        (".jpg", [cv2.IMWRITE_JPEG_PROGRESSIVE, 1, cv2.IMWRITE_JPEG_QUALITY, quality]),
    ):
        header = header_from_bytes(cv2.imencode(suffix, bgr, flags)[1].tobytes())
        assert header is not None
        assert (header.width, header.height, header.complete) == (40, 24, True)


def test_one_channel_is_repeated() -> None:
    grey = scene()[:, :, 0]
    pixels = pixels_from_bytes(encoded(".png", grey))
    assert all(np.array_equal(pixels[:, :, channel], grey) for channel in range(3))


def test_alpha_is_dropped() -> None:
    alpha = np.dstack([scene(), np.full(scene().shape[:2], 9, np.uint8)])
    assert np.array_equal(pixels_from_bytes(encoded(".png", alpha)), scene())


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_16_bits_are_scaled(suffix: str, channels: int) -> None:
    eight = np.dstack([scene(), scene()[:, :, 0]])[:, :, :channels]
    pixels = pixels_from_bytes(encoded(suffix, eight.squeeze().astype(np.uint16) * 257))
    assert np.array_equal(pixels, np.repeat(eight, 3, axis=2) if channels == 1 else scene())


@pytest.mark.parametrize(
    ("orientation", "turn"),
    [(1, lambda p: p), (3, lambda p: p[::-1, ::-1]), (6, lambda p: np.rot90(p, -1))],
)
def test_exif_orientation_is_applied(orientation: int, turn: object) -> None:
    upright = encode_jpeg(scene(), 100)
    turned = pixels_from_bytes(with_orientation(upright, orientation))
    assert callable(turn)
    assert np.array_equal(turned, turn(decode_jpeg(upright)))


def test_jpeg_round_trip_keeps_colours() -> None:
    pixels = decode_jpeg(encode_jpeg(scene(), 95))
    # JPEG at 95 with halved colour resolution stays within a few levels on a smooth picture
    assert np.abs(pixels.astype(int) - scene()).mean() < 4


def test_what_jpeg_cannot_hold() -> None:
    with pytest.raises(ImageError, match=r"shape \(0, 4, 3\)"):
        encode_jpeg(np.zeros((0, 4, 3), np.uint8))


def test_unicode_paths(tmp_path: Path) -> None:
    path = tmp_path / "Tür 门 é.png"
    path.write_bytes(encoded(".png", scene()))
    assert np.array_equal(read_image(path), scene())


def test_0_bytes() -> None:
    assert "0 bytes" in fault(b"")


@pytest.mark.parametrize("data", [b"hello world", b"%PDF-1.7 ...", bytes(1000), b"RIFF1234WAVE"])
def test_not_an_image(data: bytes) -> None:
    assert "not an image" in fault(data)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
@pytest.mark.parametrize("keep", [0.3, 0.6, 0.95])
def test_truncated(suffix: str, keep: float, capfd: pytest.CaptureFixture[str]) -> None:
    whole = encoded(suffix, np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8))
    assert "is cut off after" in fault(whole[: int(len(whole) * keep)])
    assert capfd.readouterr().err == ""  # refused before OpenCV complains


@pytest.mark.parametrize("suffix", FORMATS)
def test_cut_off_inside_the_header(suffix: str) -> None:
    assert "x.jpg: " in fault(encoded(suffix, scene())[:14])


def test_damaged_inside() -> None:
    assert "cannot be decoded" in fault(png_of_size(40, 24))


def test_a_jpeg_with_a_trailer_is_complete() -> None:
    whole = encode_jpeg(scene())
    assert np.array_equal(decode_jpeg(whole + b"maker's notes" * 50), decode_jpeg(whole))


def test_100_megapixels_are_refused_unread() -> None:
    message = fault(png_of_size(12_500, 8_000))
    assert "12500x8000 is 100 megapixels, expected at most 64" in message


def test_100_megapixels_in_a_real_jpeg_are_refused() -> None:
    jpeg = bytearray(encode_jpeg(scene()))
    frame = jpeg.index(b"\xff\xc0")
    jpeg[frame + 5 : frame + 9] = struct.pack(">HH", 8_000, 12_500)
    assert "100 megapixels" in fault(bytes(jpeg))


def test_144_megapixels_are_refused_before_the_rest_has_come() -> None:
    message = fault(png_of_size(12_000, 12_000)[:33])
    assert "12000x12000 is 144 megapixels, expected at most 64" in message


def test_a_size_of_nothing_is_refused() -> None:
    assert "cannot be decoded" in fault(png_of_size(0, 5))


def test_missing_and_unreadable_paths(tmp_path: Path) -> None:
    for path, reason in ((tmp_path / "no.jpg", "No such file"), (tmp_path, "Is a directory")):
        with pytest.raises(ImageError, match=reason):
            read_image(path)


def test_a_file_of_absurd_length_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.jpg"
    path.touch()
    os.truncate(path, 2**40)  # sparse: takes no room
    with pytest.raises(ImageError, match="expected an image of at most"):
        read_image(path)


def test_the_images_in_a_folder_are_its_plain_files_in_name_order(tmp_path: Path) -> None:
    for name in ("b.JPG", "a.png", ".hidden.png", "notes.txt", "c"):
        (tmp_path / name).touch()
    (tmp_path / "folder.png").mkdir()
    assert [path.name for path in images_in(tmp_path)] == ["a.png", "b.JPG"]
