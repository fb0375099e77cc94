"""`edgecls boards`: what is printed of the device models."""

from __future__ import annotations

import json

import pytest

from edgecls.boards.firmware import firmware_keys
from edgecls.cli.main import run


def test_the_list_names_every_device_model_on_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["boards"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1 : 1 + len(firmware_keys())]] == list(
        firmware_keys()
    )
    (nano,) = [line for line in lines if line.startswith("jetson-nano")]
    assert "tensorrt" not in nano
    assert "on the CPU, not in its GPU" in nano
    assert nano.endswith("container")
    (pi,) = [line for line in lines if line.startswith("raspberry-pi-4")]
    assert "picamera" in pi
    assert pi.endswith("edgecls flash")


def test_one_board_is_told_whole(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["boards", "raspberry-pi-zero-2w"]) == 0
    text = capsys.readouterr().out
    for words in ("Raspberry Pi Zero 2 W", "camera_auto_detect=1", "GPIO17", "Trixie", "512 MB"):
        assert words in text


def test_a_tensorrt_that_is_too_old_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["boards", "jetson-nano"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "judges with tflite, onnx, in this order" in text
    assert "8.2, too old for edgecls" in text
    assert "TensorRT 8.2; edgecls needs 8.5. So the CPU judges" in text
    assert run(["boards", "jetson-xavier-nx"]) == 0
    assert "8.5, for Python 3.8" in capsys.readouterr().out


def test_json_is_one_object_with_all_that_the_file_says(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["boards", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["schema"] == 1
    assert [board["key"] for board in answer["boards"]] == list(firmware_keys())
    assert run(["boards", "jetson-orin-nano", "--json"]) == 0
    board = json.loads(capsys.readouterr().out)["board"]
    assert board["images"][0]["tensorrt"] == "10.3"
    assert board["inference"]["runtimes"] == ["tensorrt", "tflite", "onnx"]


def test_an_unknown_board_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["boards", "raspberry-pi-6"]) == 2
    assert "did you mean 'raspberry-pi-" in capsys.readouterr().err
