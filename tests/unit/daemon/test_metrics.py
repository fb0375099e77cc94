"""The figures as Prometheus reads them: parsed by its own parser."""

from __future__ import annotations

from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families

from edgecls.daemon.capture import CaptureCounters
from edgecls.daemon.metrics import CONTENT_TYPE, CameraFigures, HouseFigures, Metrics
from edgecls.daemon.watch import Counters

HOUSE = HouseFigures(
    healthy=True,
    outbox={"home": (3, 1)},
    temperature_c=41.5,
    disk_free_bytes=10**9,
    store_bytes=5000,
    memory_bytes=10**8,
    uptime_s=12.5,
)
DOOR = CameraFigures(
    capture=CaptureCounters(frames=9, dropped=4, skipped=100, restarts=2, kills=1, connected=True),
    watch=Counters(frames=9, moved=3, judged=5, classifications=11),
    visits=2,
    age_s=0.25,
)
YARD = CameraFigures(capture=CaptureCounters(), watch=Counters(), visits=0, age_s=None)


def metrics(house: HouseFigures = HOUSE) -> Metrics:
    return Metrics(
        lambda: {"door": DOOR, "back yard": YARD}, lambda: house, version="1.2", model="m 1, int8"
    )


def samples(text: bytes) -> dict[tuple[str, str], float]:
    """Return each sample by its name and the value of its first label."""
    return {
        (sample.name, next(iter(sample.labels.values()), "")): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def test_every_figure_is_there_under_its_name() -> None:
    found = samples(metrics().text())
    expected = {
        ("edgecls_frames_total", "door"): 9,
        ("edgecls_frames_total", "back yard"): 0,
        ("edgecls_frames_moved_total", "door"): 3,
        ("edgecls_frames_judged_total", "door"): 5,
        ("edgecls_classifications_total", "door"): 11,
        ("edgecls_frames_dropped_total", "door"): 4,
        ("edgecls_frames_skipped_total", "door"): 100,
        ("edgecls_visits_total", "door"): 2,
        ("edgecls_camera_restarts_total", "door"): 2,
        ("edgecls_camera_kills_total", "door"): 1,
        ("edgecls_camera_connected", "door"): 1,
        ("edgecls_camera_connected", "back yard"): 0,
        ("edgecls_frame_age_seconds", "door"): 0.25,
        ("edgecls_outbox_waiting", "home"): 3,
        ("edgecls_outbox_dead", "home"): 1,
        ("edgecls_healthy", ""): 1,
        ("edgecls_temperature_celsius", ""): 41.5,
        ("edgecls_disk_free_bytes", ""): 10**9,
        ("edgecls_uptime_seconds", ""): 12.5,
        ("edgecls_info", "m 1, int8"): 1,
    }
    assert {key: found[key] for key in expected} == expected
    assert ("edgecls_frame_age_seconds", "back yard") not in found


def test_a_board_without_a_thermometer_tells_no_temperature() -> None:
    cold = HouseFigures(False, {}, None, 0, 0, 0, 0.0)
    found = samples(metrics(cold).text())
    assert ("edgecls_temperature_celsius", "") not in found
    assert found["edgecls_healthy", ""] == 0


def test_times_and_presses_are_gathered_as_they_come() -> None:
    figures = metrics()
    figures.judged("door", (2.0, 30.0))
    figures.judged("back yard", ())
    figures.pressed("button")
    figures.pressed("button")
    figures.pressed("http")
    found = samples(figures.text())
    assert found["edgecls_inference_seconds_count", "door"] == 2
    assert abs(found["edgecls_inference_seconds_sum", "door"] - 0.032) < 1e-9
    assert found["edgecls_presses_total", "button"] == 2
    assert found["edgecls_presses_total", "http"] == 1


def test_two_daemons_in_a_process_share_nothing() -> None:
    first, second = metrics(), metrics()
    first.pressed("mqtt")
    assert b'source="mqtt"' in first.text()
    assert b'source="mqtt"' not in second.text()
    assert not any(family.name.startswith("edgecls") for family in REGISTRY.collect())
    assert CONTENT_TYPE.startswith("text/plain; version=0.0.4")
