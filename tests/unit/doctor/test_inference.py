"""The doctor on runtimes, the model, int8 and TensorRT."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from edgecls.boards.firmware import load_firmware
from edgecls.doctor.inference import (
    _image,
    _tensorrt,
    check_int8,
    check_model,
    check_runtimes,
    check_tensorrt,
)
from tests.patients import patient_of, states, told
from tests.recorded_boards import JETSON_NANO, LAPTOP, ORIN_NANO, PI_4, RecordedBoard

NVINFER = "usr/lib/aarch64-linux-gnu/libnvinfer.so"


def test_a_runtime_that_is_not_installed_is_no_fault(tmp_path: Path) -> None:
    found = told(check_runtimes(patient_of(tmp_path, ORIN_NANO)))
    assert found["runtime tflite"].state.value == "ok"
    assert "ai-edge-litert" in found["runtime tflite"].text
    assert found["runtime tensorrt"].state.value == "skip"
    assert "runtimes" not in found


@pytest.mark.parametrize(
    ("board", "key", "package", "lacks"),
    [(PI_4, "onnx", "onnxruntime", "libgomp.so.1"), (LAPTOP, "tflite", "ai_edge_litert", "libm.so"),
     (ORIN_NANO, "tensorrt", "tensorrt", "libnvinfer.so.10")],
)  # fmt: skip
def test_a_runtime_that_lacks_a_library_of_the_system_fails(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    board: RecordedBoard,
    key: str,
    package: str,
    lacks: str,
) -> None:
    text = f"{lacks}: cannot open shared object file: No such file or directory"
    (tmp_path / f"{package}.py").write_text(f"raise ImportError({text!r})\n")
    monkeypatch.syspath_prepend(tmp_path)
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, f"edgecls.runtimes.{key}", raising=False)
    found = told(check_runtimes(patient_of(tmp_path / "root", board)))[f"runtime {key}"]
    assert found.state.value == "fail"
    assert f"is there, but lacks a library of the system: {lacks}" in found.text
    assert ("NVIDIA" in str(found.fix)) == (key == "tensorrt")
    assert ("NVIDIA" in str(found.fix)) != (lacks in str(found.fix))


def test_the_shipped_model_is_opened(tmp_path: Path) -> None:
    found = told(check_model(patient_of(tmp_path, PI_4)))["model"]
    assert found.state.value == "ok"
    assert "tflite-int8" in found.text


def test_a_damaged_model_fails(tmp_path: Path) -> None:
    (tmp_path / "broken.edgecls").write_bytes(b"no zip")
    config = {"camera": {"kind": "demo"}, "model": {"bundle": tmp_path / "broken.edgecls"}}
    assert states(check_model(patient_of(tmp_path, PI_4, config=config)))["model"] == "fail"


CPUS = {
    "Features\t: fp asimd evtstrm crc32 cpuid\n": "no int8 instructions",
    "Features\t: fp asimd aes asimdrdm lrcpc dcpop asimddp\n": "int8 dot products",
    "flags\t\t: fpu avx2 avx512f avx512_vnni\n": "AVX-512 VNNI",
}


@pytest.mark.parametrize("cpu", CPUS)
def test_int8_on_a_processor_is_told_by_its_flags(tmp_path: Path, cpu: str) -> None:
    found = told(check_int8(patient_of(tmp_path, LAPTOP, files={"proc/cpuinfo": cpu})))["int8"]
    assert found.state.value == "ok"
    assert CPUS[cpu] in found.text


def test_int8_on_a_gpu_is_told_by_its_model(tmp_path: Path) -> None:
    nano = told(check_int8(patient_of(tmp_path / "nano", JETSON_NANO)))["int8"]
    assert "no int8 hardware: fp16" in nano.text
    orin = told(check_int8(patient_of(tmp_path / "orin", ORIN_NANO)))["int8"]
    assert "compute capability 8.7" in orin.text


def test_a_jetson_has_its_jetpack_and_its_tensorrt_compared(tmp_path: Path) -> None:
    files = {f"{NVINFER}.10": "", f"{NVINFER}.10.3.0": ""}
    found = told(check_tensorrt(patient_of(tmp_path, ORIN_NANO, files=files)))
    assert found["jetpack"].text == "JetPack 6.1 and 6.2 (Ubuntu 22.04), Jetson Linux 36.4.3"
    assert found["tensorrt"].state.value == "warn"  # the module is not in this Python
    assert found["tensorrt"].text == "library 10.3.0, but Python does not see its module"
    assert "--system-site-packages" in str(found["tensorrt"].fix)


@pytest.mark.parametrize("host", [True, False], ids=["JetPack's files", "a bare container"])
def test_the_first_nano_judges_on_its_cpu_and_nothing_is_to_be_mended(
    tmp_path: Path, host: bool
) -> None:
    files = {f"{NVINFER}.8": "", f"{NVINFER}.8.2.1": ""} if host else {}
    if not host:
        files["etc/nv_tegra_release"] = "?\n"
    patient = patient_of(tmp_path, JETSON_NANO, files=files)
    found = told(check_tensorrt(patient))["tensorrt"]
    assert found.state.value == "skip"
    assert "is older than 8.5, which edgecls needs: the CPU judges, with tflite" in found.text
    runtimes = told(check_runtimes(patient))
    assert runtimes["runtime tensorrt"].state.value == "skip"
    assert "does not fit edgecls" in runtimes["runtime tensorrt"].text
    assert runtimes["runtime tflite"].state.value == "ok"


def test_a_module_for_another_python_is_nothing_to_mend() -> None:
    (jetpack_5, *_) = load_firmware("jetson-xavier-nx").images
    found = told(_tensorrt("8.5.2", None, jetpack_5))["tensorrt"]
    assert found.state.value == "skip"
    assert "is for its Python 3.8: the CPU judges" in found.text
    own = told(_tensorrt("8.5.2", "8.5.2", jetpack_5))["tensorrt"]
    assert own.state.value == "ok"


def test_no_jetson_no_tensorrt(tmp_path: Path) -> None:
    assert states(check_tensorrt(patient_of(tmp_path, PI_4))) == {"tensorrt": "skip"}


def test_a_jetson_without_its_files_is_told_so(tmp_path: Path) -> None:
    files = {"etc/nv_tegra_release": "?\n"}
    found = states(check_tensorrt(patient_of(tmp_path, ORIN_NANO, files=files)))
    assert found == {"jetpack": "warn", "tensorrt": "warn"}


IMAGES = load_firmware("jetson-orin-nano").images


@pytest.mark.parametrize(
    ("release", "jetpack"),
    [
        ((36, 4, 7), "6.1"),
        ((36, 5, 0), "6.1"),
        ((36, 3, 0), "6.0"),
        ((36, 2, 0), None),
        ((35, 6, 0), "5.1"),
        ((38, 2, 0), None),
    ],
)
def test_jetson_linux_tells_the_jetpack(release: tuple[int, int, int], jetpack: str | None) -> None:
    image = _image(IMAGES, release)
    assert (image.jetpack if image else None) == jetpack


@pytest.mark.parametrize(
    ("library", "module", "state", "words"),
    [
        ("10.3.0", "10.3.0", "ok", "10.3.0"),
        ("10.3.0", "10.4.0", "fail", "the Python module is of 10.4.0"),
        ("8.6.2", "8.6.2", "warn", "comes with 10.3"),
        (None, None, "warn", "not installed"),
    ],
)
def test_versions_that_do_not_belong_together(
    library: str | None, module: str | None, state: str, words: str
) -> None:
    found = told(_tensorrt(library, module, IMAGES[0]))["tensorrt"]
    assert found.state.value == state
    assert words in found.text
