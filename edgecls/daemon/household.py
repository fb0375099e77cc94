"""What the page shows and changes, put together from the daemon's parts."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import date, datetime, timezone
from statistics import median
from types import TracebackType
from typing import Protocol

from typing_extensions import Self

from edgecls.daemon.desk import CameraDesk
from edgecls.daemon.health import HealthState
from edgecls.daemon.history import History
from edgecls.daemon.process import disk_free_bytes, memory_bytes
from edgecls.ports import Board
from edgecls.store.reader import StoreReader
from edgecls.types import Event, SinkState, Visit, VisitTally
from edgecls.web.source import Health, ModelInUse, Now, Sample, Soundness


class VisitKeeper(Protocol):
    """The part of the store that people change; safe to call from several threads."""

    def keep(self, visit_id: int, kept: bool) -> object: ...

    def correct(self, visit_id: int, label: str | None) -> object: ...

    def delete_visit(self, visit_id: int) -> object: ...

    def requeue(self, sink: str) -> int: ...


class DaemonHousehold:
    """Implement `web.source.Household`. Between entering and leaving it keeps a history.

    Args:    desks: one per camera, in the order of the configuration.
             sinks: names of all sinks in the configuration.
             press: rings, is told by whom, and tells whether the press was taken; None without a
             trigger "http".
             soundness, metrics: what `Household` says.
             clock: monotonic seconds.   now: the wall clock, UTC.
    """

    def __init__(
        self,
        reader: StoreReader,
        store: VisitKeeper,
        board: Board,
        desks: Sequence[CameraDesk],
        *,
        model: ModelInUse,
        sinks: Sequence[str] = (),
        press: Callable[[str], bool] | None = None,
        soundness: Callable[[], Soundness] = lambda: HealthState(()),
        metrics: Callable[[], bytes] = bytes,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
    ) -> None:
        self._reader = reader
        self._store = store
        self._board = board
        self._board_text = " · ".join([board.identity().model, board.identity().system])
        self._desks = {desk.name: desk for desk in desks}
        self._model = model
        self._sinks = tuple(sinks)
        self._press = press
        self._soundness = soundness
        self._metrics = metrics
        self._clock = clock
        self._now = now
        self._started_s = clock()
        self._dropped_before = 0
        self._history = History(self._sample)

    def __enter__(self) -> Self:
        self._history.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop the history. May be called twice."""
        self._history.close()

    def cameras(self) -> Sequence[str]:
        return tuple(self._desks)

    def now(self, camera: str) -> Now:
        return self._desks[camera].now()

    def latest_jpeg(self, camera: str) -> bytes | None:
        return self._desks[camera].latest_jpeg()

    def health(self) -> Health:
        recent = [desk.latencies() for desk in self._desks.values()]
        latencies = [value for values, _ in recent for value in values]
        manifest = self._model.manifest
        return Health(
            board=self._board_text,
            cameras=tuple(desk.health() for desk in self._desks.values()),
            inference_p50_ms=median(latencies) if latencies else None,
            inferences=sum(count for _, count in recent),
            temperature_c=self._board.temperature_c(),
            throttled=self._board.throttled(),
            memory_bytes=memory_bytes(),
            disk_free_bytes=disk_free_bytes(self._reader.folder),
            store_bytes=self._reader.bytes_used(),
            model=f"{manifest.name} {manifest.version}, {self._model.variant}",
            uptime_s=self._clock() - self._started_s,
        )

    def history(self) -> Sequence[Sample]:
        return self._history.samples()

    def model(self) -> ModelInUse:
        return self._model

    def visits(
        self,
        *,
        limit: int,
        before_id: int | None = None,
        day: date | None = None,
        camera: str | None = None,
        only: str | None = None,
    ) -> Sequence[Visit]:
        return self._reader.visits(
            limit=limit, before_id=before_id, day=day, camera=camera, only=only
        )

    def visit(self, visit_id: int) -> Visit | None:
        return self._reader.visit(visit_id)

    def tallies(self) -> Sequence[VisitTally]:
        return self._reader.tallies()

    def snapshot(self, name: str) -> bytes | None:
        return self._reader.snapshot(name)

    def keep(self, visit_id: int, kept: bool) -> None:
        self._store.keep(visit_id, kept)

    def correct(self, visit_id: int, label: str | None) -> None:
        self._store.correct(visit_id, label)

    def delete(self, visit_id: int) -> None:
        self._store.delete_visit(visit_id)

    def happenings(self, *, limit: int, before_id: int | None = None) -> Sequence[Event]:
        return self._reader.happenings(limit=limit, before_id=before_id)

    def sinks(self) -> Sequence[SinkState]:
        waiting = {state.sink: state for state in self._reader.outbox_state()}
        return [waiting.get(name) or SinkState(name, 0, 0, None) for name in self._sinks]

    def requeue(self, sink: str) -> int:
        return self._store.requeue(sink)

    def press(self, source: str) -> bool | None:
        return None if self._press is None else self._press(source)

    def soundness(self) -> Soundness:
        return self._soundness()

    def metrics(self) -> bytes:
        return self._metrics()

    def _sample(self) -> Sample:
        cameras = [desk.health() for desk in self._desks.values()]
        dropped = sum(camera.frames_dropped for camera in cameras)
        before, self._dropped_before = self._dropped_before, dropped
        return Sample(
            at=self._now(),
            temperature_c=self._board.temperature_c(),
            frames_per_s=sum(camera.frames_per_s for camera in cameras),
            dropped=max(0, dropped - before),
            disk_free_bytes=disk_free_bytes(self._reader.folder),
            memory_bytes=memory_bytes(),
        )
