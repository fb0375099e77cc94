"""A benchmark as tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.text import Text

from edgecls.cli.measuring import table
from edgecls.measure.bench_compare import BenchComparison
from edgecls.measure.bench_result import Benchmark, Configuration
from edgecls.measure.report.words import ratio
from edgecls.measure.timing import WARM_UP_RULE

MB = 1_000_000


def benchmark_text(found: Benchmark) -> RenderableType:
    """Return the tables; times are milliseconds."""
    return Group(*_parts(found))


def comparison_text(found: BenchComparison) -> RenderableType:
    """Return one line for each configuration, and what else differs."""
    rows = table("variant", "threads", "first p50 ms", "second p50 ms", "ratio")
    for item in found.changes:
        rows.add_row(
            item.name,
            str(item.threads),
            f"{item.first_ms:.3f}",
            f"{item.second_ms:.3f}",
            ratio(item.ratio),
        )
    lines = [Text(f"{item.name}, {item.threads}: {item.verdict}") for item in found.changes]
    notes = [Text(f"note: {note}", style="yellow") for note in found.notes]
    legend = Text(f"first: {found.first}\nsecond: {found.second}\nin brackets: 95 % interval\n")
    return Group(legend, rows, Text(), *lines, *notes)


def _parts(found: Benchmark) -> Iterator[RenderableType]:
    rounds = len(found.configurations[0].rounds)
    text = Text(f"{found.bundle} {found.version}", style="bold")
    text.append(f" on {found.device.as_line()}\n", style="not bold")
    libraries = ", ".join(f"{name} {version}" for name, version in found.device.libraries.items())
    text.append(
        f"{libraries}\npictures: {found.images}\n"
        f"{found.duration_s:g} s for each line in {rounds} fresh processes, taking turns; "
        f"half of it in the bare loop\nwarm-up: {WARM_UP_RULE}\n"
        f"reading the clock adds {found.timer_overhead_ns / 1000:.2f} µs to each time\n",
        style="not bold",
    )
    yield text
    yield _latencies(found)
    yield Text()
    yield _costs(found)
    yield from _bare(found)
    yield from _stages(found)
    yield from _state(found)


def _latencies(found: Benchmark) -> RenderableType:
    fastest = found.fastest
    rows = table(
        "variant", "threads", "p50 ms", "p90", "p99", "max", "mean", "images/s", "times the fastest"
    )
    for item in found.configurations:
        times = item.latency
        rows.add_row(
            item.name,
            str(item.threads),
            "{:.3f} [{:.3f},{:.3f}]".format(times.p50_ms, *item.p50_range_ms),
            *(f"{value:.3f}" for value in (times.p90_ms, times.p99_ms)),
            f"{times.max_ms:.2f}",
            f"{times.mean_ms:.3f}",
            f"{times.images_per_s:.1f}",
            "fastest" if item is fastest else ratio(found.against_fastest(item)),
        )
    return rows


def _costs(found: Benchmark) -> RenderableType:
    rows = table(
        "variant", "threads", "calls", "import ms", "load ms", "first ms",
        "file MB", "memory MB", "peak MB",
    )  # fmt: skip
    for item in found.configurations:
        rows.add_row(
            item.name,
            str(item.threads),
            str(item.latency.n),
            *(f"{item.middle(key):.1f}" for key in ("import_ms", "load_ms", "first_ms")),
            f"{item.size_bytes / MB:.2f}",
            f"{item.memory('resident') / MB:.0f}",
            f"{item.memory('peak') / MB:.0f}",
        )
    return rows


def _bare(found: Benchmark) -> Iterator[RenderableType]:
    own = [item for item in found.configurations if item.bare]
    if not own:
        return
    yield Text("\nBeside the bare interpreter, in the same processes", style="bold")
    rows = table("variant", "threads", "p50 ms", "bare p50 ms", "ours / bare")
    for item in own:
        if item.bare:
            rows.add_row(
                item.name,
                str(item.threads),
                f"{item.latency.p50_ms:.3f}",
                f"{item.bare.p50_ms:.3f}",
                ratio(item.overhead),
            )
    yield rows


def _stages(found: Benchmark) -> Iterator[RenderableType]:
    with_stages = [item for item in found.configurations if item.stages]
    if not with_stages:
        return
    sizes = ", ".join(f"{width}x{height}" for width, height in found.image_sizes[:3])
    more = " and others" if len(found.image_sizes) > 3 else ""
    yield Text(f"\nFrom a JPEG of {sizes}{more} to the decision: mean ms and share", style="bold")
    rows = table("variant", "threads", *with_stages[0].stages, "in all")
    for item in with_stages:
        rows.add_row(
            item.name,
            str(item.threads),
            *(_stage(item, name) for name in item.stages),
            f"{sum(stage.mean_ms for stage in item.stages.values()):.2f}",
        )
    yield rows


def _stage(item: Configuration, name: str) -> str:
    return f"{item.stages[name].mean_ms:.2f} ({item.share(name):.0%})"


def _state(found: Benchmark) -> Iterator[RenderableType]:
    before, after = found.before, found.after
    told = [
        _known("temperature", before.temperature_c, after.temperature_c, " °C"),
        _known("clock", before.frequency_mhz, after.frequency_mhz, " MHz"),
        f"governor {before.governor or 'unknown'}",
        f"throttled {_word(found.throttled)}",
    ]
    powers = [item.power_w for item in found.configurations]
    if None in powers:
        told.append("energy unknown: no meter that may be read")
    yield Text("\n" + "; ".join(told))
    for item in found.configurations:
        if item.power_w is not None:
            energy = item.power_w * item.latency.mean_ms
            yield Text(
                f"{item.name}, {item.threads}: {item.power_source} at {item.power_w:.1f} W, "
                f"{energy:.1f} mJ for each image, what it draws when idle included"
            )
        for warning in item.warnings:
            yield Text(f"warning: {item.name}, {item.threads}: {warning}", style="yellow")
    for name, reason in found.not_measured.items():
        yield Text(f"{name} was not measured: {reason}", style="yellow")


def _known(what: str, before: float | None, after: float | None, unit: str) -> str:
    if before is None or after is None:
        return f"{what} unknown"
    return f"{what} {before:.0f} before, {after:.0f}{unit} after"


def _word(value: bool | None) -> str:
    return "unknown" if value is None else "yes" if value else "no"
