"""The daemon's threads: the first that fails stops them all, and its error is raised on joining."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

log = logging.getLogger(__name__)


class Crew:
    """Run functions in threads of their own until they return.

    Args:    stop: set when one of them fails; they all look at it.
    """

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop
        self._threads: list[threading.Thread] = []
        self._turn = threading.Lock()
        self._error: BaseException | None = None

    def start(self, name: str, work: Callable[[], object]) -> None:
        """Run `work` in a thread called `name`."""
        thread = threading.Thread(target=self._run, args=(name, work), name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def join(self) -> None:
        """Wait until all have returned, without asking them to.

        Raises:  what the first that failed has raised.
        """
        for thread in self._threads:
            thread.join()
        self._threads.clear()
        if self._error is not None:
            raise self._error

    def _run(self, name: str, work: Callable[[], object]) -> None:
        try:
            work()
        except BaseException as error:
            with self._turn:
                if self._error is None:
                    self._error = error
                else:
                    log.error("%s failed too: %s", name, error)  # noqa: TRY400 - the first is raised
            self._stop.set()
