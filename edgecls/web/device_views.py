"""The device's condition, its model and its sinks, turned into words for the templates."""

from __future__ import annotations

from dataclasses import dataclass

from edgecls.bundle.manifest import Accuracy, Variant
from edgecls.types import SinkState
from edgecls.web.source import CameraHealth, Health, ModelInUse
from edgecls.web.wording import SPACE, bytes_text, count_text, duration_text, percent_text

WARM_C = 80.0  # where a Raspberry Pi begins to slow itself down
LOW_DISK_BYTES = 500_000_000


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of the device's condition; `wrong` asks for a look."""

    name: str
    value: str
    wrong: bool = False


@dataclass(frozen=True, slots=True)
class FactGroup:
    """Facts under one heading."""

    title: str
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class VariantView:
    """One row of the model's table; `value` and `interval` are None where nothing was measured."""

    name: str
    runtime: str
    precision: str
    size: str
    in_use: bool
    metric: str | None
    value: str | None
    interval: str | None
    measured_on: str | None


@dataclass(frozen=True, slots=True)
class SinkView:
    """Somebody who is told of events. `state`: one word for the badge."""

    name: str
    state: str
    waiting: str
    dead: int
    last_error: str | None


def health_view(health: Health) -> tuple[FactGroup, ...]:
    """Prepare the device's condition; what the board cannot tell is left out."""
    inference = health.inference_p50_ms
    model = (
        Fact("Name", health.model),
        Fact("Time per picture", "none yet" if inference is None else f"{inference:.1f}{SPACE}ms"),
        Fact("Pictures judged", count_text(health.inferences)),
    )
    device = [Fact("Board", health.board), Fact("Up for", duration_text(health.uptime_s))]
    if health.temperature_c is not None:
        hot = health.temperature_c >= WARM_C
        device.append(Fact("Temperature", f"{health.temperature_c:.0f}{SPACE}°C", hot))
    if health.throttled:
        device.append(Fact("Processor", "slowed by heat or voltage", True))
    low = health.disk_free_bytes < LOW_DISK_BYTES
    device += [
        Fact("Memory used", bytes_text(health.memory_bytes)),
        Fact("Disk free", bytes_text(health.disk_free_bytes), low),
        Fact("Visits take", bytes_text(health.store_bytes)),
    ]
    return (
        *(_camera_facts(camera) for camera in health.cameras),
        FactGroup("Classifier", model),
        FactGroup("Device", tuple(device)),
    )


def troubles_of(health: Health) -> tuple[str, ...]:
    """Return what asks for a look, in a few words each; empty when all is well."""
    return tuple(
        f"{group.title}: {fact.name.lower()} {fact.value}"
        for group in health_view(health)
        for fact in group.facts
        if fact.wrong
    )


def model_view(model: ModelInUse) -> tuple[VariantView, ...]:
    """Prepare the table of variants, in the bundle's order."""
    return tuple(_variant(variant, model.variant) for variant in model.manifest.variants)


def sinks_view(states: tuple[SinkState, ...]) -> tuple[SinkView, ...]:
    """Prepare who is told of events, and what waits."""
    return tuple(
        SinkView(
            name=state.sink,
            state="given up" if state.dead else "waiting" if state.waiting else "all told",
            waiting=count_text(state.waiting),
            dead=state.dead,
            last_error=state.last_error if state.dead or state.waiting else None,
        )
        for state in states
    )


def _camera_facts(camera: CameraHealth) -> FactGroup:
    return FactGroup(
        f"Camera {camera.name}",
        (
            Fact("Kind", camera.kind),
            Fact("Connected", "yes" if camera.connected else "no", not camera.connected),
            Fact("Speed", f"{camera.frames_per_s:.1f} frames/s"),
            Fact("Frames seen", count_text(camera.frames)),
            Fact("Frames dropped", count_text(camera.frames_dropped)),
            Fact("Restarts", count_text(camera.restarts)),
        ),
    )


def _variant(variant: Variant, in_use: str) -> VariantView:
    measured = variant.accuracy
    return VariantView(
        name=variant.name,
        runtime=variant.runtime,
        precision=variant.precision,
        size=bytes_text(variant.bytes),
        in_use=variant.name == in_use,
        metric=measured.metric if measured else None,
        value=percent_text(measured.value) if measured else None,
        interval=_interval(measured) if measured else None,
        measured_on=f"{count_text(measured.n)} images of {measured.dataset}" if measured else None,
    )


def _interval(measured: Accuracy) -> str:
    low, high = measured.ci95
    return f"{percent_text(low)} to {percent_text(high)}"
