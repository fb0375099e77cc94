"""Keep one known line that a native library writes from standard error."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Iterator

STDERR = 2
_one_at_a_time = threading.Lock()


@contextlib.contextmanager
def without_line(known: bytes) -> Iterator[None]:
    """Leave out the line `known` where C code writes it in the block; pass all else on.

    File descriptor 2 belongs to the whole process. So what other threads write meanwhile is passed
    on too, after the block; two such blocks wait for each other; and a program started in the block
    would write where nobody reads. What a library says before it aborts the process is lost.

    Args:    known: without its line end.
    """
    with _one_at_a_time, contextlib.ExitStack() as cleanup:
        if _is_open(STDERR):  # else, as some services have it, there is nobody to spare
            cleanup.callback(_restore, os.dup(STDERR), _redirected(), known)
        yield


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def _redirected() -> int:
    """Point standard error at memory; a pipe could fill up, and nobody would read."""
    _flush()
    memory = os.memfd_create("stderr")
    os.dup2(memory, STDERR)
    return memory


def _restore(stderr: int, memory: int, known: bytes) -> None:
    """Point standard error back at `stderr`; write there what is in `memory`, but for `known`."""
    _flush()
    os.dup2(stderr, STDERR)
    os.close(stderr)
    with os.fdopen(memory, "rb") as written:
        written.seek(0)
        _write_all(b"".join(line for line in written if line.rstrip(b"\r\n") != known))


def _flush() -> None:
    if sys.stderr is not None:
        sys.stderr.flush()


def _write_all(data: bytes) -> None:
    with contextlib.suppress(OSError):  # as printf has it: a reader that left stops nobody
        while data:
            data = data[os.write(STDERR, data) :]
