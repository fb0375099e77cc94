"""Count the images that turn out unreadable while training goes on."""

from __future__ import annotations

import logging
import math
import threading

from edgecls.errors import ImageError
from edgecls.lab.data import DataError

log = logging.getLogger(__name__)


class Unreadable:
    """Remember unreadable images by name; too many of them are an error.

    Args:    share_max: of all images, 0 to 1.   total: all images.
    """

    def __init__(self, share_max: float, total: int) -> None:
        self._limit = math.floor(share_max * total)
        self._total = total
        self._names: dict[str, str] = {}
        self._lock = threading.Lock()

    @property
    def names(self) -> dict[str, str]:
        """Return what was wrong with each file so far."""
        with self._lock:
            return dict(self._names)

    def add(self, file: str, error: ImageError) -> None:
        """Note one image; it is logged the first time.

        Raises:  DataError when there are more than the recipe allows. Called from several threads.
        """
        with self._lock:
            if file in self._names:
                return
            self._names[file] = error.message
            count = len(self._names)
        log.warning("skipped, image %d of this run that is unreadable: %s", count, error.message)
        if count > self._limit:
            some = ", ".join(list(self.names)[:3])
            raise DataError(
                f"{count} of {self._total} images are unreadable, at most {self._limit} may be: "
                f"{some}{' ...' if count > 3 else ''}",
                hint="edgecls data check names them all; data.unreadable_max sets the limit",
            )
