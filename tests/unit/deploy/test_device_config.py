"""A workstation's configuration becomes the device's."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from edgecls.boards.firmware import load_firmware
from edgecls.deploy.device_config import DeviceConfig, device_config, page_address
from edgecls.errors import ConfigError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

RTSP = '[camera]\nkind = "rtsp"\nsource = "rtsp://viewer@192.168.1.20/stream"\n'


def _made(path: Path, text: str, bundle: Path | None = None) -> DeviceConfig:
    path.write_text(text)
    board = "raspberry-pi-4"
    return device_config(path, load_firmware(board), board=board, bundle=bundle)


def test_paths_are_those_of_the_device_and_the_page_is_open_with_a_password(
    tmp_path: Path,
) -> None:
    (tmp_path / "camera-password").write_text("secret")
    made = _made(tmp_path / "door.toml", RTSP + 'password_file = "camera-password"\n')
    written = tomllib.loads(made.text)
    assert written["camera"]["password_file"] == "/etc/edgecls/0-camera-password"
    assert made.files == {"0-camera-password": tmp_path / "camera-password"}
    assert written["store"]["folder"] == "/var/lib/edgecls"
    assert written["web"]["host"] == "0.0.0.0"
    assert written["web"]["first_password_file"] == "/var/lib/edgecls/first-password"
    assert len(made.changes) == 3
    assert "secret" not in made.text
    assert page_address(made.config, "front-door") == "https://front-door.local:8080"


def test_what_the_owner_wrote_stays(tmp_path: Path) -> None:
    text = RTSP + '[store]\nfolder = "/mnt/visits"\n[web]\nhost = "127.0.0.1"\nlogin = false\n'
    made = _made(tmp_path / "door.toml", text)
    written = tomllib.loads(made.text)
    assert written["store"]["folder"] == "/mnt/visits"
    assert written["web"] == {"host": "127.0.0.1", "login": False}
    assert made.changes == ()
    assert page_address(made.config, None) == "http://127.0.0.1:8080"
    made = _made(tmp_path / "door.toml", RTSP + "[web]\nenabled = false\n")
    assert page_address(made.config, None) is None


def test_a_bundle_is_carried_as_a_file_or_a_folder(tmp_path: Path) -> None:
    bundle = tmp_path / "mine.edgecls"
    bundle.write_bytes(b"zip")
    made = _made(tmp_path / "door.toml", RTSP, bundle)
    assert tomllib.loads(made.text)["model"]["bundle"] == "/etc/edgecls/model.edgecls"
    assert made.files == {"model.edgecls": bundle}
    folder = tmp_path / "folder"
    (folder / "files").mkdir(parents=True)
    (folder / "manifest.json").write_text("{}")
    (folder / "files/model.tflite").write_text("model")
    made = _made(tmp_path / "door.toml", RTSP + '[model]\nbundle = "folder"\n')
    assert tomllib.loads(made.text)["model"]["bundle"] == "/etc/edgecls/model"
    assert sorted(made.files) == ["model/files/model.tflite", "model/manifest.json"]


def test_a_camera_that_the_board_lacks_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"'jetson_csi', which raspberry-pi-4 lacks") as caught:
        _made(tmp_path / "door.toml", '[camera]\nkind = "jetson_csi"\n')
    assert caught.value.hint == "edgecls config example --camera picamera"
    assert caught.value.exit_code == 2


def test_a_named_file_that_is_not_here_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"password_file names gone, and there is no such file"):
        _made(tmp_path / "door.toml", RTSP + 'password_file = "gone"\n')
    made = _made(tmp_path / "door.toml", RTSP + 'password_file = "/etc/on-the-device"\n')
    assert made.files == {}
