"""One classifier for several threads: whoever asked first is answered first."""

from __future__ import annotations

import threading
from collections import deque

from edgecls.daemon.watch import Judge
from edgecls.types import Classification, Pixels


class SharedJudge:
    """Let threads take turns at a judge that is used by one thread at a time.

    A plain lock would let a thread that judges many pictures in a row come first again and again,
    and a press of the doorbell wait.
    """

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self._turn = threading.Lock()
        self._busy = False
        self._waiting: deque[threading.Event] = deque()

    def classify(self, pixels: Pixels) -> Classification:
        """Judge one picture; blocks while others are judged."""
        self._wait()
        try:
            return self._judge.classify(pixels)
        finally:
            self._pass_on()

    def _wait(self) -> None:
        with self._turn:
            if not self._busy:
                self._busy = True
                return
            called = threading.Event()
            self._waiting.append(called)
        called.wait()

    def _pass_on(self) -> None:
        with self._turn:
            if self._waiting:
                self._waiting.popleft().set()  # it stays busy: the turn is theirs
            else:
                self._busy = False
