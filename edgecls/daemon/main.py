"""The composition root: hands each part its own section, and runs the watch until it is stopped."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from edgecls.boards.detect import board_here
from edgecls.bundle.open import open_bundle
from edgecls.classifier import Classifier
from edgecls.config import Config
from edgecls.daemon.crew import Crew
from edgecls.daemon.doorway import Doorway
from edgecls.daemon.event_recorder import EventRecorder
from edgecls.daemon.golden import GoldenCheck
from edgecls.daemon.household import DaemonHousehold
from edgecls.daemon.notify import notifier_from_environment
from edgecls.daemon.reload import Reloader
from edgecls.daemon.ringing import Ringing
from edgecls.daemon.shared_judge import SharedJudge
from edgecls.daemon.state import state_of
from edgecls.daemon.stopping import stopping
from edgecls.daemon.telling import Telling, sinks_from_sections
from edgecls.daemon.vitals import Vitals
from edgecls.daemon.watch import Counters, Decider
from edgecls.errors import BundleError, StoreError
from edgecls.ports import Board
from edgecls.store.reader import StoreReader
from edgecls.store.store import Store
from edgecls.web.server import PageServer
from edgecls.web.source import ModelInUse

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Summary:
    """What a run did.

    Args:    visits: begun in this run.   counters: of all cameras together.
             restart: somebody asked, by way of a sink, for the daemon to start anew.
    """

    visits: int
    frames: int
    counters: Counters
    seconds: float
    restart: bool = False


def run(config: Config, *, once: bool = False, announce: Callable[[str], None]) -> int:
    """Watch until SIGTERM, Ctrl-C or, when `once`, the camera's last frame; return the exit code.

    Raises:  EdgeclsError for whatever keeps the watch from starting.
    """
    watch_door(config, once=once, announce=announce)
    return 0


def watch_door(
    config: Config,
    *,
    once: bool,
    announce: Callable[[str], None],
    reread: Callable[[], Config] | None = None,
) -> Summary:
    """Put the parts together and watch; see `run`. To be called from the main thread.

    Args:    announce: is given one line for people at each decision, and the page's address; by
             several threads.
             reread: reads the configuration anew, at SIGHUP; None leaves that signal alone.
    """
    began_s = time.monotonic()
    notifier = notifier_from_environment()
    reloader = None if reread is None else Reloader(config, load=reread, notifier=notifier)
    stop, restart = threading.Event(), threading.Event()

    def say(line: str) -> None:
        announce(line)
        notifier.status(line)

    def start_anew() -> None:
        restart.set()
        stop.set()

    with contextlib.ExitStack() as stack:
        stack.enter_context(stopping(stop, reload=None if reloader is None else reloader.reload))
        names = [camera.name for camera in config.cameras]
        sinks = sinks_from_sections(config.sinks, cameras=names, restart=start_anew)
        store = stack.enter_context(
            Store(config.store, sinks=[section.name for section in config.sinks])
        )
        classifier = _classifier(config, stack)
        decider = decider_from_classifier(classifier)
        shared = replace(decider, judge=SharedJudge(classifier))
        board: Board = stack.enter_context(board_here())
        reader = stack.enter_context(StoreReader(config.store.folder))
        events = EventRecorder(store, clock=time.monotonic)
        golden = GoldenCheck(shared.judge, side_px=decider.side_px, step=classifier.output_step)
        vitals = Vitals(config, notifier, golden, reader, board, model=_model_text(classifier))
        doorways = [
            Doorway(
                one, shared, store, events,
                place=_place(config, one.camera.name),
                announce=say, stop=stop, signs=vitals.sign,
            )
            for one in config.of_each_camera()
        ]  # fmt: skip
        vitals.watch_over(doorways)
        ringing = Ringing(
            config, doorways, events,
            label=decider.label, announce=say, told=vitals.pressed,
        )  # fmt: skip
        household = stack.enter_context(
            DaemonHousehold(
                reader,
                store,
                board,
                [doorway.desk for doorway in doorways],
                model=ModelInUse(classifier.bundle.manifest, classifier.variant.name),
                sinks=[section.name for section in config.sinks],
                press=ringing.by_http,
                soundness=vitals.soundness,
                metrics=vitals.metrics_text,
            )
        )
        _announce_start(doorways, classifier, decider, announce)
        if config.web.enabled:
            stack.enter_context(
                PageServer(household, config.web, config.store.folder, announce=announce)
            )
        telling = stack.enter_context(
            Telling(
                sinks,
                store,
                state=lambda: state_of(household, reader, threshold=decider.threshold),
                stop=stop,
            )
        )
        store.on_event = telling.ring
        if reloader is not None:
            reloader.begin(partial(_reload, store, doorways))
        with ringing.heard(stop):
            notifier.ready(f"watching {', '.join(names)}")
            _watch(doorways, once=once, stop=stop)
        if restart.is_set():
            notifier.reloading()
        else:
            notifier.stopping()
        events.finish()
        _complain_of_loss(doorways, events)
        return Summary(
            visits=sum(doorway.loop.visits for doorway in doorways),
            frames=sum(doorway.watch.counters.frames for doorway in doorways),
            counters=_together([doorway.watch.counters for doorway in doorways]),
            seconds=time.monotonic() - began_s,
            restart=restart.is_set(),
        )


def _watch(doorways: Sequence[Doorway], *, once: bool, stop: threading.Event) -> None:
    """Let each camera be watched by a thread of its own, to the end of the last of them."""
    eyes = Crew(stop)
    for doorway in doorways:
        eyes.start(f"camera {doorway.name}", partial(doorway.run, once=once))
    eyes.join()


def _reload(store: Store, doorways: Sequence[Doorway], config: Config) -> None:
    """Hand each part what it may change while it runs."""
    store.reload(config.store)
    for doorway, one in zip(doorways, config.of_each_camera(), strict=True):
        doorway.reload(one)


def _place(config: Config, camera: str) -> str:
    """Return what lines about a camera begin with: its name, where there are several."""
    return f"{camera}: " if len(config.cameras) > 1 else ""


def _announce_start(
    doorways: Sequence[Doorway],
    classifier: Classifier,
    decider: Decider,
    announce: Callable[[str], None],
) -> None:
    cameras = ", ".join(f"{doorway.name!r} ({doorway.kind})" for doorway in doorways)
    announce(f"watching {cameras} for {decider.label!r} with {_model_text(classifier)}")


def _model_text(classifier: Classifier) -> str:
    manifest = classifier.bundle.manifest
    return f"{manifest.name} {manifest.version}, {classifier.variant.name}"


def _complain_of_loss(doorways: Sequence[Doorway], events: EventRecorder) -> None:
    """Raise StoreError if visits or events are not on the disk."""
    recorders = [doorway.recorder for doorway in doorways]
    visits = sum(recorder.not_stored for recorder in recorders)
    if not visits and not events.not_stored:
        return
    why = next((recorder.problem for recorder in recorders if recorder.problem), "see the log")
    what = f"{visits} visits" if visits else f"{events.not_stored} events"
    raise StoreError(
        f"{what} could not be stored: {why}",
        hint="free some space on the disk, or choose another folder with --store",
    )


def _together(all_counters: Sequence[Counters]) -> Counters:
    return Counters(
        frames=sum(counters.frames for counters in all_counters),
        moved=sum(counters.moved for counters in all_counters),
        judged=sum(counters.judged for counters in all_counters),
        classifications=sum(counters.classifications for counters in all_counters),
    )


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
