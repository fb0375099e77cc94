"""The lock files hold what edgecls needs, for each Python and machine of the boards."""

from __future__ import annotations

from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from edgecls.boards.firmware import load_firmware
from edgecls.deploy.locks import Target, image_for_python, lock_path, read_lock, target_of
from edgecls.errors import ConfigError
from scripts.lock_wheels import OPTIONAL, requirements, targets

FILES = [(target, extra) for target in targets().values() for extra in OPTIONAL]


@pytest.mark.parametrize(
    ("target", "extra"), FILES, ids=lambda value: getattr(value, "name", value)
)
def test_a_lock_file_holds_each_requirement_in_a_fitting_version(
    target: Target, extra: str | None
) -> None:
    pins = {canonicalize_name(pin.name): pin for pin in read_lock(lock_path(target, extra))}
    there = {"python_version": target.python, "platform_machine": target.arch}
    for line in requirements(extra):
        wanted = Requirement(line)
        if wanted.marker is None or wanted.marker.evaluate(there):
            name = canonicalize_name(wanted.name)
            assert name in pins, "run: python -m scripts.lock_wheels"
            assert wanted.specifier.contains(pins[name].version), line
    assert len({pin.sha256 for pin in pins.values()}) == len(pins)


def test_no_lock_file_names_a_registry() -> None:
    for target, extra in FILES:
        text = lock_path(target, extra).read_text("utf-8")
        assert "://" not in text
        assert "--index" not in text


def test_the_python_of_a_board_s_image_is_found() -> None:
    firmware = load_firmware("raspberry-pi-5")
    best = target_of(firmware, image_for_python(firmware, None, board="raspberry-pi-5"))
    assert (best.name, best.abi) == ("cp313-aarch64", "cp313")
    assert best.platforms[0] == "manylinux_2_41_aarch64"
    assert best.platforms[-2:] == ("manylinux_2_17_aarch64", "manylinux2014_aarch64")
    with pytest.raises(ConfigError, match=r"has Python 3.9, expected one of 3.13, 3.11"):
        image_for_python(firmware, "3.9", board="raspberry-pi-5")
    nano = load_firmware("jetson-nano")
    with pytest.raises(ConfigError, match="expected a container"):
        image_for_python(nano, None, board="jetson-nano")


def test_a_line_that_is_no_pin_is_told_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "lock.txt"
    path.write_text("# a comment\n\nnumpy>=2\n")
    with pytest.raises(ConfigError, match=r"lock.txt:3 is no pin"):
        read_lock(path)
    with pytest.raises(ConfigError, match=r"no lock file cp39-aarch64.txt, expected one of: cp3"):
        lock_path(Target("3.9", "aarch64", "2.31"), None)
