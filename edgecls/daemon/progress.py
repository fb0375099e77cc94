"""What feeds the watchdog: frames that went all the way, and nothing else.

A frame counts once it was captured, judged and shown, so a daemon whose camera, model or loop
hangs is ended by its manager and started anew. With several cameras:

- A frame of any camera feeds, as long as no other camera's loop is stuck.
- A loop is stuck when it gave no sign at all for the watchdog's time. A camera that is away is no
  stuck loop: its supervisor restarts it, and says so. One dead camera stops no other.
- When all cameras are away nothing feeds, and the manager starts the daemon anew.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable


class Progress:
    """Gather signs of life of each camera's loop; may be told from several threads.

    Args:    cameras: their names.   feed: is called for progress, at most once per frame.
             patience_s: silence after which a loop is stuck.
             sane: tells whether what is judged can be believed; without it nothing counts.
             clock: monotonic seconds.
    """

    def __init__(
        self,
        cameras: Iterable[str],
        *,
        feed: Callable[[], None],
        patience_s: float,
        sane: Callable[[], bool] = lambda: True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._feed = feed
        self._patience_s = patience_s
        self._sane = sane
        self._clock = clock
        self._turn = threading.Lock()
        self._sign_s = dict.fromkeys(cameras, clock())
        self._frame_s: dict[str, float | None] = dict.fromkeys(self._sign_s)

    def frame(self, camera: str) -> None:
        """Say that a frame of `camera` was captured, judged and shown."""
        with self._turn:
            now_s = self._clock()
            self._sign_s[camera] = self._frame_s[camera] = now_s
            stuck = self._stuck(now_s)
        if not stuck and self._sane():
            self._feed()

    def away(self, camera: str) -> None:
        """Say that the loop of `camera` runs, and that there is no frame."""
        with self._turn:
            self._sign_s[camera] = self._clock()

    def ages_s(self) -> dict[str, float | None]:
        """Return the age of each camera's newest frame; None before its first."""
        with self._turn:
            now_s = self._clock()
            return {
                camera: None if at_s is None else now_s - at_s
                for camera, at_s in self._frame_s.items()
            }

    def stuck(self) -> tuple[str, ...]:
        """Return the cameras whose loops give no sign of life."""
        with self._turn:
            return self._stuck(self._clock())

    def _stuck(self, now_s: float) -> tuple[str, ...]:
        return tuple(
            camera for camera, at_s in self._sign_s.items() if now_s - at_s > self._patience_s
        )
