"""A folder of images, or one image, as a source for replay."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from edgecls.bundle.images import SUFFIXES, read_image
from edgecls.cameras.replay import Picture

if TYPE_CHECKING:
    from edgecls.config import ReplayCameraSection


class ImageSource:
    """Show images in the order of their names, `fps` of them per second."""

    def __init__(self, section: ReplayCameraSection) -> None:
        self._path = section.source
        self._step_s = 1 / section.fps

    def pictures(self) -> Iterator[Picture]:
        """Name the images of one pass; a file is read when it is shown."""
        paths = [self._path]
        if self._path.is_dir():
            paths = sorted(p for p in self._path.iterdir() if p.suffix.lower() in SUFFIXES)
        for number, path in enumerate(paths):
            yield number * self._step_s, partial(read_image, path)
