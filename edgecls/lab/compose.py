"""Compose training views: which photograph, which window of it, and whether something is pasted in.

Half of the views are persons. Photographs are drawn by family first, so that no source outweighs
the others; person-free windows are cut from person photographs, and persons are pasted into the
empty photographs of other sources.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgecls.lab.augment import augmented
from edgecls.lab.beside import draw_beside
from edgecls.lab.data import Sample
from edgecls.lab.views import (
    FULL,
    Boxes,
    Image,
    Window,
    areas,
    boxes_in_view,
    cut,
    heat_from_boxes,
    label_of_view,
    paste,
    random_window,
    window_around,
    window_labelled,
)

NO_BOXES: Boxes = np.zeros((0, 4), dtype=np.float32)
PERSON_MODES = (("whole", 0.37), ("part", 0.16), ("around", 0.22), ("pasted", 0.25))
EMPTY_MODES = (("whole", 0.43), ("part", 0.15), ("beside", 0.22), ("pasted", 0.20))
PASTED_HEIGHT = (0.13, 0.95)
"""Of the view. Spread evenly over its logarithm: far people are where such a net fails."""
FAMILY_POWER = 0.5
UNCHANGED = 0.25
"""Share of views that keep their looks, so that clean photographs stay familiar."""


@dataclass(frozen=True)
class View:
    """One training example: uint8 (S, S, 3), its label, and the person boxes still in it."""

    image: Image
    label: int
    boxes: Boxes


class Families:
    """Draw photographs of one label, family first: its share grows with the root of its size."""

    def __init__(self, samples: list[Sample], label: int) -> None:
        members: dict[str, list[int]] = defaultdict(list)
        for index, sample in enumerate(samples):
            if sample.target == label:
                members[sample.family].append(index)
        self.members = [np.array(members[name]) for name in sorted(members)]
        weight = np.array([len(m) for m in self.members], dtype=np.float64) ** FAMILY_POWER
        self.share = weight / weight.sum()

    def draw(self, rng: np.random.Generator) -> int:
        """Return the index of a photograph."""
        return int(rng.choice(self.members[int(rng.choice(len(self.share), p=self.share))]))


class Composer:
    """Turn photographs into an endless, seeded stream of training views."""

    def __init__(
        self,
        samples: list[Sample],
        pixels: npt.NDArray[np.uint8],
        *,
        size_px: int,
        plain: bool = False,
        beside: dict[int, list[Window]] | None = None,
    ) -> None:
        self.samples, self.pixels, self.size_px, self.plain = samples, pixels, size_px, plain
        self.beside = beside
        self.persons, self.empties = Families(samples, 1), Families(samples, 0)
        self.boxes = [_boxes_or_whole(sample) for sample in samples]

    def view(self, rng: np.random.Generator) -> View:
        """Draw one view: composed, perhaps mirrored, then changed in looks."""
        person = bool(rng.random() < 0.5)
        view = self._person(rng) if person else self._empty(rng)
        if rng.random() < 0.5:
            mirrored = view.boxes.copy()
            mirrored[:, [0, 2]] = 1.0 - mirrored[:, [2, 0]]
            view = View(np.ascontiguousarray(view.image[:, ::-1]), view.label, mirrored)
        if self.plain or rng.random() < UNCHANGED:
            return view
        return View(augmented(rng, view.image), view.label, view.boxes)

    def _person(self, rng: np.random.Generator) -> View:
        mode = _draw_mode(rng, PERSON_MODES)
        if mode == "pasted":
            return self._person_pasted(rng)
        index = self.persons.draw(rng)
        boxes = self.boxes[index]
        window: Window | None = FULL
        if mode == "part":
            window = window_labelled(lambda: random_window(rng, area=(0.25, 0.95)), boxes, 1)
        elif mode == "around":
            box = boxes[int(rng.integers(len(boxes)))]
            window = window_labelled(lambda: window_around(rng, box), boxes, 1)
        return self._view(index, window or FULL, 1)

    def _empty(self, rng: np.random.Generator) -> View:
        mode = _draw_mode(rng, EMPTY_MODES)
        if mode == "beside":
            return self._beside_persons(rng)
        if mode == "pasted":
            return self._empty_pasted(rng)
        index = self.empties.draw(rng)
        area = (0.95, 1.0) if mode == "whole" else (0.25, 0.95)
        return self._view(index, random_window(rng, area=area), 0)

    def _beside_persons(self, rng: np.random.Generator) -> View:
        """Cut a person-free window out of a person photograph."""
        for _ in range(8):
            index = self.persons.draw(rng)
            window = self._window_beside(rng, index)
            if window is not None:
                return self._view(index, window, 0)
        return self._view(self.empties.draw(rng), FULL, 0)

    def _window_beside(self, rng: np.random.Generator, index: int) -> Window | None:
        if self.beside is None:
            return draw_beside(rng, self.boxes[index])
        known = self.beside.get(index, [])
        return known[int(rng.integers(len(known)))] if known else None

    def _person_pasted(self, rng: np.random.Generator) -> View:
        """Paste one person box into an empty photograph of another source."""
        ground = self._view(self.empties.draw(rng), random_window(rng, area=(0.4, 1.0)), 0).image
        index = self.persons.draw(rng)
        boxes = self.boxes[index]
        large = boxes[areas(boxes) >= 0.02]
        if not len(large):
            return self._view(index, FULL, 1)
        box = large[int(rng.integers(len(large)))]
        height = float(np.exp(rng.uniform(np.log(PASTED_HEIGHT[0]), np.log(PASTED_HEIGHT[1]))))
        wide = (
            height * float((box[2] - box[0]) / (box[3] - box[1])) * np.exp(rng.uniform(-0.6, 0.3))
        )
        image, place = self._pasted(rng, ground, index, tuple(box), (wide, height))
        clipped, visible = boxes_in_view(place, FULL)
        if label_of_view(place, FULL) != 1 or float(visible[0]) < 0.6:
            return self._view(index, FULL, 1)
        return View(image, 1, clipped)

    def _empty_pasted(self, rng: np.random.Generator) -> View:
        """Paste a person-shaped piece without a person, so that a pasted edge says nothing."""
        ground = self._view(self.empties.draw(rng), random_window(rng, area=(0.4, 1.0)), 0).image
        if rng.random() < 0.5:
            index, boxes = self.empties.draw(rng), NO_BOXES
        else:
            index = self.persons.draw(rng)
            boxes = self.boxes[index]
        window = window_labelled(
            lambda: random_window(rng, area=(0.03, 0.4), log_aspect=0.8), boxes, 0
        )
        if window is None:
            return View(ground, 0, NO_BOXES)
        height = float(np.exp(rng.uniform(np.log(PASTED_HEIGHT[0]), np.log(PASTED_HEIGHT[1]))))
        wide = height * float(np.exp(rng.uniform(-1.6, 0.3)))
        return View(self._pasted(rng, ground, index, window, (wide, height))[0], 0, NO_BOXES)

    def _pasted(
        self,
        rng: np.random.Generator,
        ground: Image,
        index: int,
        window: tuple[float, ...],
        extent: tuple[float, float],
    ) -> tuple[Image, Boxes]:
        """Paste a window of a photograph; return the image and where the window came to lie."""
        size = self.size_px
        width, height = (max(6, int(min(side, 1.2) * size)) for side in extent)
        x0, y0, x1, y1 = window
        patch = cut(self.pixels[index], (x0, y0, x1, y1), (width, height))
        x = int(rng.uniform(-0.2 * width, size - 0.8 * width))
        y = int(rng.uniform(-0.1 * height, size - 0.7 * height))
        corners = np.array([[x, y, x + width, y + height]], dtype=np.float32)
        place = np.asarray(corners / size, np.float32)
        return paste(rng, ground, patch, (x, y)), place

    def _view(self, index: int, window: Window, label: int) -> View:
        clipped, visible = boxes_in_view(self.boxes[index], window)
        image = cut(self.pixels[index], window, (self.size_px, self.size_px))
        return View(image, label, clipped[visible > 0.15])


def _boxes_or_whole(sample: Sample) -> Boxes:
    """Return a sample's boxes; a person nobody boxed may be anywhere in the image."""
    return (
        np.array([FULL], dtype=np.float32)
        if sample.target and not len(sample.boxes)
        else sample.boxes
    )


def _draw_mode(rng: np.random.Generator, modes: tuple[tuple[str, float], ...]) -> str:
    return modes[int(rng.choice(len(modes), p=[share for _, share in modes]))][0]


def heat_of(view: View, cells: int | None = None) -> npt.NDArray[np.float32]:
    """Return where the persons of a view are, shape (cells, cells, 1).

    Args:    cells: None is the last feature map's grid of 32-pixel cells.
    """
    return heat_from_boxes(view.boxes, cells or view.image.shape[0] // 32)
