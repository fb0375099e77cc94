"""Cut views out of photographs, and say what each view shows.

A view is a window of an image, relative coordinates x0 y0 x1 y1. A window around a person is a
person; a window of the same photograph beside every person is no_person. So one source yields both
classes, and the net cannot learn the source instead of the person.
"""

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]
Boxes = npt.NDArray[np.float32]
Window = tuple[float, float, float, float]

FULL: Window = (0.0, 0.0, 1.0, 1.0)
MIN_PERSON_AREA = 0.006
CLEAR_PERSON_VISIBLE = 0.5


def boxes_in_view(boxes: Boxes, window: Window) -> tuple[Boxes, npt.NDArray[np.float32]]:
    """Clip boxes to a window.

    Returns: the boxes in the window's own coordinates (n, 4), and the share of each that is left.
    """
    x0, y0, x1, y1 = window
    scale = np.array([x1 - x0, y1 - y0, x1 - x0, y1 - y0], dtype=np.float32)
    moved = (boxes - np.array([x0, y0, x0, y0], dtype=np.float32)) / scale
    clipped = np.clip(moved, 0.0, 1.0)
    return clipped, (areas(clipped) / np.maximum(areas(moved), 1e-9)).astype(np.float32)


def areas(boxes: Boxes) -> npt.NDArray[np.float32]:
    """Return the area of each box, shape (n,)."""
    sides = np.maximum(boxes[:, 2:] - boxes[:, :2], 0.0)
    return np.asarray(sides[:, 0] * sides[:, 1], dtype=np.float32)


def label_of_view(boxes: Boxes, window: Window) -> int | None:
    """Say whether a window of a photograph shows a person: 1, surely none: 0, or unclear: None.

    A person counts when at least half of a box is inside (or a third, filling a third of the view)
    and covers 0.6 % of the view. A window is empty when no box touches it. All else is
    ambiguous and must not be trained on.
    """
    if not len(boxes):
        return 0
    clipped, visible = boxes_in_view(boxes, window)
    area = areas(clipped)
    clear = (visible >= CLEAR_PERSON_VISIBLE) | ((visible >= 0.33) & (area >= 0.33))
    if bool(np.any(clear & (area >= MIN_PERSON_AREA))):
        return 1
    return 0 if not bool(np.any(area > 0.0)) else None


def random_window(
    rng: np.random.Generator, *, area: tuple[float, float], log_aspect: float = 0.5
) -> Window:
    """Draw a window with an area from a range and an aspect ratio within exp(+-log_aspect)."""
    share = float(np.exp(rng.uniform(np.log(area[0]), np.log(area[1]))))
    aspect = float(np.exp(rng.uniform(-log_aspect, log_aspect)))
    width, height = min(1.0, np.sqrt(share * aspect)), min(1.0, np.sqrt(share / aspect))
    x0, y0 = rng.uniform(0.0, 1.0 - width), rng.uniform(0.0, 1.0 - height)
    return float(x0), float(y0), float(x0 + width), float(y0 + height)


def window_around(rng: np.random.Generator, box: Boxes) -> Window:
    """Draw a roughly square window around a person box: what the daemon cuts out around motion."""
    width, height = box[2] - box[0], box[3] - box[1]
    side = max(float(height), float(width), 0.15) * rng.uniform(1.0, 2.4)
    wide = side * float(np.exp(rng.uniform(-0.5, 0.3)))
    centre = (box[:2] + box[2:]) / 2.0 + rng.uniform(-0.15, 0.15, 2) * (wide, side)
    half = np.array([wide, side]) / 2.0
    x0, y0 = np.clip(centre - half, 0.0, 1.0)
    x1, y1 = np.clip(centre + half, 0.0, 1.0)
    return float(x0), float(y0), float(max(x1, x0 + 0.05)), float(max(y1, y0 + 0.05))


def window_labelled(
    draw: Callable[[], Window], boxes: Boxes, label: int, *, tries: int = 24
) -> Window | None:
    """Draw windows until one shows `label`; None if none of the tries does."""
    for _ in range(tries):
        window = draw()
        if label_of_view(boxes, window) == label:
            return window
    return None


def cut(image: Image, window: Window, size_px: tuple[int, int]) -> Image:
    """Cut a window and stretch it to (width, height) pixels."""
    rows, columns = image.shape[:2]
    x0 = min(int(window[0] * columns), columns - 2)
    y0 = min(int(window[1] * rows), rows - 2)
    x1, y1 = max(x0 + 2, round(window[2] * columns)), max(y0 + 2, round(window[3] * rows))
    part = image[y0:y1, x0:x1]
    shrinks = part.shape[0] > size_px[1] or part.shape[1] > size_px[0]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(part, size_px, interpolation=how), dtype=np.uint8)


def paste(rng: np.random.Generator, ground: Image, patch: Image, corner: tuple[int, int]) -> Image:
    """Lay a patch over a square view, hard-edged or feathered; corner is (x, y), even outside."""
    size = ground.shape[0]
    x, y = corner
    height, width = patch.shape[:2]
    x0, y0, x1, y1 = max(x, 0), max(y, 0), min(x + width, size), min(y + height, size)
    if x1 <= x0 or y1 <= y0:
        return ground
    piece = patch[y0 - y : y1 - y, x0 - x : x1 - x].astype(np.float32)
    alpha = _feather(height, width, rng.uniform(0.02, 0.2))[y0 - y : y1 - y, x0 - x : x1 - x, None]
    if rng.random() < 0.3:
        alpha = np.ones_like(alpha)
    result: npt.NDArray[np.uint8] = ground.copy()
    under = result[y0:y1, x0:x1].astype(np.float32)
    result[y0:y1, x0:x1] = (alpha * piece + (1.0 - alpha) * under + 0.5).astype(np.uint8)
    return result


def _feather(height: int, width: int, softness: float) -> npt.NDArray[np.float32]:
    """Return a mask that is 1 inside and falls to 0 at the edges, shape (height, width)."""
    ramps = []
    for length in (height, width):
        distance = np.minimum(np.arange(length) + 0.5, length - np.arange(length) - 0.5)
        ramps.append(np.clip(distance / max(1.0, softness * length), 0.0, 1.0))
    return np.asarray(np.outer(*ramps), np.float32)


def heat_from_boxes(boxes: Boxes, grid: int) -> npt.NDArray[np.float32]:
    """Draw person boxes on a coarse grid: 1 = person, 0 = none, -1 = only grazed (no loss there).

    Returns: float32, shape (grid, grid, 1).
    """
    heat = np.zeros((grid, grid), dtype=np.float32)
    edges = np.arange(grid + 1, dtype=np.float32) / grid
    for x0, y0, x1, y1 in boxes:
        across = np.clip(np.minimum(x1, edges[1:]) - np.maximum(x0, edges[:-1]), 0.0, None) * grid
        down = np.clip(np.minimum(y1, edges[1:]) - np.maximum(y0, edges[:-1]), 0.0, None) * grid
        cover = np.outer(down, across)
        full = cover >= min(0.4, 0.7 * float(cover.max(initial=0.0)))
        heat[(cover > 0.02) & (heat == 0.0)] = -1.0
        heat[full & (cover > 0.02)] = 1.0
    return heat[:, :, None]
