"""evaluate, benchmark, select and compare, as a user and a program see them."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import cv2
import pytest

from edgecls.bundle.choice import read_choice
from edgecls.bundle.open import open_bundle
from edgecls.cli.main import run
from tests.tiny_bundles import model, picture, tiny_bundle

GOLDEN = Path(__file__).parent
VOID = {"meta", "img", "path", "circle", "rect", "polyline"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a working folder with a bundle of three variants, and 24 labelled pictures."""
    tiny_bundle(
        tmp_path / "tiny",
        {
            "tflite-float32": model("float.tflite"),
            "tflite-int8": model("int8.tflite"),
            "onnx-float32": model("nchw.onnx"),
        },
        decision={"label": "red", "threshold": 0.5},
    )
    lines = ["file,label,split,mean_luma"]
    (tmp_path / "data").mkdir()
    for place in range(24):
        red = place >= 10
        pixels = picture(100 + 3 * (place - 11), 60, 100)  # 10 is labelled red and is not
        cv2.imwrite(str(tmp_path / "data" / f"{place:02}.png"), pixels[:, :, ::-1])
        lines.append(f"{place:02}.png,{'red' if red else 'blue'},test,{place * 5}")
    (tmp_path / "data" / "set.csv").write_text("\n".join(lines) + "\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path


def call(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = run(list(words))
    out, err = capsys.readouterr()
    return code, out, err


def shape(node: Any) -> Any:
    """Return a JSON value's shape: keys, and what each leaf is; lists by their longest item."""
    if isinstance(node, dict):
        return {key: shape(value) for key, value in node.items()}
    if isinstance(node, list):
        return [shape(max(node, key=lambda item: len(json.dumps(item))))] if node else []
    return (
        "null" if node is None else "number" if type(node) in (int, float) else type(node).__name__
    )


def held_to_golden(given: dict[str, Any], name: str) -> None:
    """Compare a result's shape with the stored one; the machine's own readings may be unknown."""
    assert given["schema"] == 1
    expected = json.loads((GOLDEN / f"{name}.json").read_text())
    assert shape(_unknowns_out(given)) == expected


def _unknowns_out(node: Any) -> Any:
    """Drop what depends on the machine: its sensors, libraries and how busy it is."""
    machine = {"temperature_c", "throttled", "governor", "frequency_mhz", "libraries", "warnings",
               "power_w", "power_source", "energy_mj_per_image", "others_cpus",
               "cpu_flags", "power_mode"}  # fmt: skip
    if isinstance(node, dict):
        return {key: _unknowns_out(value) for key, value in node.items() if key not in machine}
    return [_unknowns_out(item) for item in node] if isinstance(node, list) else node


class Balance(HTMLParser):
    """Holds that every element is closed, and that nothing is fetched from elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        for name, value in attrs:
            if name in ("src", "href", "xlink:href"):
                assert str(value).startswith("data:image/jpeg;base64,")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag


def check_page(path: Path) -> Balance:
    page = Balance()
    text = path.read_text(encoding="utf-8")
    page.feed(text)
    assert page.open == []
    assert "script" not in page.seen
    assert "http" not in text.replace("https://example.com", "")
    return page


def test_evaluate_counts_compares_and_reports(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["evaluate", "tiny", "data/set.csv", "--slices", "--robustness", "2"]
    code, out, _ = call(
        capsys, *words, "--max-drop-pp", "30", "--report", "a.html", "--markdown", "a.md", "--json"
    )
    given = json.loads(out)
    assert code == 0
    held_to_golden(given, "evaluate")
    assert given["dataset"]["labels"] == {"red": 14, "blue": 10}
    first = given["variants"][0]
    assert (first["name"], first["confusion"]["rows"]) == ("tflite-float32", [[13, 1], [0, 10]])
    assert given["reference"] == "tflite-float32"
    page = check_page(folder / "a.html")
    assert page.seen.count("svg") > 12
    assert "| `tflite-int8` | " in (folder / "a.md").read_text()
    code, out, _ = call(capsys, *words)
    assert code == 0
    assert "13       1             0" in out


def test_the_gate_is_an_exit_code_with_a_reason(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["evaluate", "tiny", "data/set.csv", "--variant", "tflite-int8", "--max-drop-pp", "1"]
    code, out, _ = call(capsys, *words)
    assert code == 1
    assert "gate not met: tflite-int8 may lose more than 1 pp: difference" in out
    assert "n = 24" in out


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["nowhere", "data/set.csv"], 4, "nowhere: no such bundle"),
        (["tiny", "nowhere.csv"], 2, "nowhere.csv does not exist"),
        (["tiny", "data/set.csv", "--split", "val"], 2, "no image in split 'val'"),
        (["tiny", "data/set.csv", "--slice-by", "far"], 2, "no column 'far' to slice by"),
        (["tiny", "data/set.csv", "--gate", "hope", "--max-drop-pp", "1"], 2, "gate 'hope'"),
        (["tiny", "data/set.csv", "--variant", "tflite-int9"], 2, "no variant 'tflite-int9'"),
        (["tiny", "data/bad.csv"], 2, "no label 'green' (1 images)"),
        (["tiny", "data/torn.csv"], 4, "1 unreadable images, at most 0 allowed"),
        (["tiny", "data/set.csv", "--report", "no/such/folder/a.html"], 2, "cannot write"),
    ],
)
def test_bad_input_is_one_clear_line(
    folder: Path, capsys: pytest.CaptureFixture[str], words: list[str], code: int, message: str
) -> None:
    (folder / "data" / "bad.csv").write_text("file,label\n00.png,green\n")
    (folder / "data" / "torn.png").write_bytes(b"\x89PNG")
    (folder / "data" / "torn.csv").write_text("file,label\n00.png,red\ntorn.png,blue\n")
    found, out, err = call(capsys, "evaluate", *words)
    assert found == code
    assert out == ""
    assert message in err
    assert "Traceback" not in err


def test_a_swapped_artefact_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "tiny" / "tflite-int8.tflite").write_bytes(model("float.tflite"))
    code, _, err = call(capsys, "evaluate", "tiny", "data/set.csv")
    assert code == 4
    assert "tflite-int8.tflite" in err


def test_benchmark_tells_times_and_compares_files(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["benchmark", "tiny", "--variant", "tflite-int8", "--duration", "0.4", "--rounds", "2"]
    words += ["--images", "data", "--against", str(GOLDEN / "models" / "sigmoid.tflite")]
    code, out, _ = call(capsys, *words, "--report", "b.html", "--markdown", "b.md", "--json")
    assert code == 0
    given = json.loads(out)
    held_to_golden(given, "benchmark")
    assert [item["name"] for item in given["configurations"]] == ["tflite-int8", "sigmoid.tflite"]
    assert given["images"] == "16 images of data"
    check_page(folder / "b.html")
    (folder / "b.json").write_text(out)
    code, out, _ = call(capsys, "benchmark", "--compare", "b.json", "b.json")
    assert code == 0
    assert "tflite-int8, 1: no difference can be told" in out
    code, _, err = call(capsys, "benchmark", "--compare", "b.json", "b.md")
    assert code == 2
    assert "b.md is no benchmark of edgecls" in err
    code, _, err = call(capsys, "benchmark", "tiny", "--threads", "two")
    assert code == 2
    assert "threads 'two'" in err


@pytest.mark.timeout(300)  # twelve fresh processes, on a machine that may be busy
def test_select_keeps_a_choice_that_auto_follows(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["select", "tiny", "data/set.csv", "--gate", "point", "--max-drop-pp", "10"]
    words += ["--duration", "0.4", "--rounds", "2", "--out", "state/edgecls"]
    code, out, _ = call(capsys, *words, "--dry-run", "--json")
    assert code == 0
    assert json.loads(out)["file"] is None
    assert not (folder / "state").exists()
    code, out, _ = call(capsys, *words, "--report", "s.html", "--json")
    assert code == 0
    given = json.loads(out)
    chosen = next(item for item in given["variants"] if item["chosen"])
    assert given["chosen"] == chosen["name"]
    assert chosen["admitted"]
    assert read_choice(open_bundle(folder / "tiny").manifest) == chosen["name"]
    check_page(folder / "s.html")
    code, out, _ = call(capsys, "classify", "data/00.png", "--bundle", "tiny", "--json")
    assert json.loads(out)["variant"] == chosen["name"]


def test_compare_looks_inside(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = call(
        capsys, "compare", "tiny", "tflite-float32", "tflite-int8", "data", "--json"
    )
    assert code == 0
    given = json.loads(out)
    held_to_golden(given, "compare")
    assert given["n"] == 24
    assert given["layers"][-1]["sqnr_db"]["value"] > 20
    words = ["compare", "tiny", "tflite-float32"]
    code, out, _ = call(capsys, *words, "tflite-int8", "data", "--report", "c.html")
    assert "SQNR" in out
    assert check_page(folder / "c.html").seen.count("svg") == 1
    code, out, _ = call(capsys, *words, "onnx-float32", "data", "--report", "c.html")
    assert check_page(folder / "c.html").seen.count("svg") == 0
    assert code == 0
    assert "no figures by layer: tflite and onnx name and lay out their tensors differently" in out
