"""Photographs that every machine has: those that come with scikit-image, as JPEG files."""

from __future__ import annotations

from pathlib import Path

import cv2

from scripts.measuring.section import NotMeasured

NAMES = ("astronaut", "camera", "chelsea", "coffee", "rocket", "stereo_motorcycle")


def write_photographs(folder: Path) -> list[Path]:
    """Write them into `folder`, quality 90, and return their paths."""
    try:
        from skimage import data
    except ImportError as error:
        raise NotMeasured("scikit-image is not installed: pip install 'edgecls[demo]'") from error
    paths = []
    for name in NAMES:
        pixels = getattr(data, name)()
        pixels = pixels[0] if isinstance(pixels, tuple) else pixels
        bgr = pixels if pixels.ndim == 2 else pixels[..., 2::-1]
        path = folder / f"{name}.jpg"
        cv2.imwrite(str(path), bgr, [cv2.IMWRITE_JPEG_QUALITY, 90])
        paths.append(path)
    return paths
