"""The daemon's figures for Prometheus, in a registry of their own: nothing is global.

What the parts count anyway is read when somebody asks; only what must be told as it happens, times
of inferences and presses, is gathered here.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from edgecls.daemon.capture import CaptureCounters
from edgecls.daemon.watch import Counters

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
INFERENCE_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)

Families = Iterator[CounterMetricFamily | GaugeMetricFamily]


@dataclass(frozen=True, slots=True)
class CameraFigures:
    """What one camera's parts have counted.

    Args:    age_s: of its newest judged frame; None before the first.
             visits: begun in this run.
    """

    capture: CaptureCounters
    watch: Counters
    visits: int
    age_s: float | None


@dataclass(frozen=True, slots=True)
class HouseFigures:
    """What there is once. Args: outbox: by sink, (waiting, dead)."""

    healthy: bool
    outbox: Mapping[str, tuple[int, int]]
    temperature_c: float | None
    disk_free_bytes: int
    store_bytes: int
    memory_bytes: int
    uptime_s: float


class Metrics:
    """Answer /metrics.

    Args:    cameras: asks each camera's parts, by its name.   house: asks the rest.
             version: of edgecls.   model: "name version, variant".
    """

    def __init__(
        self,
        cameras: Callable[[], Mapping[str, CameraFigures]],
        house: Callable[[], HouseFigures],
        *,
        version: str,
        model: str,
    ) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        self._inference = Histogram(
            "edgecls_inference_seconds",
            "One classification of one picture: preprocessing, inference, scores.",
            ["camera"],
            buckets=INFERENCE_BUCKETS_S,
            registry=self._registry,
        )
        self._presses: Counter[str] = Counter()
        self._turn = threading.Lock()
        self._registry.register(_Gathered(cameras, house, self._press_counts, version, model))

    def judged(self, camera: str, latencies_ms: Iterable[float]) -> None:
        """Take in how long classifications took."""
        for latency_ms in latencies_ms:
            self._inference.labels(camera).observe(latency_ms / 1000)

    def pressed(self, source: str) -> None:
        """Count a press of the doorbell. Args: source: "button", "mqtt" or "http"."""
        with self._turn:
            self._presses[source] += 1

    def text(self) -> bytes:
        """Return all figures in Prometheus' text format, UTF-8."""
        return generate_latest(self._registry)

    def _press_counts(self) -> Mapping[str, int]:
        with self._turn:
            return dict(self._presses)


class _Gathered(Collector):
    """Turn the parts' figures into families when Prometheus asks."""

    def __init__(
        self,
        cameras: Callable[[], Mapping[str, CameraFigures]],
        house: Callable[[], HouseFigures],
        presses: Callable[[], Mapping[str, int]],
        version: str,
        model: str,
    ) -> None:
        self._cameras, self._house, self._presses = cameras, house, presses
        self._version, self._model = version, model

    def collect(self) -> Families:
        yield from self._of_cameras()
        yield from self._of_house()

    def _of_cameras(self) -> Families:
        figures = self._cameras()
        for name, help_text, read in CAMERA_COUNTERS:
            counter = CounterMetricFamily(f"edgecls_{name}", help_text, labels=["camera"])
            for camera, its in figures.items():
                counter.add_metric([camera], read(its))
            yield counter
        for name, help_text, value in CAMERA_GAUGES:
            gauge = GaugeMetricFamily(f"edgecls_{name}", help_text, labels=["camera"])
            for camera, its in figures.items():
                number = value(its)
                if number is not None:
                    gauge.add_metric([camera], number)
            yield gauge

    def _of_house(self) -> Families:
        house = self._house()
        presses = CounterMetricFamily(
            "edgecls_presses", "Presses of the doorbell.", labels=["source"]
        )
        for source, count in self._presses().items():
            presses.add_metric([source], count)
        yield presses
        for number, state in enumerate(("waiting", "dead")):
            family = GaugeMetricFamily(
                f"edgecls_outbox_{state}", OUTBOX_HELP[state], labels=["sink"]
            )
            for sink, counts in house.outbox.items():
                family.add_metric([sink], counts[number])
            yield family
        for name, help_text, read in HOUSE_GAUGES:
            value = read(house)
            if value is not None:
                yield GaugeMetricFamily(f"edgecls_{name}", help_text, value=value)
        info = GaugeMetricFamily(
            "edgecls_info", "Always 1; what runs here.", labels=["version", "model"]
        )
        info.add_metric([self._version, self._model], 1)
        yield info


CAMERA_COUNTERS: tuple[tuple[str, str, Callable[[CameraFigures], float]], ...] = (
    ("frames", "Frames that were watched.", lambda its: its.watch.frames),
    ("frames_moved", "Frames in which something moved.", lambda its: its.watch.moved),
    ("frames_judged", "Frames that the model saw.", lambda its: its.watch.judged),
    ("classifications", "Pictures classified: frames and regions.",
     lambda its: its.watch.classifications),
    ("frames_dropped", "Frames overtaken by newer ones before they were watched.",
     lambda its: its.capture.dropped),
    ("frames_skipped", "Frames passed over to keep to the camera's fps.",
     lambda its: its.capture.skipped),
    ("visits", "Visits begun.", lambda its: its.visits),
    ("camera_restarts", "Restarts of the capture process.", lambda its: its.capture.restarts),
    ("camera_kills", "Capture processes killed for silence or nonsense.",
     lambda its: its.capture.kills),
)  # fmt: skip

CAMERA_GAUGES: tuple[tuple[str, str, Callable[[CameraFigures], float | None]], ...] = (
    ("camera_connected", "1 while frames come.", lambda its: float(its.capture.connected)),
    ("frames_per_second", "Frames watched per second, of late.",
     lambda its: its.capture.frames_per_s),
    ("frame_age_seconds", "Age of the newest judged frame.", lambda its: its.age_s),
)  # fmt: skip

HOUSE_GAUGES: tuple[tuple[str, str, Callable[[HouseFigures], float | None]], ...] = (
    ("healthy", "1 while /healthz says yes.", lambda house: float(house.healthy)),
    ("temperature_celsius", "Of the processor.", lambda house: house.temperature_c),
    ("disk_free_bytes", "Of the disk that holds the store.", lambda house: house.disk_free_bytes),
    ("store_bytes", "Snapshots and database.", lambda house: house.store_bytes),
    ("memory_bytes", "Held by the daemon and its capture processes.",
     lambda house: house.memory_bytes),
    ("uptime_seconds", "Since the daemon's start.", lambda house: house.uptime_s),
)  # fmt: skip

OUTBOX_HELP = {
    "waiting": "Events not yet delivered.",
    "dead": "Events given up after their last attempt.",
}
