"""Signals: SIGTERM and Ctrl-C set an event, SIGHUP asks for the configuration to be read anew."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
STOPPED, RELOAD = b"s", b"r"


@contextlib.contextmanager
def stopping(
    stop: threading.Event, *, reload: Callable[[], object] | None = None
) -> Iterator[None]:
    """Set `stop` at a signal; the handlers that were there come back at the end.

    A handler runs in the middle of whatever the main thread does. Inside `stop.wait` that thread
    may hold the event's lock, and `stop.set` there would wait for it for ever. So the handler only
    writes a byte, and a thread sets the event.

    Args:    reload: is called in that thread at each SIGHUP; without it that signal is left alone.
    """
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)

    def on_signal(number: int, frame: FrameType | None) -> None:
        del frame
        with contextlib.suppress(BlockingIOError):  # full of signals: one of them will do
            os.write(write_end, RELOAD if number == signal.SIGHUP else STOPPED)

    def pass_on() -> None:
        while byte := os.read(read_end, 1):
            if byte == STOPPED:
                stop.set()
            elif reload is not None:
                reload()

    thread = threading.Thread(target=pass_on, name="signals", daemon=True)
    thread.start()
    heeded = STOP_SIGNALS if reload is None else (*STOP_SIGNALS, signal.SIGHUP)
    before = {number: signal.signal(number, on_signal) for number in heeded}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(write_end)  # the thread reads the end of the pipe
        thread.join()
        os.close(read_end)
