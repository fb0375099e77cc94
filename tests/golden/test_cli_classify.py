"""edgecls classify and edgecls bundle, as a user and a program see them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edgecls.bundle.images import encode_jpeg
from edgecls.cli.main import run
from tests.tiny_bundles import MODELS, picture, tiny_bundle

GOLDEN = Path(__file__).parent
RED, BLUE = picture(150, 40, 110), picture(90, 40, 130)  # soft: no score is at its end


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a working folder with a bundle, two good pictures and one that is none."""
    tiny_bundle(tmp_path / "tiny.edgecls")
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    cv2.imwrite(str(pictures / "a_red.png"), RED[:, :, ::-1])
    (pictures / "b_blue.jpg").write_bytes(encode_jpeg(BLUE, 95))
    (pictures / ".hidden.jpg").write_bytes(b"")
    (pictures / "notes.txt").write_text("not looked at in a folder")
    (tmp_path / "broken.jpg").write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def call(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = run(list(words))
    out, err = capsys.readouterr()
    return code, out, err


def answered(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, Any]]:
    code, out, err = call(capsys, "classify", *words, "--bundle", "tiny.edgecls", "--json")
    assert err == ""
    return code, json.loads(out)


def test_the_json_is_as_documented(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, given = answered(capsys, "pictures", "broken.jpg")
    assert code == 4
    expected = json.loads((GOLDEN / "classify.json").read_text())
    for result, golden in zip(given["results"][:2], expected["results"], strict=False):
        assert result["latency_ms"] > 0
        result["latency_ms"] = golden["latency_ms"]
        # the int8 model answers in steps of 1/256; another processor may round one the other way
        assert result["scores"] == pytest.approx(golden["scores"], abs=1.5 / 256)
        assert list(result["scores"]) == list(golden["scores"])
        result["scores"] = golden["scores"]
    assert given == expected
    assert [list(result) for result in given["results"]] == [
        list(result) for result in expected["results"]
    ]


def test_files_folders_and_globs_each_once(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("pictures/b_blue.jpg", "pictures", "pictures/*.png", "**/*.jpg")
    code, given = answered(capsys, *words)
    files = [result["file"] for result in given["results"]]
    assert files == ["pictures/b_blue.jpg", "pictures/a_red.png", "broken.jpg"]
    assert code == 4


def test_a_name_that_looks_like_a_glob(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "pictures" / "a_red.png").rename(folder / "x[1].png")
    code, given = answered(capsys, "x[1].png")
    assert (code, given["results"][0]["label"]) == (0, "red")


def test_top_keeps_the_best(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, given = answered(capsys, "pictures", "--top", "1")
    assert [list(result["scores"]) for result in given["results"]] == [["red"], ["blue"]]


def test_one_missing_file_among_others(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, given = answered(capsys, "no.jpg", "pictures/a_red.png", "*.gif")
    assert code == 4
    told = {result["file"]: result.get("error", "answered") for result in given["results"]}
    assert told == {
        "*.gif": "*.gif: no image there",
        "no.jpg": "no.jpg: cannot be read: No such file or directory",
        "pictures/a_red.png": "answered",
    }


def test_nothing_matched_is_a_usage_error(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "empty").mkdir()
    code, out, err = call(capsys, "classify", "empty", "*.gif", "--bundle", "tiny.edgecls")
    assert (code, out) == (2, "")
    assert "no image in empty, *.gif" in err
    assert "hint:" in err


def test_text_is_aligned_and_whole(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    deep = folder / ("x" * 120)
    deep.mkdir()
    (deep / "red.png").write_bytes((folder / "pictures" / "a_red.png").read_bytes())
    code, out, _ = call(capsys, "classify", "pictures", str(deep), "--bundle", "tiny.edgecls")
    lines = out.splitlines()
    assert code == 0
    assert len(lines) == 4
    assert lines[3].startswith(f"{deep}/red.png  red ")
    assert len({line.index("red 0." if "red 0." in line else "scores") for line in lines[:2]}) == 1


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["--variant", "tflite-int9"], 2, "did you mean 'tflite-int8'?"),
        (["--bundle", "no.edgecls"], 4, "no such bundle"),
        (["--bundle", "broken.jpg"], 4, "not a bundle, or cut off"),
        (["--top", "0"], 2, "--top"),
        (["--threads", "99"], 2, "--threads"),
    ],
)
def test_what_cannot_be_done(
    folder: Path, capsys: pytest.CaptureFixture[str], words: list[str], code: int, told: str
) -> None:
    given = call(capsys, "classify", "pictures", "--bundle", "tiny.edgecls", *words)
    assert given[0] == code
    assert given[1] == ""
    assert told in given[2]


class TestBundle:
    def test_inspect_in_words(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        accuracy = {"dataset": "red-blue", "metric": "accuracy", "value": 0.975}
        accuracy |= {"n": 40, "ci95": [0.87, 0.995]}
        path = tiny_bundle(folder / "measured", decision={"label": "red", "threshold": 0.5})
        manifest = json.loads((path / "manifest.json").read_text())
        manifest["variants"][0]["accuracy"] = accuracy
        (path / "manifest.json").write_text(json.dumps(manifest))
        code, out, _ = call(capsys, "bundle", "inspect", "measured")
        assert code == 0
        assert "8x8 rgb, stretch, area, value = (pixel - 0) / 255" in out
        assert "red from a score of 0.5 on" in out
        assert "accuracy 0.9750 (0.8700 to 0.9950), n = 40, red-blue" in out
        assert "not measured" in out

    def test_inspect_and_verify_in_json(
        self, folder: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        _, out, _ = call(capsys, "bundle", "inspect", "tiny.edgecls", "--json")
        manifest = json.loads(out)["manifest"]
        assert manifest["schema"] == 1
        _, out, _ = call(capsys, "bundle", "verify", "tiny.edgecls", "--json")
        given = json.loads(out)
        assert given["bundle"] == {"name": "tiny", "version": "1"}
        assert [entry["sha256"] for entry in given["verified"]] == [
            variant["sha256"] for variant in manifest["variants"]
        ]

    def test_verify_tells_damage(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        path = tiny_bundle(folder / "b")
        content = bytearray((path / "tflite-int8.tflite").read_bytes())
        content[50] ^= 1
        (path / "tflite-int8.tflite").write_bytes(content)
        code, out, err = call(capsys, "bundle", "verify", "b")
        assert (code, out) == (4, "")
        assert "tflite-int8.tflite: expected sha256" in err

    def test_create_then_classify(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (folder / "labels.txt").write_text("rot\nblau\n")
        words = ["--file", str(MODELS / "int8.tflite"), "--labels", "labels.txt"]
        words += ["--mean", "0,0,0", "--std", "255", "--decision", "rot"]
        code, out, err = call(capsys, "bundle", "create", "mine.edgecls", *words)
        assert (code, err) == (0, "")
        assert "tflite-int8: 2 kB, loaded and tried" in out
        code, out, _ = call(
            capsys, "classify", "pictures", "--bundle", "mine.edgecls", "--json", "--top", "1"
        )
        assert [result["label"] for result in json.loads(out)["results"]] == ["rot", "blau"]

    @pytest.mark.parametrize(
        ("words", "told"),
        [
            ([], "no model given"),
            (["--file", "m.tflite", "--label", "a", "--label", "b"], "--mean and --std are needed"),
            (["--from", "x.toml", "--file", "m.tflite"], "exclude each other"),
            (["--from", "x.toml"], "cannot read x.toml"),
            (["--file", "m.tflite", "--mean", "x", "--std", "1"], "expected numbers, received 'x'"),
            (["--file", "m.tflite", "--mean", "0", "--std", "1"], "labels: "),
            (["--file", "m.tflite", "--labels", "no.txt", "--mean", "0", "--std", "1"], "no.txt"),
        ],
    )
    def test_create_says_what_is_missing(
        self, folder: Path, capsys: pytest.CaptureFixture[str], words: list[str], told: str
    ) -> None:
        code, out, err = call(capsys, "bundle", "create", "mine.edgecls", *words)
        assert (code, out) == (2, "")
        assert told in err
        assert not (folder / "mine.edgecls").exists()


def test_pictures_of_any_kind_give_the_same_answer(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bgr = RED[:, :, ::-1]
    alpha = np.dstack([bgr, np.full(bgr.shape[:2], 3, np.uint8)])
    cv2.imwrite("alpha.png", alpha)
    cv2.imwrite("deep.png", bgr.astype(np.uint16) * 257)
    cv2.imwrite("red.bmp", bgr)
    files = ("alpha.png", "deep.png", "red.bmp", "pictures/a_red.png")
    code, given = answered(capsys, *files)
    assert code == 0
    assert len({json.dumps(result["scores"]) for result in given["results"]}) == 1
