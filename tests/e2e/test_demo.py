"""`edgecls demo` as a user has it: the whole daemon, its page, and how it ends."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

END_S = 100.0


@contextmanager
def demo(environment: Mapping[str, str], *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Start the demo; whatever happens, it is gone afterwards."""
    command = ["edgecls", "demo", *arguments]
    with subprocess.Popen(
        command, env=dict(environment), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def lines_until(process: subprocess.Popen[str], pattern: str) -> list[str]:
    """Read what it says up to the first line that matches."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line.rstrip("\n"))
        if re.search(pattern, line):
            return lines
    raise AssertionError(f"ended without {pattern!r}: {lines}")


def page_of(lines: list[str]) -> str:
    return lines[-1].removeprefix("page: ")


def json_of(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=30) as answer:
        return json.load(answer)


def test_one_pass_finds_both_visitors_and_shows_them(
    shell_environment: Mapping[str, str], tmp_path: Path
) -> None:
    store = tmp_path / "store"
    with demo(shell_environment, "--once", "--port", "0", "--store", str(store)) as process:
        lines = lines_until(process, "^page: ")
        page = page_of(lines)
        lines += lines_until(process, "person arrived")
        lines += lines_until(process, "person left")
        first = json_of(f"{page}/api/visits")["visits"][0]
        with urllib.request.urlopen(page + first["snapshot"], timeout=30) as answer:
            snapshot = answer.read()
        with urllib.request.urlopen(f"{page}/latest.jpg", timeout=30) as answer:
            latest = answer.read()
        health = json_of(f"{page}/api/health")
        rest, complaints = process.communicate(timeout=END_S)

    assert process.returncode == 0, complaints
    assert "2 visits, 2 expected" in rest
    assert len(re.findall("person left|person still there", rest)) == 1  # the first was read above
    assert first["peak_score"] > 0.5
    assert snapshot.startswith(b"\xff\xd8")
    assert latest.startswith(b"\xff\xd8")
    (camera,) = health["cameras"]
    assert (camera["name"], camera["kind"], camera["connected"]) == ("door", "demo", True)
    kept = {path.name for path in (store / "snapshots").glob("*.jpg")}
    assert {Path(name).name for name in (first["snapshot"], *first["frames"])} < kept


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "term"])
def test_it_ends_cleanly_when_asked_and_leaves_nothing(
    shell_environment: Mapping[str, str], tmp_path: Path, number: signal.Signals
) -> None:
    environment = {**shell_environment, "TMPDIR": str(tmp_path)}
    with demo(environment, "--port", "0") as process:
        page = page_of(lines_until(process, "^page: "))
        assert json_of(f"{page}/api/now")["schema"] == 1
        assert list(tmp_path.iterdir())  # the visits, while it runs
        process.send_signal(number)
        rest, complaints = process.communicate(timeout=END_S)

    assert process.returncode == 0, complaints
    assert "Stopped." in rest
    assert "Traceback" not in complaints
    assert list(tmp_path.iterdir()) == []


def test_without_scikit_image_it_names_what_to_install(
    shell_environment: Mapping[str, str], tmp_path: Path
) -> None:
    (tmp_path / "skimage").mkdir()
    (tmp_path / "skimage" / "__init__.py").write_text(
        "raise ModuleNotFoundError(\"No module named 'skimage'\", name='skimage')\n"
    )
    with demo({**shell_environment, "PYTHONPATH": str(tmp_path)}, "--once") as process:
        _, complaints = process.communicate(timeout=END_S)

    assert process.returncode == 3
    assert "error: camera 'demo' needs the library 'skimage'" in complaints
    assert 'pip install "edgecls[demo]"' in complaints


def test_a_taken_port_is_told_with_another(shell_environment: Mapping[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with demo(shell_environment, "--once", "--port", str(port)) as process:
            _, complaints = process.communicate(timeout=END_S)

    assert process.returncode == 4
    assert f"port {port} of 127.0.0.1 is taken" in complaints
    assert f"--port {port + 1}" in complaints
