"""The reports of a benchmark and of a selection."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from edgecls.bundle.manifest import Manifest
from edgecls.measure.bench_result import Benchmark, Configuration
from edgecls.measure.intervals import Estimate
from edgecls.measure.report import page, plots
from edgecls.measure.report.evaluation import evaluation_sections
from edgecls.measure.report.words import percent, points, ratio
from edgecls.measure.select import Selection
from edgecls.measure.timing import WARM_UP_RULE

MB = 1_000_000
PLOTTED_MAX = 8


def benchmark_page(found: Benchmark, manifest: Manifest) -> bytes:
    """Return the whole report; accuracies are those that the bundle states."""
    title = f"{found.bundle} {found.version}: speed"
    stated = {
        item.name: Estimate(item.accuracy.value, item.accuracy.n, *item.accuracy.ci95)
        for item in manifest.variants
        if item.accuracy is not None and item.accuracy.metric == "accuracy"
    }
    parts = [_head(found, title)]
    parts += _speed(found, stated, "Accuracy as the bundle states it.")
    return page.page(title, parts)


def selection_page(found: Selection) -> bytes:
    """Return the report of a selection: accuracy and speed, measured on this machine."""
    benchmark = found.benchmark
    title = f"{benchmark.bundle} {benchmark.version}: chosen for this device"
    measured = {
        item.figures.variant.name: item.figures.metrics.accuracy for item in found.candidates
    }
    n = len(found.evaluation.table.samples)
    parts = [
        _head(benchmark, title),
        page.paragraph(f"Chosen: {found.chosen.figures.variant.name}", "good"),
        _candidates(found),
    ]
    parts += _speed(benchmark, measured, f"Accuracy on {found.evaluation.dataset.name}, n = {n}.")
    return page.page(title, [*parts, *evaluation_sections(found.evaluation)])


def _head(found: Benchmark, title: str) -> str:
    device, rounds = found.device, len(found.configurations[0].rounds)
    libraries = ", ".join(f"{name} {version}" for name, version in device.libraries.items())
    before, after = found.before.temperature_c, found.after.temperature_c
    heat = "temperature unknown"
    if before is not None and after is not None:
        heat = f"{before:.0f} °C before, {after:.0f} °C after"
    throttled = {None: "unknown", True: "yes", False: "no"}[found.throttled]
    governor = found.before.governor or "unknown"
    meters = {item.power_source for item in found.configurations if item.power_source}
    energy = f"energy as {' and '.join(sorted(meters))} tells, idle included" if meters else ""
    lines = [
        f"{device.as_line()}, kernel {device.kernel}, Python {device.python}",
        libraries,
        f"pictures: {found.images}",
        f"{found.duration_s:g} s for each configuration in {rounds} fresh processes that take "
        f"turns. Warm-up: {WARM_UP_RULE}. "
        f"Reading the clock adds {found.timer_overhead_ns / 1000:.2f} µs to each time.",
        f"{heat}; governor {governor}; throttled: {throttled}",
        energy,
    ]
    warned = [
        page.paragraph(f"{item.name}, {item.threads}: {'; '.join(item.warnings)}", "bad")
        for item in found.configurations
        if item.warnings
    ]
    missing = [
        page.paragraph(f"{name} was not measured: {reason}", "bad")
        for name, reason in found.not_measured.items()
    ]
    return page.heading(title, lines) + "".join([*warned, *missing])


def _speed(found: Benchmark, accuracy: dict[str, Estimate], text: str) -> Iterator[str]:
    own = [item for item in found.configurations if not item.foreign]
    names = list(dict.fromkeys(item.name for item in own))
    colours = {name: place for place, name in enumerate(names)}
    shown = []
    rows = [(item, accuracy[item.name]) for item in own if item.name in accuracy]
    if rows:
        shown.append(("Accuracy against latency", plots.accuracy_against_latency(rows, colours)))
    few = _few(own)
    drawn = plots.latencies(few, [colours[item.name] for item in few])
    shown.append((f"Calls done within a time ({few[0].threads} thread)", drawn))
    parts = [page.key(names), page.cards(shown), _latencies(found), _costs(found)]
    yield page.section("Latency", parts, text=text if rows else "")
    steps = list(own[0].stages)
    sizes = ", ".join(f"{width}x{height}" for width, height in found.image_sizes[:4])
    yield page.section(
        "From a JPEG to the decision",
        [page.key(steps), page.cards([("Mean time of each step", plots.stages(own))]), _steps(own)],
        text=f"Pictures of {sizes}. Decoding and resizing are the same for every variant.",
    )
    yield page.section(
        "Beside the bare interpreter",
        [page.cards([("Our time over the bare loop's", plots.overheads(own))]), _bare(own)],
        text="The same engine with nothing of ours around it, in the same process, taking turns.",
    )


def _few(items: Sequence[Configuration]) -> list[Configuration]:
    """Return the configurations with the fewest threads, for a plot that can be read."""
    least = min(item.threads for item in items)
    return [item for item in items if item.threads == least][:PLOTTED_MAX]


def _latencies(found: Benchmark) -> str:
    rows = []
    for item in found.configurations:
        times = item.latency
        low, high = item.p50_range_ms
        slower = "fastest" if item is found.fastest else ratio(found.against_fastest(item))
        rows.append(
            [
                item.name,
                str(item.threads),
                f"{times.p50_ms:.3f} [{low:.3f},{high:.3f}]",
                *(f"{value:.3f}" for value in (times.p90_ms, times.p99_ms, times.max_ms)),
                f"{times.mean_ms:.3f}",
                f"{times.images_per_s:.1f}",
                str(times.n),
                slower,
            ]
        )
    titles = ["variant", "threads", "p50 ms", "p90", "p99", "max", "mean", "images/s", "calls"]
    return page.table([*titles, "times the fastest"], rows)


def _costs(found: Benchmark) -> str:
    rows = []
    for item in found.configurations:
        power = item.power_w
        energy = f"{power * item.latency.mean_ms:.1f}" if power is not None else "no meter"
        rows.append(
            [
                item.name,
                str(item.threads),
                *(f"{item.middle(key):.1f}" for key in ("import_ms", "load_ms", "first_ms")),
                f"{item.size_bytes / MB:.2f}",
                *(f"{item.memory(key) / MB:.0f}" for key in ("model", "resident", "peak")),
                energy,
            ]
        )
    titles = ["variant", "threads", "import ms", "load ms", "first ms", "file MB", "model MB"]
    titles += ["resident MB", "peak MB", "mJ an image"]
    return page.table(titles, rows)


def _steps(items: Sequence[Configuration]) -> str:
    rows = [
        [
            item.name,
            str(item.threads),
            *(
                f"{stage.mean_ms:.3f} ({item.share(name):.0%})"
                for name, stage in item.stages.items()
            ),
            f"{sum(stage.mean_ms for stage in item.stages.values()):.2f}",
        ]
        for item in items
    ]
    return page.table(["variant", "threads", *items[0].stages, "in all"], rows)


def _bare(items: Sequence[Configuration]) -> str:
    rows = [
        [
            item.name,
            str(item.threads),
            f"{item.latency.p50_ms:.4f}",
            f"{item.bare.p50_ms:.4f}" if item.bare else "",
            ratio(item.overhead),
        ]
        for item in items
    ]
    return page.table(["variant", "threads", "ours p50 ms", "bare p50 ms", "ours / bare"], rows)


def _candidates(found: Selection) -> str:
    rows = []
    for item in found.candidates:
        against = item.figures.against
        rows.append(
            [
                item.figures.variant.name,
                percent(item.figures.metrics.accuracy),
                points(against.accuracy) if against else "itself",
                "yes" if item.admitted else "no",
                f"{item.times.latency.p50_ms:.3f}" if item.times else "not timed",
                "chosen" if item.chosen else ratio(item.against_chosen),
            ]
        )
    titles = ["variant", "accuracy %", "against float pp", "in budget", "p50 ms"]
    return page.table([*titles, "times the chosen"], rows)
