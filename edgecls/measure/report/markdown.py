"""Tables for a README."""

from __future__ import annotations

from collections.abc import Sequence

from edgecls.measure.bench_result import Benchmark
from edgecls.measure.evaluate import Evaluation
from edgecls.measure.report.words import percent, points, ratio

MB = 1_000_000


def evaluation_markdown(found: Evaluation) -> str:
    """Return a table of the variants, with where the figures come from below it."""
    rows = []
    for item in found.variants:
        against = item.against
        rows.append(
            [
                f"`{item.variant.name}`",
                percent(item.metrics.accuracy),
                points(against.accuracy) if against else "",
                percent(against.agreement) if against else "",
                f"{item.variant.bytes / MB:.2f}",
            ]
        )
    titles = ["variant", "accuracy %", "against float32, pp", "same label as float32 %", "MB"]
    return (
        f"{_table(titles, rows)}\n"
        f"{found.manifest.name} {found.manifest.version} on {found.dataset.name}, "
        f"n = {len(found.table.samples)}; in brackets 95 % intervals.\n"
    )


def benchmark_markdown(found: Benchmark) -> str:
    """Return a table of the configurations, with the machine below it."""
    rows = []
    for item in found.configurations:
        times, (low, high) = item.latency, item.p50_range_ms
        rows.append(
            [
                f"`{item.name}`",
                str(item.threads),
                f"{times.p50_ms:.3f} [{low:.3f},{high:.3f}]",
                f"{times.p99_ms:.3f}",
                f"{item.memory('peak') / MB:.0f}",
                f"{item.size_bytes / MB:.2f}",
                "fastest" if item is found.fastest else ratio(found.against_fastest(item)),
            ]
        )
    titles = ["variant", "threads", "p50 ms", "p99 ms", "peak MB", "file MB", "times the fastest"]
    doubts = sorted({warning for item in found.configurations for warning in item.warnings})
    doubtful = f" Doubtful: {'; '.join(doubts)}." if doubts else ""
    return (
        f"{_table(titles, rows)}\n"
        f"{found.bundle} {found.version} on {found.device.as_line()}; {found.images}; "
        f"in brackets 95 % intervals.{doubtful}\n"
    )


def _table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [titles, ["---", *["---:"] * (len(titles) - 1)], *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
