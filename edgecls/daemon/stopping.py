"""Being told to stop: SIGTERM and Ctrl-C set an event."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from types import FrameType

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
SIGNALLED = b"s"


@contextlib.contextmanager
def stopping(stop: threading.Event) -> Iterator[None]:
    """Set `stop` at a signal; the handlers that were there come back at the end.

    A handler runs in the middle of whatever the main thread does. Inside `stop.wait` that thread
    may hold the event's lock, and `stop.set` there would wait for it for ever. So the handler only
    writes a byte, and a thread sets the event.
    """
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)

    def on_signal(number: int, frame: FrameType | None) -> None:
        del number, frame
        with contextlib.suppress(BlockingIOError):  # full of signals: it will stop all the same
            os.write(write_end, SIGNALLED)

    def pass_on() -> None:
        if os.read(read_end, 1) == SIGNALLED:
            stop.set()

    thread = threading.Thread(target=pass_on, name="stop", daemon=True)
    thread.start()
    before = {number: signal.signal(number, on_signal) for number in STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(write_end)  # the thread reads the end of the pipe, if it still reads
        thread.join()
        os.close(read_end)
