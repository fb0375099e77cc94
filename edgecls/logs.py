"""Set up logging once, from the command line or the daemon."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from datetime import datetime

FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
TIME_FORMAT = "%Y-%m-%d %H:%M:%S"


def configure(*, verbose: bool) -> None:
    """Send log lines to standard error: INFO and up, or DEBUG when `verbose`."""
    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.INFO, format=FORMAT, stream=sys.stderr
    )


class RepeatedError:
    """Log a repeating error when it first comes, and its count, first and last time at its end.

    Args:    log: where the lines go.   what: what fails, for the messages.
             now: the wall clock, in the zone that the log is written in.
    """

    def __init__(
        self,
        log: logging.Logger,
        what: str,
        *,
        now: Callable[[], datetime] = lambda: datetime.now().astimezone(),
    ) -> None:
        self._log = log
        self._what = what
        self._now = now
        self._count = 0
        self._text = ""
        self._first = self._last = ""

    def failed(self, error: BaseException) -> None:
        """Count one failure; the first, and each with another text, is logged."""
        self._count += 1
        self._last = self._now().strftime(TIME_FORMAT)
        if self._count == 1:
            self._first = self._last
        text = str(error)
        if text != self._text:
            self._log.warning("%s: %s", self._what, text)
            self._text = text
        else:
            self._log.debug("%s, time %d: %s", self._what, self._count, text)

    def recovered(self) -> None:
        """Log how often it failed, if it did, and start anew."""
        if self._count:
            self._log.info(
                "%s: works again after %d failures, the first at %s, the last at %s",
                self._what,
                self._count,
                self._first,
                self._last,
            )
        self._count, self._text = 0, ""
