"""CIFAR-10 as keras.datasets brings it."""

from __future__ import annotations

import os
from pathlib import Path

import keras
import numpy as np

from edgecls.lab.data import DataError
from edgecls.lab.listing import Row
from edgecls.types import Pixels

LABELS = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
)  # fmt: skip
ARCHIVE = "cifar-10-batches-py-target_archive"


class Cifar10Reader:
    """Hand out the images of the two arrays, uint8 (n, 32, 32, 3)."""

    def __init__(self, train: Pixels, test: Pixels) -> None:
        self._images = {"train": train, "test": test}

    def __call__(self, row: Row) -> Pixels:
        pixels: Pixels = self._images[row.columns["part"]][int(row.columns["index"])]
        return pixels


def rows_and_reader() -> tuple[list[Row], Cifar10Reader]:
    """Load the data set, downloading it on the first use.

    Raises:  DataError when it can be neither found nor downloaded.
    """
    try:
        (train, train_labels), (test, test_labels) = keras.datasets.cifar10.load_data()
    except Exception as error:  # keras raises a bare Exception when the download fails
        cache = Path(os.environ.get("KERAS_HOME", "~/.keras")) / "datasets"
        raise DataError(
            f"CIFAR-10 could not be loaded through keras.datasets: {error}",
            hint=f"download cifar-10-python.tar.gz to {cache / ARCHIVE}, or --data a folder per "
            'class with data.source = "files"',
        ) from error
    rows = []
    for part, labels in (("train", train_labels), ("test", test_labels)):
        rows += [
            Row(
                path=Path(part) / f"{index:05d}",
                file=f"{part}/{index:05d}",
                label=LABELS[int(label)],
                split=part,
                columns={"part": part, "index": str(index)},
            )
            for index, label in enumerate(np.asarray(labels).reshape(-1))
        ]
    return rows, Cifar10Reader(train, test)
