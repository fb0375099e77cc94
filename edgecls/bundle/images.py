"""Image files to pixels and back, for every part of the suite."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from edgecls.bundle.image_header import header_from_bytes
from edgecls.errors import ImageError
from edgecls.types import Pixels

MEGAPIXELS_MAX = 64
FILE_BYTES_MAX = 512 * 1024 * 1024
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff"})

_FORMATS_HINT = "give a JPEG, PNG, BMP, GIF, WebP or TIFF file"
# OpenCV 4.11 and later decode straight to RGB; before, the channels are swapped afterwards.
_DECODES_RGB = getattr(cv2, "IMREAD_COLOR_RGB", None)


def images_in(folder: Path) -> list[Path]:
    """Return the images directly inside a folder, in name order, without hidden files.

    Raises:  OSError as the system gives it.
    """
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()
    )


def read_image(path: Path) -> Pixels:
    """Read an image file of any depth and channel count.

    The EXIF orientation is applied, alpha is dropped, grey is repeated, 16 bits are scaled to 8.

    Returns: RGB uint8, shape (H, W, 3), owned by the caller.
    Raises:  ImageError when it is missing, not an image, damaged or above MEGAPIXELS_MAX.
    """
    try:
        with open(path, "rb", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            data = file.readall() if size <= FILE_BYTES_MAX else b""
    except OSError as error:
        raise ImageError(
            f"{path}: cannot be read: {error.strerror or error}", hint="check the path"
        ) from error
    if size > FILE_BYTES_MAX:
        raise ImageError(
            f"{path}: {size} bytes, expected an image of at most {FILE_BYTES_MAX} bytes",
            hint=_FORMATS_HINT,
        )
    return pixels_from_bytes(data, origin=str(path))


def pixels_from_bytes(data: bytes, *, origin: str = "the image") -> Pixels:
    """Decode an image that is in memory already, as `read_image` does.

    Args:    origin: where it comes from, for messages.
    """
    if not data:
        raise ImageError(f"{origin}: 0 bytes, expected an image", hint=_FORMATS_HINT)
    header = header_from_bytes(data)
    if header is None:
        raise ImageError(
            f"{origin}: not an image: it begins with {data[:4].hex(' ')}", hint=_FORMATS_HINT
        )
    if header.width * header.height > MEGAPIXELS_MAX * 1_000_000:
        raise ImageError(
            f"{origin}: {header.width}x{header.height} is "
            f"{header.width * header.height / 1e6:.0f} megapixels, "
            f"expected at most {MEGAPIXELS_MAX}",
            hint="scale the image down first; a model looks at far fewer pixels",
        )
    if not header.complete:
        raise ImageError(
            f"{origin}: the {header.format} file is cut off after {len(data)} bytes",
            hint="copy the file again",
        )
    pixels = _decoded(np.frombuffer(data, np.uint8)) if header.width * header.height else None
    if pixels is None:
        raise ImageError(
            f"{origin}: the {header.format} file cannot be decoded: damaged, or of a rare kind",
            hint="copy it again, or save it as JPEG or PNG",
        )
    return pixels


def decode_jpeg(data: bytes) -> Pixels:
    """Decode a JPEG from a camera or the store; as `pixels_from_bytes`."""
    return pixels_from_bytes(data, origin="the JPEG")


def encode_jpeg(pixels: Pixels, quality: int = 85) -> bytes:
    """Return `pixels`, RGB uint8 (H, W, 3), as a JPEG file's bytes; quality 1 to 100.

    Raises:  ImageError when the shape is not one that JPEG can hold.
    """
    try:
        bgr = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
        done, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    except cv2.error as error:
        raise ImageError(f"cannot encode pixels of shape {pixels.shape} as JPEG") from error
    if not done:
        raise ImageError(f"cannot encode pixels of shape {pixels.shape} as JPEG")
    return data.tobytes()


def _decoded(data: npt.NDArray[np.uint8]) -> Pixels | None:
    """Return RGB pixels, or None where OpenCV cannot decode them."""
    try:
        if _DECODES_RGB is not None:
            return cv2.imdecode(data, _DECODES_RGB)  # type: ignore[return-value]
        pixels = cv2.imdecode(data, cv2.IMREAD_COLOR)
        return None if pixels is None else cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)  # type: ignore
    except cv2.error:
        return None
