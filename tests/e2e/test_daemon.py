"""`edgecls run` as a user has it: a whole daemon on a folder of pictures and a tiny model."""

from __future__ import annotations

import hashlib
import json
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest

from edgecls.store.reader import StoreReader

START_S = 60.0
STOP_S = 5.0


@pytest.fixture
def bundle(tmp_path: Path, repository: Path) -> Path:
    """Return a bundle whose person is whoever is red: the golden model tells red from blue."""
    model = (repository / "tests" / "golden" / "models" / "int8.tflite").read_bytes()
    folder = tmp_path / "bundle"
    folder.mkdir()
    (folder / "model.tflite").write_bytes(model)
    manifest = {
        "schema": 1,
        "name": "red-or-blue",
        "version": "1",
        "input": {"width": 8, "height": 8, "mean": [0, 0, 0], "std": [255, 255, 255]},
        "output": {"activation": "softmax"},
        "labels": ["red", "blue"],
        "decision": {"label": "red", "threshold": 0.5},
        "variants": [
            {
                "name": "int8",
                "runtime": "tflite",
                "precision": "int8",
                "file": "model.tflite",
                "sha256": hashlib.sha256(model).hexdigest(),
                "bytes": len(model),
            }
        ],
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def pictures(folder: Path, story: str) -> Path:
    """Write one picture per letter: b a blue door, r a red one."""
    folder.mkdir()
    for index, letter in enumerate(story):
        picture = np.full((48, 64, 3), 40, np.uint8)
        picture[:, :, 2 if letter == "r" else 0] = 220  # BGR
        cv2.imwrite(str(folder / f"{index:03}.png"), picture)
    return folder


def config_file(folder: Path, bundle: Path, story: str, *, loop: bool = False) -> Path:
    pictures(folder / "pictures", story)
    path = folder / "doorbell.toml"
    path.write_text(
        f"""
        [camera]
        kind = "replay"
        source = "pictures"
        fps = 8
        loop = {str(loop).lower()}
        [model]
        bundle = "{bundle.name}"
        [visit]
        smoothing_s = 0.2
        leave_after_s = 0.5
        [store]
        folder = "data"
        [web]
        port = 0
        """
    )
    return path


@contextmanager
def running(environment: Mapping[str, str], *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Start `edgecls run`; whatever happens, it is gone afterwards."""
    with subprocess.Popen(
        ["edgecls", "run", *arguments], env=dict(environment),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            process.kill()


def lines_until(process: subprocess.Popen[str], part: str) -> list[str]:
    """Read what it says up to the first line that has `part`."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line.rstrip("\n"))
        if part in line:
            return lines
    raise AssertionError(f"ended without {part!r}: {lines}, {process.communicate()[1]}")


def test_once_tells_and_stores_two_visits(
    tmp_path: Path, bundle: Path, shell_environment: Mapping[str, str]
) -> None:
    story = "bbbb" + "rrrrrrrr" + "bbbbbbbbbb" + "rrrrrrrr" + "bbbbbbbbbb"
    path = config_file(tmp_path, bundle, story)
    with running(shell_environment, "-c", str(path), "--once", "--json") as process:
        out, told = process.communicate(timeout=START_S)
    assert process.returncode == 0, told
    result = json.loads(out)
    assert result["schema"] == 1
    assert result["visits"] == 2
    assert 0 < result["judged"] <= result["frames"] <= len(story)
    assert told.count("red arrived (") == 2
    assert told.count("red left after") == 2
    with StoreReader(tmp_path / "data") as reader:
        visits = reader.visits(limit=9)
        assert [visit.id for visit in visits] == [2, 1]
        for visit in visits:
            assert visit.ended_at is not None
            assert not visit.interrupted
            jpeg = reader.snapshot(str(visit.snapshot))
            assert jpeg is not None
            shown = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
            assert shown[24, 32, 2] > 180 > 80 > shown[24, 32, 0]  # red, not blue


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_open_visit_within_its_time(
    tmp_path: Path, bundle: Path, shell_environment: Mapping[str, str], number: signal.Signals
) -> None:
    path = config_file(tmp_path, bundle, "rr", loop=True)
    with running(shell_environment, "-c", str(path)) as process:
        lines_until(process, "red arrived")
        process.send_signal(number)
        asked_s = time.monotonic()
        out, told = process.communicate(timeout=START_S)
        stopped_s = time.monotonic() - asked_s
    assert process.returncode == 0, told
    assert "red still there after" in out
    assert stopped_s < STOP_S
    with StoreReader(tmp_path / "data") as reader:
        (visit,) = reader.visits(limit=9)
        assert visit.ended_at is not None
        assert visit.interrupted
        kinds = [event.kind for event in reader.events()]
        assert kinds == ["visit_started", "visit_ended"]


def test_kill_loses_no_visit_and_the_next_start_ends_it(
    tmp_path: Path, bundle: Path, shell_environment: Mapping[str, str]
) -> None:
    path = config_file(tmp_path, bundle, "rr", loop=True)
    with running(shell_environment, "-c", str(path)) as process:
        lines_until(process, "red arrived")
        wait_for_visit(tmp_path / "data")
    with running(shell_environment, "-c", str(path)) as process:
        lines_until(process, "red arrived")
        process.terminate()
        process.communicate(timeout=START_S)
    with StoreReader(tmp_path / "data") as reader:
        assert [(visit.id, visit.interrupted) for visit in reader.visits(limit=9)] == [
            (2, True),
            (1, True),
        ]


def wait_for_visit(folder: Path) -> None:
    """Wait until the visit that was announced is stored: it is announced a moment before."""
    with StoreReader(folder) as reader:
        for _ in range(600):
            if reader.visits(limit=1):
                return
            time.sleep(0.05)
    raise AssertionError("the visit was announced and never stored")
