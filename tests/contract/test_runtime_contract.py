"""What every runtime promises, on every row of the table and on the fake."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from edgecls import plugins
from edgecls.errors import InferenceError, MissingDependencyError
from edgecls.ports import Runtime
from edgecls.runtimes import RUNTIMES
from tests.tiny_bundles import model

TABLE = {**RUNTIMES, "fake": "edgecls.testing.runtime:FakeRuntime"}
FAKE = b'{"width": 8, "height": 8}'
MODELS = {
    "tflite": ["float.tflite", "int8.tflite", "sigmoid.tflite"],
    "onnx": ["nhwc.onnx", "nchw.onnx", "qdq.onnx"],
    "fake": ["fake"],
}
REFUSED = {
    "tflite": ["two_inputs.tflite", "changing_size.tflite"],
    "onnx": ["two_inputs.onnx", "changing_size.onnx"],
}


def installed(key: str) -> bool:
    """Tell whether the library of a row is there; where it is not, its row is left out."""
    try:
        plugins.load("runtime", TABLE, key)
    except MissingDependencyError:
        return False
    return True


def content(name: str) -> bytes:
    return FAKE if name == "fake" else model(name)


def rows(table: dict[str, list[str]]) -> list[object]:
    return [
        pytest.param(
            (key, name), id=name, marks=pytest.mark.skipif(not installed(key), reason="no library")
        )
        for key, names in table.items()
        for name in names
    ]


@pytest.fixture(params=rows(MODELS))
def runtime(request: pytest.FixtureRequest) -> Iterator[Runtime]:
    key, name = request.param
    with plugins.load("runtime", TABLE, key)(content(name), threads=2) as opened:
        yield opened


def batch(runtime: Runtime, seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    if runtime.input.dtype == "float32":
        return rng.random(runtime.input.shape, np.float32)
    return rng.integers(-128, 128, runtime.input.shape, np.int8)


def test_every_row_that_can_run_has_a_model_here() -> None:
    assert {key for key in TABLE if installed(key)} <= set(MODELS)


def test_is_the_contract(runtime: Runtime) -> None:
    assert isinstance(runtime, Runtime)


def test_answers_as_its_spec_says(runtime: Runtime) -> None:
    assert runtime.input.shape[0] == 1
    assert runtime.input.name
    output = runtime.infer(batch(runtime))
    assert output.shape == runtime.output.shape
    assert output.dtype == runtime.output.dtype
    for spec in (runtime.input, runtime.output):
        assert (spec.scale is None) == (spec.zero_point is None)
        assert spec.scale is None or (spec.dtype == "int8" and spec.scale > 0)


def test_the_answer_is_the_callers_own(runtime: Runtime) -> None:
    first = runtime.infer(batch(runtime, 1))
    kept = first.copy()
    runtime.infer(batch(runtime, 2))
    np.testing.assert_array_equal(first, kept)
    first[:] = 0  # writable, and of no consequence to the next answer
    np.testing.assert_array_equal(runtime.infer(batch(runtime, 1)), kept)


def test_the_batch_is_not_written_to(runtime: Runtime) -> None:
    given = batch(runtime)
    kept = given.copy()
    given.flags.writeable = False
    runtime.infer(given)
    np.testing.assert_array_equal(given, kept)


def test_a_batch_that_does_not_fit_is_refused(runtime: Runtime) -> None:
    given = batch(runtime)
    for wrong in (given[0], np.concatenate([given, given]), given.astype(np.float64)):
        with pytest.raises(InferenceError, match=r"expect.* received"):
            runtime.infer(wrong)
    runtime.infer(given)  # and it still works


def test_can_be_closed_twice_and_then_refuses(runtime: Runtime) -> None:
    given = batch(runtime)
    runtime.close()
    runtime.close()
    with pytest.raises(InferenceError, match="closed"):
        runtime.infer(given)


@pytest.mark.parametrize("row", [key for key in TABLE if installed(key)])
def test_other_bytes_are_refused_with_one_line(row: str) -> None:
    runtime_class = plugins.load("runtime", TABLE, row)
    whole = content(MODELS[row][0])
    for wrong in (b"", b"hello", bytes(4000), whole[: len(whole) // 2]):
        with pytest.raises(InferenceError) as caught:
            runtime_class(wrong)
        assert "\n" not in caught.value.message


@pytest.mark.parametrize("case", rows(REFUSED))
def test_models_of_another_shape_are_refused(case: tuple[str, str]) -> None:
    key, name = case
    with pytest.raises(InferenceError, match=r"2 inputs, expected exactly 1|changing shape") as got:
        plugins.load("runtime", TABLE, key)(content(name))
    assert got.value.hint
