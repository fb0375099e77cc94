"""Lay many images out on one sheet, each with a caption, for people to look at."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from edgecls.types import Pixels

TILE_PX = 160
CAPTION_PX = 18
COLUMNS_MAX = 8
GROUND = 32


def contact_sheet(images: Sequence[Pixels], captions: Sequence[str]) -> Pixels:
    """Return one picture, RGB uint8, of all images in rows; each keeps its aspect.

    Args:    images: RGB uint8 (H, W, 3) of any size, at least one.   captions: one line each.
    """
    columns = min(COLUMNS_MAX, max(1, round(len(images) ** 0.5 * 1.3)))
    rows = -(-len(images) // columns)
    tall = TILE_PX + CAPTION_PX
    sheet = np.full((rows * tall, columns * TILE_PX, 3), GROUND, dtype=np.uint8)
    for place, (image, caption) in enumerate(zip(images, captions, strict=True)):
        top, left = place // columns * tall, place % columns * TILE_PX
        scale = min((TILE_PX - 4) / image.shape[1], (TILE_PX - 4) / image.shape[0])
        width, height = (max(1, round(side * scale)) for side in (image.shape[1], image.shape[0]))
        small = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
        y, x = top + (TILE_PX - height) // 2, left + (TILE_PX - width) // 2
        sheet[y : y + height, x : x + width] = small
        _write(sheet, _ascii(caption), left + 4, top + TILE_PX + CAPTION_PX - 6)
    return sheet


def _write(sheet: Pixels, text: str, x: int, y: int) -> None:
    room = TILE_PX - 8
    while text and cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 0.36, 1)[0][0] > room:
        text = text[:-1]
    cv2.putText(sheet, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, 0.36, (225,) * 3, 1, cv2.LINE_AA)


def _ascii(text: str) -> str:
    """OpenCV's built-in font has no other letters."""
    return text.encode("ascii", "replace").decode()
