"""The composition root: hands each part its own section, and runs the watch until it is stopped."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from types import FrameType

from edgecls.boards.detect import board_here
from edgecls.bundle.open import open_bundle
from edgecls.classifier import Classifier
from edgecls.config import Config
from edgecls.daemon.capture import Capture
from edgecls.daemon.desk import CameraDesk
from edgecls.daemon.household import DaemonHousehold
from edgecls.daemon.loop import Loop
from edgecls.daemon.recorder import Recorder
from edgecls.daemon.watch import Counters, Decider, Watch
from edgecls.errors import BundleError, StoreError
from edgecls.ports import Board
from edgecls.store.reader import StoreReader
from edgecls.store.store import Store
from edgecls.web.server import PageServer
from edgecls.web.source import ModelInUse

log = logging.getLogger(__name__)

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
SIGNALLED = b"s"


@dataclass(frozen=True, slots=True)
class Summary:
    """What a run did.

    Args:    visits: begun in this run.
    """

    visits: int
    frames: int
    counters: Counters
    seconds: float


def run(config: Config, *, once: bool = False, announce: Callable[[str], None]) -> int:
    """Watch until SIGTERM, Ctrl-C or, when `once`, the camera's last frame; return the exit code.

    Raises:  EdgeclsError for whatever keeps the watch from starting.
    """
    watch_door(config, once=once, announce=announce)
    return 0


def watch_door(config: Config, *, once: bool, announce: Callable[[str], None]) -> Summary:
    """Put the parts together and watch; see `run`. To be called from the main thread.

    Args:    announce: is given one line for people at each decision, and the page's address.
    """
    began_s = time.monotonic()
    stop = threading.Event()
    with contextlib.ExitStack() as stack:
        stack.enter_context(_stopping(stop))
        store = stack.enter_context(Store(config.store))
        classifier = _classifier(config, stack)
        decider = decider_from_classifier(classifier)
        board: Board = stack.enter_context(board_here())
        reader = stack.enter_context(StoreReader(config.store.folder))
        capture = Capture(config.camera)
        manifest = classifier.bundle.manifest
        desk = CameraDesk(
            config.camera.name,
            config.camera.kind,
            counts=lambda: capture.counters,
            clock=time.monotonic,
            now=_utc_now,
        )
        household = stack.enter_context(
            DaemonHousehold(
                reader, store, board, [desk], model=ModelInUse(manifest, classifier.variant.name)
            )
        )
        announce(
            f"watching {config.camera.name!r} ({config.camera.kind}) for {decider.label!r} "
            f"with {manifest.name} {manifest.version}, {classifier.variant.name}"
        )
        if config.web.enabled:
            page = stack.enter_context(PageServer(household, config.web.host, config.web.port))
            announce(f"page: {page.url}")
        stack.enter_context(capture)
        watch = Watch(config, decider)
        recorder = Recorder(
            store, jpeg_quality=config.store.jpeg_quality, clock=time.monotonic, now=_utc_now
        )
        loop = Loop(
            capture,
            watch,
            recorder,
            desk,
            label=decider.label,
            announce=announce,
            stop=stop,
            failing=lambda: _failing(capture),
        )
        loop.run(once=once)
        _log_counters(watch.counters, capture)
        if recorder.not_stored:
            raise StoreError(
                f"{recorder.not_stored} visits could not be stored: {recorder.problem}",
                hint="free some space on the disk, or choose another folder with --store",
            )
        return Summary(
            visits=loop.visits,
            frames=watch.counters.frames,
            counters=watch.counters,
            seconds=time.monotonic() - began_s,
        )


@contextlib.contextmanager
def _stopping(stop: threading.Event) -> Iterator[None]:
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


def _classifier(config: Config, stack: contextlib.ExitStack) -> Classifier:
    bundle = open_bundle(config.model.bundle)
    return stack.enter_context(
        Classifier(bundle, variant=config.model.variant, threads=config.model.threads)
    )


def decider_from_classifier(classifier: Classifier) -> Decider:
    """Return who judges. Raises: BundleError if the bundle does not say what counts."""
    manifest = classifier.bundle.manifest
    if manifest.decision is None:
        raise BundleError(
            f"bundle {manifest.name!r} has no decision, expected the label to tell people about "
            "and its threshold",
            hint="make the bundle anew with a decision: edgecls bundle create --help",
        )
    return Decider(
        judge=classifier,
        label=manifest.decision.label,
        threshold=manifest.decision.threshold,
        side_px=max(manifest.input.width, manifest.input.height),
    )


def _failing(capture: Capture) -> bool:
    """Tell a camera that has failed from one whose next frame is not there yet."""
    counters = capture.counters
    return counters.failures > 0 and not counters.connected


def _log_counters(counters: Counters, capture: Capture) -> None:
    log.info(
        "frames %d, moved %d, judged %d, classifications %d; dropped %d, camera restarts %d",
        counters.frames,
        counters.moved,
        counters.judged,
        counters.classifications,
        capture.counters.dropped,
        capture.counters.restarts,
    )


def _utc_now() -> datetime:
    return datetime.now(timezone.utc)
