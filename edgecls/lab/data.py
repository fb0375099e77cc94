"""Photographs of persons and of none: their source, their person boxes, their pixels."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from edgecls.bundle.manifest import InputRule
from edgecls.bundle.preprocess import resized
from edgecls.errors import EdgeclsError

LABELS = ("no_person", "person")
REQUIRED_COLUMNS = ("family", "source_repo", "person_boxes")


class DataError(EdgeclsError, ValueError):
    """A data set cannot be read as its manifest says."""

    exit_code = 4


@dataclass(frozen=True)
class Sample:
    """One photograph of a data set.

    `boxes` is float32, shape (n, 4): x0 y0 x1 y1 of every annotated person, relative to the image.
    """

    path: Path
    label: str
    family: str
    boxes: npt.NDArray[np.float32]

    @property
    def target(self) -> int:
        """The index of the label in LABELS."""
        return LABELS.index(self.label)


def boxes_from_text(text: str) -> npt.NDArray[np.float32]:
    """Parse "x0 y0 x1 y1;..." into float32, shape (n, 4), clipped; empty boxes are dropped."""
    boxes = [[float(value) for value in box.split()] for box in text.split(";") if box.strip()]
    inside: npt.NDArray[np.float32] = np.clip(
        np.array(boxes, dtype=np.float32).reshape(-1, 4), 0.0, 1.0
    )
    kept: npt.NDArray[np.float32] = inside[np.all(inside[:, 2:] > inside[:, :2], axis=1)]
    return kept


def family_of(name: str) -> str:
    """Join families that are one source: scene15's scene classes, capston's clips."""
    for prefix in ("scene15", "capston", "hard-negative"):
        if name.startswith(prefix):
            return prefix
    return name


def read_rgb(path: Path) -> npt.NDArray[np.uint8]:
    """Read an image file as RGB uint8, shape (H, W, 3).

    Raises: DataError if OpenCV cannot decode it.
    """
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise DataError(f"cannot decode {path}")
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), dtype=np.uint8)


def squares_from_samples(
    samples: list[Sample], size_px: int, *, cache: Path
) -> npt.NDArray[np.uint8]:
    """Return every image stretched to a square, uint8, shape (n, size, size, 3), as a memory map.

    The map is written once under `cache`, in a file named after the list of images and the size, so
    that training does not decode JPEGs in every epoch and memory does not grow with the data set.
    """
    key = hashlib.sha256(
        "\n".join([str(size_px), *(str(s.path) for s in samples)]).encode()
    ).hexdigest()[:16]
    file, shape = cache / f"squares-{key}.u8", (len(samples), size_px, size_px, 3)
    # its size and its way to resize count here, its mean and std do not
    rule = InputRule(width=size_px, height=size_px, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))
    if not file.exists():
        cache.mkdir(parents=True, exist_ok=True)
        part = file.with_suffix(".part")
        pixels = np.memmap(part, dtype=np.uint8, mode="w+", shape=shape)
        for index, sample in enumerate(samples):
            pixels[index] = resized(read_rgb(sample.path), rule)
        pixels.flush()
        part.rename(file)
    return np.memmap(file, dtype=np.uint8, mode="r", shape=shape)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file as hex."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
