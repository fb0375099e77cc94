"""Signs of life: what they feed, what /healthz and /metrics make of them, and what is warned of."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from edgecls.config import from_mapping
from edgecls.daemon.capture import CaptureCounters
from edgecls.daemon.golden import GoldenCheck
from edgecls.daemon.notify import Notifier
from edgecls.daemon.vitals import Vitals
from edgecls.daemon.watch import Counters
from edgecls.sections.store import StoreSection
from edgecls.store.reader import StoreReader
from edgecls.store.store import Store
from edgecls.testing.board import FakeBoard
from edgecls.testing.judge import FakeJudge
from edgecls.types import Classification, Pixels

SEEN: Any = SimpleNamespace(latencies_ms=(2.0, 3.0))


class Manager(Notifier):
    def __init__(self, watchdog_s: float | None) -> None:
        super().__init__(None, watchdog_s=watchdog_s)
        self.fed = 0

    def feed(self) -> None:
        self.fed += 1


class Judge(FakeJudge):
    """A judge that can go wrong."""

    shift = 0.0

    def classify(self, pixels: Pixels) -> Classification:
        told = super().classify(pixels)
        scores = {label: score + self.shift for label, score in told.scores.items()}
        return Classification(told.label, scores, told.latency_ms)


class House:
    """Two cameras, a store and a clock."""

    def __init__(self, reader: StoreReader, *, watchdog_s: float | None = 300.0) -> None:
        self.seconds = 0.0
        self.judge = Judge()
        self.manager = Manager(watchdog_s)
        names = ("door", "yard")
        config = from_mapping(
            {"cameras": [{"name": name, "kind": "demo"} for name in names]}, origin="test"
        )
        golden = GoldenCheck(self.judge, side_px=16, clock=lambda: self.seconds)
        self.vitals = Vitals(
            config, self.manager, golden, reader, FakeBoard(), model="m", clock=lambda: self.seconds
        )
        self.recorders = [SimpleNamespace(problem=None) for _ in names]
        doorways: Any = [
            SimpleNamespace(
                name=name,
                recorder=recorder,
                capture=SimpleNamespace(counters=CaptureCounters(frames=7)),
                watch=SimpleNamespace(counters=Counters(frames=5)),
                loop=SimpleNamespace(visits=1),
            )
            for name, recorder in zip(names, self.recorders, strict=True)
        ]
        self.vitals.watch_over(doorways)

    def frames(self) -> None:
        self.vitals.sign("door", SEEN)
        self.vitals.sign("yard", SEEN)


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[StoreReader]:
    with Store(StoreSection(folder=tmp_path)), StoreReader(tmp_path) as opened:
        yield opened


def test_all_is_well_once_every_camera_has_given_a_frame(reader: StoreReader) -> None:
    house = House(reader)
    assert house.vitals.soundness().reasons == (
        "camera door: no frame yet",
        "camera yard: no frame yet",
    )
    house.frames()
    assert house.vitals.soundness().ok
    assert house.manager.fed == 2


def test_an_old_picture_and_a_store_in_trouble_are_told(reader: StoreReader) -> None:
    house = House(reader)
    house.frames()
    house.seconds = 21.0
    house.vitals.sign("yard", SEEN)
    house.vitals.sign("door", None)
    house.recorders[1].problem = "disk full"
    assert house.vitals.soundness().reasons == (
        "camera door: newest frame is 21 s old, expected at most 20 s",
        "disk full",
    )


def test_a_model_that_answers_wrong_is_told_and_feeds_nothing(reader: StoreReader) -> None:
    house = House(reader)
    house.judge.shift = 0.1
    house.seconds = 300.0
    house.frames()
    assert not house.vitals.soundness().ok
    assert "golden picture" in house.vitals.soundness().reasons[0]
    assert house.manager.fed == 0
    house.judge.shift = 0.0
    house.seconds = 600.0
    house.frames()
    assert house.manager.fed == 2


def test_the_metrics_have_what_the_parts_counted(reader: StoreReader) -> None:
    house = House(reader)
    house.frames()
    house.vitals.pressed("button")
    text = house.vitals.metrics_text().decode()
    assert 'edgecls_frames_total{camera="door"} 5.0' in text
    assert 'edgecls_inference_seconds_count{camera="yard"} 2.0' in text
    assert 'edgecls_presses_total{source="button"} 1.0' in text
    assert "edgecls_healthy 1.0" in text


@pytest.mark.parametrize(("watchdog_s", "warnings"), [(300.0, 0), (30.0, 2), (None, 0)])
def test_a_watchdog_that_is_too_short_for_a_camera_is_warned_of(
    reader: StoreReader,
    caplog: pytest.LogCaptureFixture,
    watchdog_s: float | None,
    warnings: int,
) -> None:
    caplog.set_level(logging.WARNING)
    House(reader, watchdog_s=watchdog_s)
    assert caplog.text.count("raise WatchdogSec") == warnings
