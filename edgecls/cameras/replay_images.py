"""A folder of images, or one image, as a source for replay."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from edgecls.bundle.images import images_in, read_image
from edgecls.cameras.replay import Picture

if TYPE_CHECKING:
    from edgecls.sections.camera import ReplayCameraSection


class ImageSource:
    """Show images in the order of their names, `fps` of them per second."""

    def __init__(self, section: ReplayCameraSection) -> None:
        self._path = section.source
        self._step_s = 1 / section.fps

    def pictures(self) -> Iterator[Picture]:
        """Name the images of one pass; a file is read when it is shown."""
        paths = images_in(self._path) if self._path.is_dir() else [self._path]
        for number, path in enumerate(paths):
            yield number * self._step_s, partial(read_image, path)
