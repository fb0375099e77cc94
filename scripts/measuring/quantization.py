"""What int8 costs and gains: the shipped bundle's variants beside float, in accuracy and time."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence

from edgecls.bundle.open import Bundle, open_bundle
from edgecls.measure.bench_result import Benchmark, Configuration
from edgecls.measure.benchmark import Plan, benchmark
from edgecls.measure.dataset import load_dataset
from edgecls.measure.evaluate import Evaluation, VariantFigures, evaluate_bundle
from edgecls.measure.machine import Machine
from edgecls.measure.ratio import ratio_of_rounds
from edgecls.runtimes import RUNTIMES
from scripts.measuring.accuracy import DATA
from scripts.measuring.section import NotMeasured, Section, table
from scripts.measuring.words import met, percent, points, times

TITLE = "What int8 costs and gains"
SPOILED_IMAGES = 40
DURATION_S, ROUNDS = 8.0, 5
DROP_PP, AGREEMENT, SPEED, OVERHEAD = 0.1, 0.995, 1.2, 1.02
INT8_UNITS = ("avx_vnni", "avx512_vnni", "amx_int8", "asimddp", "i8mm")


def measure() -> Section:
    """Evaluate on the test photographs, then time every variant that runs here."""
    manifest_csv = DATA / "person" / "manifest.csv"
    if not manifest_csv.exists():
        raise NotMeasured("the test photographs (data/person) are not on this machine")
    bundle = open_bundle()
    data = load_dataset(
        manifest_csv, bundle.manifest.labels, split="test", skip_labels=("depiction",)
    )
    runtimes = dict(RUNTIMES)
    if importlib.util.find_spec("tensorrt") is None:  # what its file means, without its engine
        runtimes["tensorrt"] = RUNTIMES["onnx"]
    found = evaluate_bundle(
        bundle,
        data,
        names=[item.name for item in bundle.manifest.variants if item.name != "tensorrt-float16"],
        robustness_images=SPOILED_IMAGES,
        runtimes=runtimes,
    )
    plan = Plan(duration_s=DURATION_S, rounds=ROUNDS, images=DATA / "person" / "test")
    timed = benchmark(bundle, plan, machine=Machine(), report=lambda *_: None)
    parts = [
        f"{bundle.manifest.name} {bundle.manifest.version} on {found.dataset.name}, "
        f"n = {len(found.table.samples)}, threshold of the bundle. Square brackets: 95 % "
        "intervals; differences are paired (Tango's score interval), in percentage points. One "
        f"image is {100 / len(found.table.samples):.2f} points.",
        _accuracy(found),
        *_without_engine(bundle, runtimes["tensorrt"] == RUNTIMES["onnx"]),
        _agreement(found),
        f"Time: {DURATION_S:g} s for each variant in {ROUNDS} fresh processes that take turns, "
        "half of it in the bare interpreter; one thread; ours over bare is of the medians of "
        "neighbouring blocks.",
        _speed(timed),
        *_doubts(timed),
        "The aims:",
        table(["aim", "found", "met"], _aims(found, timed)),
        *_spoiled(found),
        *_fooled(found),
    ]
    return Section(TITLE, "\n\n".join(parts))


def _int8(found: Evaluation) -> list[VariantFigures]:
    return [item for item in found.variants if item.variant.precision == "int8" and item.against]


def _accuracy(found: Evaluation) -> str:
    rows = []
    for item in found.variants:
        against = item.against
        rows.append(
            [
                item.variant.name,
                f"{item.variant.bytes / 1e6:.2f} MB",
                percent(item.metrics.accuracy),
                points(against.accuracy) if against else "reference",
                f"{against.gained} / {against.lost}" if against else "",
                f"{against.p_value:.2g}" if against else "",
                percent(against.agreement) if against else "",
                f"{against.score_mean.value:.4f}, {against.score_max:.3f}" if against else "",
            ]
        )
    return table(
        ["variant", "file", "accuracy", "against float", "gained / lost", "McNemar p",
         "same label as float", "scores apart: mean, most"],
        rows,
    )  # fmt: skip


def _without_engine(bundle: Bundle, simulated: bool) -> list[str]:
    names = [item.name for item in bundle.manifest.variants if item.runtime == "tensorrt"]
    if not (names and simulated):
        return []
    return [
        "TensorRT is not on this machine: the variants for it are computed by ONNX Runtime, which "
        "shows what the file means, not what an engine makes of it, and are not timed."
    ]


def _agreement(found: Evaluation) -> str:
    rows = [
        [f"{item.reference}, {item.variant}", percent(item.agreement), points(item.accuracy)]
        for item in found.agreement
    ]
    return table(["runtimes at equal precision", "same label", "accuracy"], rows)


def _speed(timed: Benchmark) -> str:
    rows = []
    for item in timed.configurations:
        low, high = item.p50_range_ms
        fastest = item is timed.fastest
        rows.append(
            [
                item.name,
                f"{item.latency.p50_ms:.3f} ms [{low:.3f}, {high:.3f}]",
                f"{item.latency.p99_ms:.3f} ms",
                "fastest" if fastest else times(timed.against_fastest(item)),
                f"{item.middle('load_ms'):.0f} ms",
                f"{item.memory('peak') / 1e6:.0f} MB",
                times(item.overhead) if item.overhead else "",
            ]
        )
    head = ["variant", "p50", "p99", "times the fastest", "load", "peak memory", "ours / bare"]
    return table(head, rows)


def _doubts(timed: Benchmark) -> list[str]:
    lines = [
        f"- {item.name}: {'; '.join(item.warnings)}"
        for item in timed.configurations
        if item.warnings
    ]
    return ["Doubts about these times:\n\n" + "\n".join(lines)] if lines else []


def _aims(found: Evaluation, timed: Benchmark) -> list[list[str]]:
    rows = []
    for item in _int8(found):
        assert item.against is not None
        drop = item.against.accuracy
        rows.append(
            [
                f"{item.variant.name}: at most {DROP_PP} pp below float",
                points(drop),
                met(100 * drop.value, 100 * drop.low, 100 * drop.high, least=-DROP_PP),
            ]
        )
    for pair in found.agreement:
        if pair.reference in [item.variant.name for item in _int8(found)]:
            share = pair.agreement
            rows.append(
                [
                    f"{pair.reference} and {pair.variant}: same label on {AGREEMENT:.1%}",
                    percent(share),
                    met(share.value, share.low, share.high, least=AGREEMENT),
                ]
            )
    by_name = {item.name: item for item in timed.configurations}
    rows += _speed_aims(by_name, timed)
    for item in timed.configurations:
        if item.overhead:
            over = item.overhead
            rows.append(
                [
                    f"{item.name}: our loop within {OVERHEAD - 1:.0%} of the bare one",
                    times(over),
                    met(-over.value, -over.high, -over.low, least=-OVERHEAD),
                ]
            )
    return rows


def _speed_aims(by_name: dict[str, Configuration], timed: Benchmark) -> list[list[str]]:
    rows = []
    if {"onnx-int8", "onnx-float32"} <= set(by_name):
        ratio = ratio_of_rounds(
            by_name["onnx-int8"].block_medians(), by_name["onnx-float32"].block_medians()
        )
        units = [flag for flag in timed.device.cpu_flags if flag in INT8_UNITS]
        told = ", ".join(units) or "none, so the aim does not apply"
        rows.append(
            [
                f"int8 ONNX {SPEED} times as fast as float (this CPU's int8 instructions: {told})",
                times(ratio),
                met(ratio.value, ratio.low, ratio.high, least=SPEED),
            ]
        )
    first = timed.configurations[0]
    slower = timed.against_fastest(first)
    late = first is not timed.fastest and slower.differs
    rows.append(
        [
            "no variant is preferred where it is slower",
            f"first in the bundle: {first.name}; fastest here: {timed.fastest.name}",
            f"no: {times(slower)} times as long" if late else "yes",
        ]
    )
    return rows


def _spoiled(found: Evaluation) -> list[str]:
    if not found.spoiled or found.reference is None:
        return []
    names = [item.variant.name for item in _int8(found)]
    rows = [
        [
            item.corruption.replace("_", " "),
            percent(item.accuracy[found.reference]),
            *(points(item.against[name]) for name in names),
        ]
        for item in found.spoiled
    ]
    text = (
        f"Spoiled pictures: {found.spoiled[0].n} of the photographs in ten ways at five severities "
        "(docs/measuring.md says which); accuracy of float, and of int8 against it."
    )
    return [text, table(["corruption", f"{found.reference}", *names], rows)]


def _fooled(found: Evaluation) -> list[str]:
    if not found.fooled:
        return []
    names: Sequence[str] = list(found.fooled[0].called)
    rows = [
        [
            item.kind,
            str(item.n),
            *(f"{round(item.called[name].value * item.n)} ({item.highest[name]:.3f})"
              for name in names),
        ]
        for item in found.fooled
    ]  # fmt: skip
    text = (
        f"Pictures of nothing: how many are called {found.fooled[0].label}, and the highest score."
    )
    return [text, table(["kind", "n", *names], rows)]
