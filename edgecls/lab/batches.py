"""Feed views to Keras in batches, each seeded by its number: the order of threads is no matter."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from edgecls.bundle.manifest import InputRule
from edgecls.bundle.preprocess import normalised
from edgecls.lab.compose import Composer, heat_of
from edgecls.lab.data import person_input

Floats = npt.NDArray[np.float32]


def input_from_pixels(pixels: npt.NDArray[np.uint8], rule: InputRule | None = None) -> Floats:
    """Normalise a batch of squares, (n, S, S, 3), by the rule in the bundle's manifest."""
    applied = rule or person_input(pixels.shape[1])
    return np.stack([normalised(image, applied) for image in pixels])


class ViewBatches(keras.utils.PyDataset):  # type: ignore[misc]
    """A fixed number of batches per epoch, each from its own seed."""

    def __init__(self, composer: Composer, *, batch: int, steps: int, seed: int, smoothing: float):
        super().__init__(workers=2, use_multiprocessing=False, max_queue_size=12)
        self.composer, self.batch, self.steps = composer, batch, steps
        self.seed, self.smoothing, self.epoch = seed, smoothing, 0

    def __len__(self) -> int:
        return self.steps

    def __getitem__(self, index: int) -> tuple[Floats, dict[str, Floats]]:
        rng = np.random.default_rng((self.seed, self.epoch, index))
        views = [self.composer.view(rng) for _ in range(self.batch)]
        labels = np.eye(2, dtype=np.float32)[[view.label for view in views]]
        targets: dict[str, Any] = {
            "logits": labels * (1.0 - self.smoothing) + self.smoothing / 2.0,
            "heat": np.stack([heat_of(view) for view in views]),
        }
        return input_from_pixels(np.stack([view.image for view in views])), targets

    def on_epoch_end(self) -> None:
        """Move on to new seeds."""
        self.epoch += 1
