"""`edgecls run`: flags win over the file, and what keeps it from starting is one clear line."""

from __future__ import annotations

import socket
import sqlite3
from pathlib import Path

import pytest

from edgecls.cli.main import run
from edgecls.cli.run_config import config_from_flags
from edgecls.errors import ConfigError
from edgecls.sections.camera import (
    DemoCameraSection,
    ReplayCameraSection,
    RtspCameraSection,
)
from edgecls.sections.store import StoreSection
from edgecls.store.database import FILE_NAME
from edgecls.store.store import Store

FILE = """
[camera]
kind = "replay"
source = "clips"
name = "garden"
loop = true
[store]
folder = "data"
days_max = 3
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "doorbell.toml"
    path.write_text(FILE)
    return path


def test_without_flags_the_file_is_taken_relative_to_its_folder(file: Path) -> None:
    config = config_from_flags(file)
    assert isinstance(config.camera, ReplayCameraSection)
    assert config.camera.source == file.parent / "clips"
    assert config.store.folder == file.parent / "data"


def test_flags_win_over_the_file(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    config = config_from_flags(
        file, camera="rtsp://door/1", bundle=Path("mine"), variant="int8", store=Path("s"), port=0
    )
    assert isinstance(config.camera, RtspCameraSection)
    assert config.camera.source == "rtsp://door/1"
    assert config.camera.name == "garden"  # what every camera has, stays
    assert (config.model.bundle, config.model.variant) == (tmp_path / "mine", "int8")
    assert (config.store.folder, config.store.days_max) == (tmp_path / "s", 3)
    assert config.web.port == 0


@pytest.mark.parametrize(
    ("text", "kind"),
    [("rtsp://a/b", "rtsp"), ("rtsps://a/b", "rtsp"), ("https://a/b.jpg", "http"),
     ("/dev/video2", "v4l2"), (".", "replay"), ("demo", "demo")],
)  # fmt: skip
def test_a_camera_needs_no_file(text: str, kind: str) -> None:
    assert config_from_flags(None, camera=text).camera.kind == kind


def test_the_page_can_be_left_out(file: Path) -> None:
    assert config_from_flags(file).web.enabled
    file.write_text(FILE + "[web]\nport = 81\n")
    web = config_from_flags(file, no_page=True).web
    assert (web.enabled, web.port) == (False, 81)


def test_once_plays_once(file: Path) -> None:
    camera = config_from_flags(file, once=True).camera
    assert isinstance(camera, ReplayCameraSection)
    assert not camera.loop


SEVERAL = """
[[cameras]]
kind = "replay"
name = "front"
source = "clips"
fps = 9
[[cameras]]
kind = "demo"
name = "garden"
[[triggers]]
kind = "http"
camera = "garden"
"""


def test_a_camera_takes_the_place_of_several(file: Path) -> None:
    file.write_text(SEVERAL)
    config = config_from_flags(file, camera="rtsp://door/1")
    (camera,) = config.cameras
    assert isinstance(camera, RtspCameraSection)
    assert (camera.name, camera.fps) == ("door", 4.0)  # of which one would they be?
    assert [trigger.camera for trigger in config.triggers] == [None]


def test_once_plays_each_of_several_once(file: Path) -> None:
    file.write_text(SEVERAL)
    front, garden = config_from_flags(file, once=True).cameras
    assert isinstance(front, ReplayCameraSection)
    assert isinstance(garden, DemoCameraSection)
    assert (front.loop, garden.loop) == (False, False)


def test_where_nobody_shows_the_device_there_is_nothing_to_take_back(
    capsys: pytest.CaptureFixture[str], file: Path
) -> None:
    assert run(["run", "-c", str(file), "--unpublish"]) == 0
    assert "there was nothing to take back" in capsys.readouterr().out
    assert not (file.parent / "data").exists()  # and the daemon did not start


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "no camera, expected -c FILE or --camera"),
        (["--camera", "/no/such/clip.mp4"], "/no/such/clip.mp4: no such file or folder"),
        (["--camera", "ftp://a/b"], "unknown scheme 'ftp', expected one of rtsp"),
        (
            ["--camera", "v4l2:/dev/video77"],
            "expected the device alone: /dev/videoN\nhint:  edgecls run --camera /dev/video77",
        ),
        (["-c", "/no/such.toml"], "cannot read /no/such.toml: No such file or directory"),
    ],
)
def test_what_cannot_be_a_camera_is_exit_code_2(
    capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert run(["run", *arguments]) == 2
    told = capsys.readouterr()
    assert message in told.err
    assert "hint:" in told.err
    assert told.out == ""


@pytest.mark.parametrize(
    "camera", ["rtps://u:HUNTER2@cam/1", "u:HUNTER2@cam/1", "rtsp:/u:HUNTER2@cam/1"]
)
def test_a_mistyped_address_is_told_without_its_password(
    capsys: pytest.CaptureFixture[str], camera: str
) -> None:
    for flags in ([], ["--json"]):
        assert run(["run", "--camera", camera, *flags]) == 2
        told = capsys.readouterr()
        assert "expected" in told.err
        assert "HUNTER2" not in told.out + told.err


def test_a_file_that_is_wrong_tells_everything_at_once(
    capsys: pytest.CaptureFixture[str], file: Path
) -> None:
    file.write_text('[camera]\nkind = "replay"\nsorce = 1\nfps = 0\n[visits]\nenter = 2\n')
    assert run(["run", "-c", str(file), "--port", "0"]) == 2
    told = capsys.readouterr().err
    assert "4 errors" in told
    assert "camera.sorce: unknown field, did you mean 'source'?" in told
    assert "camera.source: missing" in told
    assert "camera.fps:" in told
    assert "visits: unknown field, did you mean 'visit'?" in told


def test_flags_on_a_file_with_a_broken_section_still_tell_the_files_fault(file: Path) -> None:
    file.write_text('camera = 3\nmodel = "x"\n')
    with pytest.raises(ConfigError, match="2 errors"):
        config_from_flags(file, variant="int8")


def started(*arguments: str) -> int:
    return run(["run", "--camera", "demo", "--once", *arguments])


def test_a_store_in_use_is_exit_code_4(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with Store(StoreSection(folder=tmp_path)):
        assert started("--store", str(tmp_path)) == 4
    assert "is in use by another edgecls daemon (pid" in capsys.readouterr().err


def test_a_store_of_a_newer_edgecls_is_exit_code_4(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with Store(StoreSection(folder=tmp_path)):
        pass
    database = sqlite3.connect(tmp_path / FILE_NAME)
    database.execute("PRAGMA user_version = 99")
    database.close()
    assert started("--store", str(tmp_path)) == 4
    assert "made by a newer edgecls: it has schema 99" in capsys.readouterr().err


def test_a_missing_bundle_is_exit_code_4(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert started("--store", str(tmp_path), "--bundle", str(tmp_path / "none")) == 4
    assert str(tmp_path / "none") in capsys.readouterr().err


def test_a_taken_port_is_exit_code_4_and_names_it(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert started("--store", str(tmp_path), "--port", str(port)) == 4
    told = capsys.readouterr().err
    assert str(port) in told
    assert "hint:" in told
    with Store(StoreSection(folder=tmp_path)):  # the store was given back
        pass
