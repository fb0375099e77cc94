"""edgecls benchmark: how fast each variant is here, beside the bare interpreter."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import RenderableType

from edgecls.cli import measuring, output
from edgecls.errors import ConfigError

if TYPE_CHECKING:
    from edgecls.measure.bench_compare import BenchComparison
    from edgecls.measure.bench_result import Benchmark


def benchmark(
    bundle: Annotated[Path | None, typer.Argument(help=measuring.BUNDLE_HELP)] = None,
    variant: Annotated[
        list[str] | None, typer.Option(help="Only these; repeat it or use commas.")
    ] = None,
    threads: Annotated[str, typer.Option(help="Thread counts, with commas: 1,2,4.")] = "1",
    duration: Annotated[
        float, typer.Option(metavar="SECONDS", help="Timed seconds per variant and thread count.")
    ] = 10.0,
    rounds: Annotated[int, typer.Option(help="Fresh processes to spread them over.")] = 5,
    images: Annotated[
        Path | None, typer.Option(help="A folder of your camera's images; else made pictures.")
    ] = None,
    against: Annotated[
        list[Path] | None, typer.Option(help="Also time this .tflite or .onnx file, bare.")
    ] = None,
    compare: Annotated[
        tuple[Path, Path] | None,
        typer.Option(metavar="A.json B.json", help="Compare two files made with --json instead."),
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Write an HTML report here.")] = None,
    markdown: Annotated[Path | None, typer.Option(help="Write a Markdown table here.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Measure load time, latency, memory and the way from a JPEG to a decision on this machine.

    Every variant and thread count runs in fresh processes that take turns, after warming up until
    stable, side by side with the bare interpreter.
    """
    if compare is not None:
        from edgecls.measure.bench_compare import compare_files

        output.emit(CompareResult(compare_files(*compare)), as_json=as_json)
        return
    from edgecls.bundle.open import open_bundle
    from edgecls.measure.benchmark import Plan
    from edgecls.measure.benchmark import benchmark as measure
    from edgecls.measure.machine import Machine
    from edgecls.measure.report.benchmark import benchmark_page
    from edgecls.measure.report.markdown import benchmark_markdown

    measuring.check_places(report, markdown)
    names = measuring.words(variant)
    plan = Plan(
        names=tuple(names) if names else None,
        threads=_numbers(threads),
        duration_s=duration,
        rounds=rounds,
        against=tuple(against or ()),
        images=images,
    )
    opened = open_bundle(bundle)
    with measuring.progress() as told:
        found = measure(opened, plan, machine=Machine(), report=told)
    if report:
        measuring.write(report, benchmark_page(found, opened.manifest))
    if markdown:
        measuring.write(markdown, benchmark_markdown(found))
    output.emit(BenchmarkResult(found), as_json=as_json)


def _numbers(text: str) -> tuple[int, ...]:
    try:
        return tuple(dict.fromkeys(int(word) for word in text.split(",")))
    except ValueError as error:
        raise ConfigError(f"threads {text!r}, expected numbers with commas: 1,2,4") from error


@dataclass(frozen=True)
class BenchmarkResult:
    """What `edgecls benchmark` prints."""

    found: Benchmark
    exit_code: int = 0

    def as_json(self) -> dict[str, Any]:
        return self.found.as_json()

    def as_text(self) -> RenderableType:
        from edgecls.cli.benchmark_text import benchmark_text

        return benchmark_text(self.found)


@dataclass(frozen=True)
class CompareResult:
    """What `edgecls benchmark --compare` prints."""

    found: BenchComparison
    exit_code: int = 0

    def as_json(self) -> dict[str, Any]:
        return self.found.as_json()

    def as_text(self) -> RenderableType:
        from edgecls.cli.benchmark_text import comparison_text

        return comparison_text(self.found)
