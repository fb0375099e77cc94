"""The files of the device models: each is whole, and each model is told apart from the others."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgecls.boards import BOARDS
from edgecls.boards.firmware import (
    firmware_folder,
    firmware_keys,
    key_from_device_tree,
    load_firmware,
)
from edgecls.errors import ConfigError
from edgecls.runtimes import RUNTIMES

WANTED = {
    *(f"raspberry-pi-{model}" for model in ("3", "4", "5", "zero-2w")),
    *(f"jetson-{model}" for model in ("nano", "xavier-nx", "orin-nano", "agx-orin")),
    *("generic-aarch64", "generic-x86_64"),
}
JETSONS = sorted(key for key in WANTED if key.startswith("jetson"))
PIS = sorted(key for key in WANTED if key.startswith("raspberry"))


def test_all_the_promised_device_models_are_there() -> None:
    assert set(firmware_keys()) == WANTED
    assert firmware_folder().name == "firmware_configs"


@pytest.mark.parametrize("key", sorted(WANTED))
def test_a_file_says_all_that_is_needed(key: str) -> None:
    firmware = load_firmware(key)
    assert set(firmware.inference.runtimes) <= set(RUNTIMES)
    assert firmware.inference.runtimes[-2:] == ("tflite", "onnx")
    assert "python3-venv" in firmware.packages or any(image.container for image in firmware.images)
    assert firmware.models or key.startswith("generic")
    assert "edgecls.service" in firmware.systemd.units


@pytest.mark.parametrize("key", PIS)
def test_a_pi_boots_64_bit_with_its_camera_and_its_watchdog(key: str) -> None:
    firmware = load_firmware(key)
    dialects = {image.codename: (image.first_boot, image.python) for image in firmware.images}
    assert dialects == {"trixie": ("cloud-init", "3.13"), "bookworm": ("custom-toml", "3.11")}
    assert {"camera_auto_detect=1", "dtparam=watchdog=on"} <= set(firmware.boot.config_txt)
    assert firmware.inference.runtimes[0] == "tflite"
    paths = [drop_in.path for drop_in in firmware.systemd.drop_ins]
    assert "/etc/systemd/system.conf.d/50-edgecls-watchdog.conf" in paths
    assert any(path.startswith("/etc/systemd/system/edgecls.service.d/") for path in paths)


@pytest.mark.parametrize("key", JETSONS)
def test_a_jetson_says_which_tensorrt_belongs_to_it(key: str) -> None:
    firmware = load_firmware(key)
    assert firmware.inference.runtimes[0] == "tensorrt"
    assert all(image.tensorrt and image.l4t and image.jetpack for image in firmware.images)
    assert firmware.power.nvpmodel


def test_the_first_jetson_has_no_int8_and_needs_a_container() -> None:
    nano = load_firmware("jetson-nano")
    assert (nano.inference.int8, nano.inference.precision) == (False, "fp16")
    assert [image.container for image in nano.images] == [True]
    assert not load_firmware("jetson-orin-nano").images[0].container


@pytest.mark.parametrize(
    ("key", "first"),
    [("jetson-nano", "tflite"), ("jetson-xavier-nx", "tflite"), ("jetson-orin-nano", "tensorrt")],
)
def test_a_tensorrt_that_is_of_no_use_is_passed_over(key: str, first: str) -> None:
    """JetPack 4.6's is older than 8.5, JetPack 5's is for a Python that edgecls does not run on."""
    firmware = load_firmware(key)
    assert firmware.inference.runtimes[0] == "tensorrt"  # tried, should somebody bring one
    assert firmware.runtimes_as_it_comes[0] == first
    too_old = [image.jetpack for image in firmware.images if image.tensorrt_too_old]
    assert set(too_old) <= {"4.6.1"}


RECORDED = """
raspberry-pi-3: Raspberry Pi 3 Model B Plus Rev 1.3: raspberrypi,3-model-b-plus brcm,bcm2837
raspberry-pi-4: Raspberry Pi 4 Model B Rev 1.4: raspberrypi,4-model-b brcm,bcm2711
raspberry-pi-4: Raspberry Pi Compute Module 4 Rev 1.0: raspberrypi,4-compute-module brcm,bcm2711
raspberry-pi-5: Raspberry Pi 500 Rev 1.0: raspberrypi,500 brcm,bcm2712
raspberry-pi-zero-2w: Raspberry Pi Zero 2 W Rev 1.0: raspberrypi,model-zero-2-w brcm,bcm2837
jetson-nano: NVIDIA Jetson Nano Developer Kit: nvidia,p3450-0000 nvidia,tegra210
jetson-xavier-nx: NVIDIA Jetson Xavier NX Developer Kit: nvidia,p3449-0000+p3668-0000
jetson-orin-nano: NVIDIA Jetson Orin Nano Engineering Reference Developer Kit Super: \
nvidia,p3768-0000+p3767-0005-super nvidia,p3767-0005 nvidia,tegra234
jetson-agx-orin: NVIDIA Jetson AGX Orin Developer Kit: nvidia,p3737-0000+p3701-0005 nvidia,tegra234
none: NVIDIA Jetson AGX Xavier: nvidia,p2972-0000 nvidia,tegra194
none: Raspberry Pi Model B Rev 2: raspberrypi,model-b brcm,bcm2835
none: Pine64 RockPro64 v2.1: pine64,rockpro64-v2.1 rockchip,rk3399
"""


@pytest.mark.parametrize("line", RECORDED.strip().splitlines())
def test_a_device_tree_tells_the_model(line: str) -> None:
    word, model, compatible = line.split(": ")
    key = None if word == "none" else word
    assert key_from_device_tree(model, tuple(compatible.split())) == key
    assert key_from_device_tree(model, ()) == key


def test_no_two_models_share_a_word_of_the_device_tree() -> None:
    words = [word for key in WANTED for word in load_firmware(key).compatible]
    assert len(words) == len(set(words))


def test_the_board_of_each_file_is_a_word_of_the_table() -> None:
    known = {"raspberry_pi", "jetson", "host"}
    assert {load_firmware(key).board for key in WANTED} == known
    assert "host" in BOARDS


def test_an_unknown_model_is_told_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="unknown board 'raspbery-pi-4'") as caught:
        load_firmware("raspbery-pi-4")
    assert caught.value.hint == "did you mean 'raspberry-pi-4'?"


def test_a_faulty_file_tells_every_fault_at_once(tmp_path: Path) -> None:
    good = (firmware_folder() / "jetson-nano.toml").read_text()
    faulty = (
        good.replace('arch = "aarch64"', 'arch = "armv7l"')
        .replace("threads = 2", "thread = 2")
        .replace("warn_c = 80", "warn_c = 95")
        .replace('tensorrt = "8.2"\n', "")
    )
    (tmp_path / "my-board.toml").write_text(faulty)
    with pytest.raises(ConfigError) as caught:
        load_firmware("my-board", tmp_path)
    for words in ("arch", "did you mean 'threads'", "warn_c must be below", "all three"):
        assert words in caught.value.message
