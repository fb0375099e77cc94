"""Benchmarks: what a child measures, what the rounds say together, and what is chosen."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edgecls.boards.host import HostBoard
from edgecls.boards.strain import Strain
from edgecls.bundle.choice import Choice, choice_folders, read_choice, write_choice
from edgecls.bundle.manifest import Accuracy
from edgecls.bundle.open import Bundle, open_bundle
from edgecls.errors import ConfigError, ImageError, InferenceError, MissingDependencyError
from edgecls.measure.bench_child import Request, measure, request_from_text
from edgecls.measure.bench_result import Benchmark
from edgecls.measure.benchmark import Plan, benchmark, run_child
from edgecls.measure.dataset import load_dataset
from edgecls.measure.evaluate import evaluate_bundle
from edgecls.measure.machine import Machine
from edgecls.measure.select import admitted, select
from tests.tiny_bundles import MODELS, tiny_bundle
from tests.unit.measure.conftest import FAKES, BundleMaker


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for place in range(3):
        cv2.imwrite(str(folder / f"{place}.jpg"), np.full((48, 64, 3), 80 * place, np.uint8))
    return folder


@pytest.fixture
def tiny(tmp_path: Path) -> Bundle:
    return open_bundle(tiny_bundle(tmp_path / "tiny"))


def _request(bundle: Bundle, photos: Path, **changes: Any) -> Request:
    request = Request(
        bundle=str(bundle.path),
        variant="tflite-int8",
        against=None,
        runtime="tflite",
        threads=1,
        images=tuple(str(path) for path in sorted(photos.iterdir())),
        duration_s=0.5,
        warm_up_s=5.0,
    )
    return dataclasses.replace(request, **changes)


def test_a_child_measures_every_step(tiny: Bundle, photos: Path) -> None:
    request = _request(tiny, photos)
    assert request_from_text(request.as_text()) == request
    found = measure(request)
    assert len(found["blocks"]) == len(found["bare_blocks"]) >= 2
    assert set(found["stages"]) == {"decode", "resize", "normalise", "infer", "decide"}
    assert found["image_px"] == [[64, 48]]
    assert found["memory"]["peak"] >= found["memory"]["resident"] > found["memory"]["model"]
    assert found["load_ms"] > 0
    json.dumps(found, allow_nan=False)


def test_a_file_without_a_bundle_is_timed_bare(tiny: Bundle, photos: Path) -> None:
    path = MODELS / "float.tflite"
    found = measure(_request(tiny, photos, against=str(path), variant=path.name))
    assert found["blocks"]
    assert "stages" not in found
    for runtime in ("tflite", "onnx"):
        with pytest.raises(InferenceError, match=r"0\.jpg: cannot be loaded"):
            measure(_request(tiny, photos, against=str(photos / "0.jpg"), runtime=runtime))
        path = MODELS / f"changing_size.{runtime}"  # at 1x1 it would be fast indeed
        with pytest.raises(InferenceError, match="changing shape"):
            measure(_request(tiny, photos, against=str(path), runtime=runtime))


def test_a_fresh_process_answers_and_passes_errors_on(tiny: Bundle, photos: Path) -> None:
    assert run_child(_request(tiny, photos, duration_s=0.2))["blocks"]
    with pytest.raises(ConfigError, match="has no variant 'nothing'"):
        run_child(_request(tiny, photos, variant="nothing"))


def _answer(ms: float, scatter: float, round_number: int) -> dict[str, Any]:
    random = np.random.default_rng(round_number)
    blocks = [(ms * random.lognormal(0, scatter, 20)).tolist() for _ in range(10)]
    return {
        "import_ms": 5.0,
        "load_ms": 2.0 + round_number,
        "first_ms": 3.0,
        "warm_up": {"runs": 30, "seconds": 0.1, "stable": round_number != 1},
        "memory": {"before_load": 1, "resident": 10, "peak": 20 + round_number, "model": 9},
        "power_w": None,
        "power_source": None,
        "blocks": blocks,
        "bare_blocks": [[value * 0.99 for value in block] for block in blocks],
        "stages": {"decode": [3.0], "infer": [1.0]},
        "cpu_s": 0.0,
        "timer_overhead_ns": 40.0,
        "image_px": [[64, 48]],
    }


def _benchmark(bundle: Bundle, photos: Path, times: dict[str, float], **plan: Any) -> Benchmark:
    counts: dict[tuple[str, int], int] = {}

    def run(request: Request) -> dict[str, Any]:
        key = (request.variant, request.threads)
        counts[key] = counts.get(key, -1) + 1
        return _answer(times[request.variant], 0.02, counts[key])

    return benchmark(
        bundle,
        Plan(images=photos, **plan),
        machine=Machine(photos, board=HostBoard(photos)),
        report=lambda title, done, total: None,
        run=run,
    )


def test_rounds_are_pooled_and_doubts_are_told(tiny: Bundle, photos: Path) -> None:
    times = {"tflite-int8": 1.0, "tflite-float32": 2.0}
    found = _benchmark(tiny, photos, times, threads=(1, 2), rounds=3)
    assert [(item.name, item.threads) for item in found.configurations] == [
        ("tflite-int8", 1), ("tflite-int8", 2), ("tflite-float32", 1), ("tflite-float32", 2),
    ]  # fmt: skip
    first = found.configurations[0]
    assert first.latency.n == 3 * 10 * 20
    assert first.latency.p50_ms == pytest.approx(1.0, abs=0.02)
    assert first.middle("load_ms") == 3.0
    assert first.memory("peak") == 22
    assert first.overhead is not None
    assert first.overhead.value == pytest.approx(1 / 0.99)
    assert first.share("decode") == 0.75
    assert first.warnings == ("not stable after warming up in 1 of 3 rounds",)
    assert first.throttled is None
    assert found.against_fastest(found.configurations[2]).value == pytest.approx(2, abs=0.05)
    text = json.dumps(found.as_json(), allow_nan=False)
    assert json.loads(text)["fastest"]["name"] == "tflite-int8"
    assert found.as_json()["images"] == "3 images of photos"


def test_files_of_one_name_are_told_apart(tiny: Bundle, photos: Path, tmp_path: Path) -> None:
    files = [tmp_path / name / "model.tflite" for name in ("a", "b")]
    times = {"tflite-int8": 1.0, "tflite-float32": 2.0}
    for place, path in enumerate(files):
        path.parent.mkdir()
        path.write_bytes((MODELS / "float.tflite").read_bytes())
        times[str(path)] = 3.0 + place
    found = _benchmark(tiny, photos, times, rounds=2, against=(*files, files[0]))
    assert [(item.name, round(item.latency.p50_ms)) for item in found.configurations] == [
        ("tflite-int8", 1), ("tflite-float32", 2), (str(files[0]), 3), (str(files[1]), 4),
    ]  # fmt: skip
    assert {len(item.rounds) for item in found.configurations} == {2}


def test_an_unreadable_picture_is_named(tiny: Bundle, photos: Path) -> None:
    (photos / "1.jpg").write_bytes(b"no image")
    with pytest.raises(ImageError, match=r"1\.jpg: not an image"):
        _benchmark(tiny, photos, {})


def test_throttling_and_a_slope_are_told(tiny: Bundle, photos: Path) -> None:
    found = _benchmark(tiny, photos, {"tflite-int8": 1.0, "tflite-float32": 2.0}, rounds=3)
    item = found.configurations[0]
    cool = item.rounds[0].before
    hot = dataclasses.replace(cool, throttle_count=4)
    cold = dataclasses.replace(cool, throttle_count=3)
    slow = _answer(1.2, 0.02, 0)
    rounds = (
        item.rounds[0],
        dataclasses.replace(item.rounds[1], answer=slow, before=cold, after=hot),
        dataclasses.replace(item.rounds[2], answer=slow, before=hot, after=hot),
    )
    doubtful = dataclasses.replace(item, rounds=rounds)
    assert doubtful.throttled is True
    told = "the clock was held down during the measurement: throttled by heat"
    assert doubtful.warnings[0] == told
    assert doubtful.warnings[-1] == "later rounds took 20% longer than the first"
    assert doubtful.as_json()["throttled"] is True


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (None, None, None),
        (Strain((), ()), Strain((), ()), ()),
        (Strain((), ("soft limit",)), Strain((), ("soft limit",)), ()),  # before the measurement
        (Strain((), ()), Strain((), ("under-voltage",)), ("under-voltage",)),  # came and went
        (Strain(("hot",), ("hot",)), Strain((), ("hot",)), ("hot",)),
    ],
)
def test_what_a_board_remembers_counts(
    tiny: Bundle,
    photos: Path,
    before: Strain | None,
    after: Strain | None,
    told: tuple[str, ...] | None,
) -> None:
    found = _benchmark(tiny, photos, {"tflite-int8": 1.0, "tflite-float32": 2.0}, rounds=2)
    item = found.configurations[0]
    cool = item.rounds[0].before
    rounds = [
        dataclasses.replace(
            item.rounds[0],
            before=dataclasses.replace(cool, strain=before),
            after=dataclasses.replace(cool, strain=after),
        )
    ]
    assert rounds[0].strains == told
    doubtful = dataclasses.replace(item, rounds=tuple(rounds))
    assert doubtful.throttled is (None if told is None else bool(told))


def test_a_variant_that_lacks_hardware_is_left_out_and_told(tiny: Bundle, photos: Path) -> None:
    def run(request: Request) -> dict[str, Any]:
        if request.variant == "tflite-int8":
            raise MissingDependencyError("this GPU has no int8 hardware")
        return _answer(1.0, 0.02, 0)

    def found(**plan: Any) -> Benchmark:
        machine = Machine(photos, board=HostBoard(photos))
        return benchmark(
            tiny,
            Plan(images=photos, rounds=2, **plan),
            machine=machine,
            report=lambda title, done, total: None,
            run=run,
        )

    told = found()
    assert [item.name for item in told.configurations] == ["tflite-float32"]
    assert told.not_measured == {"tflite-int8": "this GPU has no int8 hardware"}
    with pytest.raises(MissingDependencyError, match="no int8 hardware"):
        found(names=("tflite-int8",))


def test_a_plan_with_nonsense_is_refused(tiny: Bundle, photos: Path, tmp_path: Path) -> None:
    for nonsense in ({"rounds": 1}, {"duration_s": 0.0}, {"threads": (0,)}, {"threads": ()}):
        with pytest.raises(ConfigError):
            Plan(**nonsense)
    with pytest.raises(ConfigError, match="has no variant 'int8'"):
        _benchmark(tiny, photos, {}, names=("int8",))
    with pytest.raises(ConfigError, match=r"expected a \.tflite or \.onnx file"):
        _benchmark(tiny, photos, {}, against=(photos / "0.jpg",))
    with pytest.raises(ConfigError, match="has no image in it"):
        _benchmark(tiny, tmp_path / "tiny", {})
    with pytest.raises(ConfigError, match="is no folder"):
        _benchmark(tiny, photos / "0.jpg", {})


def test_variants_whose_runtime_is_not_there_are_told(
    make_bundle: BundleMaker, photos: Path
) -> None:
    bundle = make_bundle(("strange", "strange", "int8", 0.0))
    with pytest.raises(MissingDependencyError, match="no variant runs here"):
        _benchmark(bundle, photos, {})


ROWS = (
    ("float32", "fake", "float32", 0.0),
    ("wrong", "fake", "int8", 0.3),
    ("int8", "fake", "int8", 0.0),
)


@pytest.mark.parametrize(
    ("times", "chosen"),
    [
        ({"float32": 2.0, "wrong": 0.5, "int8": 1.0}, "int8"),  # the fastest is outside the budget
        ({"float32": 1.0, "wrong": 0.5, "int8": 2.0}, "float32"),  # int8 is slower here
        ({"float32": 1.0, "wrong": 0.5, "int8": 1.0}, "float32"),  # alike: the first one
    ],
)
def test_the_fastest_inside_the_budget_is_chosen(
    make_bundle: BundleMaker,
    images: Path,
    photos: Path,
    monkeypatch: pytest.MonkeyPatch,
    times: dict[str, float],
    chosen: str,
) -> None:
    from edgecls import runtimes

    monkeypatch.setitem(runtimes.RUNTIMES, "fake", FAKES["fake"])
    bundle = make_bundle(*ROWS)
    evaluation = evaluate_bundle(
        bundle, load_dataset(images, ("dark", "bright")), max_drop_pp=20.0, gate_rule="bound"
    )
    assert admitted(evaluation) == ["float32", "int8"]
    timed = _benchmark(bundle, photos, times, names=tuple(admitted(evaluation)), rounds=3)
    found = select(evaluation, timed)
    assert found.chosen.figures.variant.name == chosen
    told = found.as_json()
    assert [item["admitted"] for item in told["variants"]] == [True, False, True]
    assert told["variants"][1]["latency"] is None


def test_a_choice_is_kept_and_followed_on_this_device_only(
    make_bundle: BundleMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from edgecls.bundle import choice

    manifest = make_bundle(*ROWS).manifest
    folder = tmp_path / "state"
    assert read_choice(manifest, folders=[folder]) is None
    path = write_choice(manifest, Choice("int8", {"p50_ms": 1.0}), folder=folder)
    assert read_choice(manifest, folders=[tmp_path / "nowhere", folder]) == "int8"
    changed = manifest.model_copy(update={"version": "2.0"})
    assert read_choice(changed, folders=[folder]) is None
    accuracy = Accuracy(dataset="d", metric="accuracy", value=0.9, n=40, ci95=(0.8, 0.95))
    measured = [item.model_copy(update={"accuracy": accuracy}) for item in manifest.variants]
    recorded = manifest.model_copy(update={"variants": tuple(measured)})
    assert read_choice(recorded, folders=[folder]) == "int8"  # the same models
    path.write_text(path.read_text().replace('"int8"', '"int4"'))
    assert read_choice(manifest, folders=[folder]) is None
    path.write_text("{")
    assert read_choice(manifest, folders=[folder]) is None
    write_choice(manifest, Choice("int8", {}), folder=folder)
    other = tmp_path / "machine-id"
    other.write_text("another one")
    monkeypatch.setattr(choice, "MACHINE_ID", other)
    assert read_choice(manifest, folders=[folder]) is None


def test_choices_are_looked_for_near_to_far() -> None:
    found = choice_folders({"STATE_DIRECTORY": "/var/lib/door", "XDG_STATE_HOME": "/home/a/state"})
    assert [str(path) for path in found] == [
        "/var/lib/door", "/home/a/state/edgecls", "/var/lib/edgecls",
    ]  # fmt: skip
