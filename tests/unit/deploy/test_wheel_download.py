"""Wheelhouses: what is taken, what refused. tests/e2e/test_wheelhouses.py makes real ones."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from edgecls import __version__
from edgecls.deploy.locks import Target
from edgecls.deploy.wheel_download import make_wheelhouse
from edgecls.deploy.wheelhouse import open_wheelhouse
from edgecls.errors import DeployError

TARGET = Target("3.11", "aarch64", "2.36")


def test_a_lock_file_without_pins_needs_no_network(tmp_path: Path) -> None:
    lock, wheel = tmp_path / "lock.txt", tmp_path / f"edgecls-{__version__}-py3-none-any.whl"
    lock.write_text("# nothing\n")
    wheel.write_bytes(b"ours")
    folder = tmp_path / "wheels"
    folder.mkdir()
    (folder / "old-1.0-py3-none-any.whl").write_bytes(b"of an earlier lock file")
    house = make_wheelhouse(folder, TARGET, lock, wheel=wheel, told=lambda _: None)
    digest = hashlib.sha256(b"ours").hexdigest()
    assert house.files == {wheel.name: digest}
    assert house.release == f"{__version__}-{digest[:8]}"
    again = open_wheelhouse(folder, TARGET, board="raspberry-pi-4")
    assert again == house
    text = (folder / "requirements.txt").read_text()
    assert text == f"edgecls=={__version__} --hash=sha256:{digest}\n"
    assert [path.name for path in again.paths] == [wheel.name, "requirements.txt"]


def test_another_wheel_than_ours_is_refused(tmp_path: Path) -> None:
    lock, wheel = tmp_path / "lock.txt", tmp_path / "edgecls-9.9-py3-none-any.whl"
    lock.write_text("")
    wheel.write_bytes(b"theirs")
    with pytest.raises(DeployError, match=rf"is no wheel of edgecls {__version__}"):
        make_wheelhouse(tmp_path / "wheels", TARGET, lock, wheel=wheel, told=lambda _: None)


def test_a_half_filled_folder_is_no_wheelhouse(tmp_path: Path) -> None:
    (tmp_path / "numpy-2.0-py3-none-any.whl").write_bytes(b"wheel")
    with pytest.raises(DeployError, match="there are no wheels in"):
        open_wheelhouse(tmp_path, TARGET, board="raspberry-pi-4")
    (tmp_path / "wheelhouse.json").write_text("{cut off")
    with pytest.raises(DeployError, match="is damaged"):
        open_wheelhouse(tmp_path, TARGET, board="raspberry-pi-4")
    (tmp_path / "wheelhouse.json").write_text('{"schema": 2}')
    with pytest.raises(DeployError, match="is of another version"):
        open_wheelhouse(tmp_path, TARGET, board="raspberry-pi-4")
