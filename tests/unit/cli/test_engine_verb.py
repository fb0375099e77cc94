"""`edgecls engine` on the stand-ins of TensorRT and CUDA."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgecls.cli.main import run
from tests.tiny_bundles import model, tiny_bundle
from tests.unit.runtimes.conftest import Jetson
from tests.unit.runtimes.fake_tensorrt import FakeTensorRt

MODELS = {"tensorrt-int8": model("qdq.onnx"), "tensorrt-float16": model("nchw.onnx")}
NANO = pytest.mark.parametrize("jetson", [FakeTensorRt("8.5.2", int8=False)], indirect=True)


@pytest.fixture
def bundle(tmp_path: Path) -> str:
    return str(tiny_bundle(tmp_path / "tiny", MODELS))


def call(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = run(["engine", *words])
    return code, *capsys.readouterr()


def test_inspect_lists_layers_and_what_is_kept(
    jetson: Jetson,
    bundle: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, out, _ = call(capsys, "inspect", bundle)
    assert (code, "no engine for TensorRT 10.3.0" in out) == (0, True)
    code, out, _ = call(capsys, "build", bundle, "--json")
    assert (code, json.loads(out)["variant"]) == (0, "tensorrt-int8")
    code, out, _ = call(capsys, "inspect", bundle, "--json")
    given = json.loads(out)
    assert given["schema"] == 1
    assert given["precisions"] == {"float32": 1, "int8": 1, "float16": 1}
    assert given["layers"][1]["tactic"].startswith("sm80_xmma")
    assert given["layers"][1]["layout"].startswith("Thirty-two wide")
    assert [item["engine"] for item in given["cache"]] == [given["engine"]]
    code, out, _ = call(capsys, "inspect", bundle)
    assert "3 layers: 1 float32, 1 int8, 1 float16" in out
    assert "this one" in out


def test_an_engine_that_does_not_load_is_told(
    jetson: Jetson,
    bundle: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    call(capsys, "build", bundle)
    kept = next(Path(jetson.leaf.default_folder()).glob("*.engine"))
    kept.write_bytes(b"torn")
    code, out, _ = call(capsys, "inspect", bundle)
    assert code == 0
    assert "its layers cannot be shown: TensorRT 10.3.0 refuses the engine" in out


@NANO
def test_build_takes_the_float_variant_without_int8_hardware(
    jetson: Jetson,
    bundle: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, out, _ = call(capsys, "build", bundle)
    assert code == 0
    assert out.startswith("tensorrt-int8: this GPU has no int8 hardware, and the model is quantize")
    assert "\ntensorrt-float16: " in out
    assert set(jetson.trt.flags) == {"FP16"}
    code, _, err = call(capsys, "build", bundle, "--variant", "tensorrt-int8")
    assert code == 3
    assert "float variant" in err
    code, out, _ = call(capsys, "inspect", bundle, "--json")
    assert json.loads(out)["variant"] == "tensorrt-float16"


def test_a_bundle_without_a_variant_for_tensorrt_is_refused(
    jetson: Jetson,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, _, err = call(capsys, "build", str(tiny_bundle(tmp_path / "other")))
    assert code == 2
    assert "no variant for tensorrt" in err
