"""The capture process: opens one camera, and publishes its frames until it is killed.

Started by `capture_process`, which writes an order to standard input and keeps it open. It imports
no more than the camera needs: on a small board this process is a third of the daemon's memory.
"""

from __future__ import annotations

import fcntl
import importlib
import logging
import os
import select
import signal
import sys
import time
from typing import Any

from edgecls import plugins
from edgecls._lib.allocator import return_freed_memory
from edgecls.cameras import CAMERAS
from edgecls.daemon.capture_wire import (
    FRAME_BYTES_MAX,
    SlotWriter,
    message_bytes,
    section_from_order,
)
from edgecls.errors import CameraEndedError, EdgeclsError
from edgecls.ports import Camera
from edgecls.types import Frame
from edgecls.vision.masks import PrivacyMask

log = logging.getLogger(__name__)

ORDER_BYTES_MAX = 65_536


def main(memory: int, messages: int) -> int:
    """Do what the order on standard input says.

    Args:    memory: descriptor of the memory file.   messages: of the pipe to the parent.
    Returns: the exit code: 0 at the end of a finite source, else 1 with the reason sent before.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer
    return_freed_memory()
    line = _read_order()
    _die_with_parent()
    os.set_blocking(messages, False)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    section, leaf = section_from_order(line)
    try:
        table = CAMERAS if leaf is None else {section.kind: leaf}
        camera = plugins.load("camera", table, section.kind)(section)
        _post(messages, message_bytes("opening"))  # the camera's own time begins
        _publish_frames(camera, section, SlotWriter(memory), messages)
    except CameraEndedError:
        _post_last(messages, message_bytes("ended"))
        return 0
    except EdgeclsError as error:
        kind = type(error).__name__
        _post_last(
            messages, message_bytes("failed", type=kind, error=error.message, hint=error.hint)
        )
    except Exception as error:
        log.exception("the camera's code failed")
        text = f"the camera's code failed: {type(error).__name__}: {error}"
        hint = "this is a bug; report it with the traceback in the log above"
        _post_last(messages, message_bytes("failed", type="bug", error=text, hint=hint))
    return 1


def _publish_frames(
    camera: Camera,
    section: Any,  # Any: plain attributes, see capture_wire
    writer: SlotWriter,
    messages: int,
) -> None:
    """Read at most `section.fps` frames per second and publish each; ends by an exception."""
    step_s = 1 / section.fps if getattr(section, "realtime", True) else 0.0
    timeout_s = section.open_timeout_s
    mask = PrivacyMask(getattr(section, "masks", ()))
    skipped, sequence, seen = 0, 0, -1
    too_large = False
    with camera:
        due_s = time.monotonic()
        while True:
            frame = camera.read(timeout_s)
            timeout_s = section.frame_timeout_s
            skipped += frame.sequence - seen - 1
            seen = frame.sequence
            if frame.pixels.nbytes > FRAME_BYTES_MAX:
                frame = _scaled(frame, told=too_large)
                too_large = True
            frame = mask.applied(frame)  # from here on nobody has the pixels below it
            if writer.publish(frame, sequence, published_s=time.monotonic()):
                _post(messages, message_bytes("frame", sequence=sequence, skipped=skipped))
            del frame  # the camera may build the next one meanwhile
            sequence += 1
            due_s = max(due_s + step_s, time.monotonic())
            time.sleep(max(0.0, due_s - time.monotonic()))


def _scaled(frame: Frame, *, told: bool) -> Frame:
    """Make an over-large frame fit; say so once. OpenCV is large, so it is loaded only now."""
    fit = importlib.import_module("edgecls.daemon.capture_fit")
    fitted: Frame = fit.scaled_to_fit(frame, FRAME_BYTES_MAX)
    if not told:
        sizes = [f"{f.pixels.shape[1]}x{f.pixels.shape[0]}" for f in (frame, fitted)]
        log.warning("pictures beyond 33 megapixels are scaled down: %s to %s", *sizes)
    return fitted


def _read_order() -> bytes:
    """Read one line from standard input, with no buffer that would swallow the end of file."""
    line = b""
    while not line.endswith(b"\n"):
        piece = os.read(0, ORDER_BYTES_MAX)
        if not piece:
            sys.exit(0)  # the parent went before it gave an order
        line += piece
    return line


def _die_with_parent() -> None:
    """Let the kernel end this process when the parent's end of standard input closes.

    The closing raises SIGIO, whose default action needs neither a thread nor the interpreter: it
    works while a driver hangs inside C code.
    """
    signal.signal(signal.SIGIO, signal.SIG_DFL)
    fcntl.fcntl(0, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(0, fcntl.F_SETFL, fcntl.fcntl(0, fcntl.F_GETFL) | os.O_ASYNC)
    watch = select.poll()
    watch.register(0, select.POLLIN)
    if watch.poll(0):  # closed before the signal was armed
        sys.exit(0)


def _post(messages: int, message: bytes) -> None:
    """Wake the parent up. A full pipe means that it has enough to wake up for."""
    try:
        os.write(messages, message)
    except BlockingIOError:
        return


def _post_last(messages: int, message: bytes) -> None:
    """Send what must arrive, waiting for room in the pipe."""
    os.set_blocking(messages, True)
    os.write(messages, message)
