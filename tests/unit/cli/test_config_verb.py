"""`edgecls config`: every error at once, a schema, and an example that loads."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from edgecls import config
from edgecls._lib import toml
from edgecls.cli.config_example import example_toml
from edgecls.cli.main import run
from edgecls.config import Config
from edgecls.errors import ConfigError
from edgecls.sections.camera import CAMERA_SECTIONS, ReplayCameraSection, RtspCameraSection
from edgecls.sections.judging import VisitSection
from edgecls.sections.sinks import SINK_SECTIONS
from edgecls.sections.triggers import TRIGGER_SECTIONS

WRONG = """
[camera]
kind = "rtsp"
source = "http://door/stream"
password = "hunter2"
fsp = 4
[visit]
enter = 0.3
leave = 0.6
[web]
port = 99999
"""


@pytest.fixture
def wrong(tmp_path: Path) -> Path:
    path = tmp_path / "wrong.toml"
    path.write_text(WRONG)
    return path


def test_every_error_is_told_at_once(capsys: pytest.CaptureFixture[str], wrong: Path) -> None:
    assert run(["config", "check", str(wrong)]) == 2
    told = capsys.readouterr().err
    assert f"{wrong}: 4 errors" in told
    for part in (
        "camera.source:",
        "camera.fsp: unknown field, did you mean 'fps'?",
        "visit: leave must not be larger than enter",
        "web.port:",
    ):
        assert part in told
    assert "hunter2" not in told


def test_every_error_is_in_the_json(capsys: pytest.CaptureFixture[str], wrong: Path) -> None:
    assert run(["config", "check", str(wrong), "--json"]) == 2
    result = json.loads(capsys.readouterr().out)
    assert (result["schema"], result["ok"], result["file"]) == (1, False, str(wrong))
    assert [error.partition(":")[0] for error in result["errors"]] == [
        "camera.source", "camera.fsp", "visit", "web.port",
    ]  # fmt: skip
    assert "hunter2" not in json.dumps(result)


@pytest.mark.parametrize("kind", ["rtsp", "http", "v4l2"])
@pytest.mark.parametrize(
    "source",
    ["rtps://u:HUNTER2@cam/1", "u:HUNTER2@cam/1", "rtps://cam/1?pwd=HUNTER2",
     "rtsp:/u:HUN@HUNTER2@cam", "rtps://u:HUNTER2#1@cam/1"],
)  # fmt: skip
@pytest.mark.parametrize("listed", [False, True])
def test_a_mistyped_address_is_told_without_its_password(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, kind: str, source: str, listed: bool
) -> None:
    path = tmp_path / "typo.toml"
    value = f'["{source}"]' if listed else f'"{source}"'
    path.write_text(f'[camera]\nkind = "{kind}"\nsource = {value}\n[web]\nhost = "{source}"\n')
    for flags in ([], ["--json"]):
        assert run(["config", "check", str(path), *flags]) == 2
        told = capsys.readouterr()
        assert "camera.source: " in told.out + told.err
        assert "HUNTER2" not in told.out + told.err


def test_a_mistyped_address_is_told_in_plain_words(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "typo.toml"
    path.write_text('[camera]\nkind = "rtsp"\nsource = "rtps://u:HUNTER2@cam/1"\n')
    assert run(["config", "check", str(path)]) == 2
    expected = "camera.source: expected rtsp://... or rtsps://..., received 'rtps://cam/1'"
    assert expected in capsys.readouterr().err


def test_a_good_file_is_said_to_be_good(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "good.toml"
    path.write_text('[camera]\nkind = "demo"\n')
    assert run(["config", "check", str(path)]) == 0
    assert capsys.readouterr().out == f"{path}: ok, camera demo\n"
    assert run(["config", "check", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["ok"] is True


def test_a_good_file_with_several_cameras_names_them(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "good.toml"
    path.write_text("".join(f'[[cameras]]\nkind = "demo"\nname = "{name}"\n' for name in "ab"))
    assert run(["config", "check", str(path)]) == 0
    assert capsys.readouterr().out == f"{path}: ok, cameras a, b\n"
    assert run(["config", "check", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["cameras"] == ["a", "b"]


def test_a_file_that_is_no_toml_is_one_error(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "x.toml"
    path.write_text("[camera\n")
    assert run(["config", "check", str(path), "--json"]) == 2
    (error,) = json.loads(capsys.readouterr().out)["errors"]
    assert "is not TOML" in error


def test_the_schema_tells_every_section(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["config", "schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert set(schema["properties"]) == {"camera", *Config.model_fields}
    assert schema["oneOf"] == [{"required": ["camera"]}, {"required": ["cameras"]}]
    assert schema["properties"]["camera"] == schema["properties"]["cameras"]["items"]


@pytest.mark.parametrize("kind", CAMERA_SECTIONS)
def test_the_example_loads_and_is_the_default(
    tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["config", "example", "--camera", kind]) == 0
    path = tmp_path / "example.toml"
    path.write_text(capsys.readouterr().out)
    loaded = config.load(path)
    assert loaded.camera.kind == kind
    assert loaded.visit == VisitSection()


def test_every_field_of_the_example_may_be_switched_on() -> None:
    lines = []
    for line in example_toml("v4l2").splitlines():
        key, equals, value = line.removeprefix("# ").partition(" = ")
        lines.append(f"{key} = {value}" if equals and " " not in key and value else line)
    data = toml.loads("\n".join(lines))
    assert config.from_mapping(data, origin="example").camera.kind == "v4l2"
    lists = {"cameras", "triggers", "sinks"}
    assert set(data) == {"camera", *set(Config.model_fields) - lists}
    assert data["store"]["bytes_max"] == 2_000_000_000


def test_every_trigger_and_sink_of_the_example_may_be_switched_on() -> None:
    wished = re.sub(r"(?m)^#(?! )(?!.* =$)", "", example_toml("demo"))
    loaded = config.from_mapping(toml.loads(wished), origin="example")
    assert [trigger.kind for trigger in loaded.triggers] == list(TRIGGER_SECTIONS)
    assert [sink.kind for sink in loaded.sinks] == list(SINK_SECTIONS)


def test_an_unknown_kind_of_camera_is_told() -> None:
    with pytest.raises(ConfigError, match="unknown camera 'rstp'") as caught:
        example_toml("rstp")
    assert caught.value.hint == "did you mean 'rtsp'?"


@pytest.mark.parametrize(("days", "good"), [("36500", True), ("36501", False), ("inf", False)])
def test_visits_are_kept_for_a_hundred_years_at_most(days: str, good: bool) -> None:
    data = toml.loads(f'camera = {{kind = "demo"}}\nstore = {{days_max = {days}}}')
    if good:
        assert config.from_mapping(data, origin="x").store.days_max == 36_500
    else:
        with pytest.raises(ConfigError, match=r"store.days_max: .*received"):
            config.from_mapping(data, origin="x")


@pytest.mark.parametrize("value", ["inf", "nan"])
def test_no_number_may_be_endless(value: str) -> None:
    data = toml.loads(f'camera = {{kind = "demo"}}\nmotion = {{frozen_after_s = {value}}}')
    with pytest.raises(ConfigError, match=r"motion.frozen_after_s: .*finite"):
        config.from_mapping(data, origin="x")


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_a_file_of_any_editor_is_read(tmp_path: Path, mark: bytes, end: bytes) -> None:
    path = tmp_path / "door.toml"
    path.write_bytes(mark + end.join([b"[camera]", b'kind = "demo"', b'name = "T\xc3\xbcr"', b""]))
    assert config.load(path).camera.name == "T\u00fcr"


@pytest.mark.parametrize(
    ("content", "told"),
    [(b"[camera\n", "is not TOML: "), ("[camera]".encode("utf-16"), "expected UTF-8 text, byte 0")],
)
def test_a_file_that_cannot_be_read_points_to_one_that_can(
    tmp_path: Path, content: bytes, told: str
) -> None:
    path = tmp_path / "door.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=told) as caught:
        config.load(path)
    assert caught.value.hint == "edgecls config example prints a correct file"


def test_a_tilde_is_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    path = tmp_path / "door.toml"
    path.write_text(
        '[camera]\nkind = "rtsp"\nsource = "rtsp://me@cam/~1"\npassword_file = "~/secret"\n'
        '[model]\nbundle = "~/mine.edgecls"\n[store]\nfolder = "~/visits"\n'
    )
    loaded = config.load(path)
    home = tmp_path / "home"
    assert isinstance(loaded.camera, RtspCameraSection)
    assert (loaded.camera.source, loaded.camera.password_file) == (
        "rtsp://me@cam/~1", home / "secret",
    )  # fmt: skip
    assert (loaded.model.bundle, loaded.store.folder) == (home / "mine.edgecls", home / "visits")
    path.write_text('[camera]\nkind = "replay"\nsource = "~/clips"\n')
    replay = config.load(path).camera
    assert isinstance(replay, ReplayCameraSection)
    assert replay.source == home / "clips"


def test_the_home_of_nobody_is_told(tmp_path: Path) -> None:
    path = tmp_path / "door.toml"
    path.write_text('[camera]\nkind = "replay"\nsource = "~no-such-user/clips"\n')
    with pytest.raises(ConfigError, match="~no-such-user/clips: there is no such home folder"):
        config.load(path)


KINDS = "expected one of replay, rtsp, v4l2, picamera, jetson_csi, http, demo"


@pytest.mark.parametrize(
    ("table", "lines"),
    [
        ("", [f"camera.kind: missing, {KINDS}"]),
        ("fsp = 1\nwidth = 640\nopen_timeout_s = 0", [
            f"camera.kind: missing, {KINDS}",
            "camera.open_timeout_s: Input should be greater than 0, received 0",
            "camera.fsp: unknown field, did you mean 'fps'?",
        ]),
        ('source = "rtps://me@cam/1"\npasword = "x"', [
            f"camera.kind: missing, {KINDS}",
            "camera.source: expected rtsp://... or rtsps://..., received 'rtps://cam/1'",
            "camera.pasword: unknown field, did you mean 'password'?",
        ]),
        ('kind = "rstp"\nfps = 0', [
            "camera.kind: unknown kind 'rstp', did you mean 'rtsp'?",
            "camera.fps: Input should be greater than 0, received 0",
            "camera.source: missing",
        ]),
        ('kind = "usb"\nsource = "/dev/video0"\nwidth = 1', [
            f"camera.kind: unknown kind 'usb', {KINDS}",
            "camera.width: Input should be greater than or equal to 64, received 1",
        ]),
        ('kind = 3\nsource = "clip.mp4"\nloop = true', [
            f"camera.kind: unknown kind '3', {KINDS}",
        ]),
        ('kind = "rtsp://me:HUNTER2@cam/1"', [
            f"camera.kind: unknown kind 'rtsp://cam/1', {KINDS}",
        ]),
    ],
)  # fmt: skip
def test_a_camera_of_no_known_kind_still_tells_its_other_faults(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, table: str, lines: list[str]
) -> None:
    path = tmp_path / "door.toml"
    path.write_text(f"[camera]\n{table}\n")
    assert run(["config", "check", str(path), "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["errors"] == lines
    assert run(["config", "check", str(path)]) == 2
    noun = "error" if len(lines) == 1 else "errors"
    told = "\n  ".join([f"error: {path}: {len(lines)} {noun}", *lines])
    hint = "hint:  edgecls config schema prints every field with its bounds"
    assert capsys.readouterr().err == f"{told}\n{hint}\n"
