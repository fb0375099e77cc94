"""The one known line is left out of standard error, and nothing else ever."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from edgecls._lib.quiet import STDERR, without_line
from tests.tiny_bundles import MODELS

KNOWN = b"INFO: all is well"


def test_the_known_line_is_left_out_and_all_else_passed_on(capfd: pytest.CaptureFixture) -> None:
    with without_line(KNOWN):
        os.write(STDERR, b"before\n" + KNOWN + b"\nERROR: it broke\n")
        os.write(STDERR, KNOWN + b", or is it?\nno line end")
    os.write(STDERR, b"\n" + KNOWN + b"\n")
    assert capfd.readouterr().err == (
        "before\nERROR: it broke\nINFO: all is well, or is it?\nno line end\nINFO: all is well\n"
    )


def test_more_than_a_pipe_holds_is_passed_on(capfd: pytest.CaptureFixture) -> None:
    with without_line(KNOWN):
        for number in range(20_000):
            os.write(STDERR, b"line %d of a long complaint\n" % number)
    assert capfd.readouterr().err.count("of a long complaint\n") == 20_000


def test_standard_error_is_back_after_an_exception(
    capfd: pytest.CaptureFixture,
) -> None:
    descriptors = len(list(Path("/proc/self/fd").iterdir()))
    with contextlib.suppress(ZeroDivisionError), without_line(KNOWN):
        os.write(STDERR, b"ERROR: said before\n")
        raise ZeroDivisionError
    assert capfd.readouterr().err == "ERROR: said before\n"
    os.write(STDERR, KNOWN + b"\n")
    assert capfd.readouterr().err == "INFO: all is well\n"
    assert len(list(Path("/proc/self/fd").iterdir())) == descriptors


CLOSED = """
import os
from edgecls._lib.quiet import without_line
os.close(2)
with without_line(b""):
    print("ran")
"""


def test_a_process_without_standard_error_runs(repository: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CLOSED], capture_output=True, text=True, check=True, cwd=repository
    )
    assert done.stdout == "ran\n"


LOADS = """
import sys
from edgecls.runtimes.tflite import TFLiteRuntime
for path in sys.argv[1:]:
    with TFLiteRuntime(open(path, "rb").read()):
        pass
"""


def test_a_model_loads_without_a_word(repository: Path) -> None:
    pytest.importorskip("ai_edge_litert", reason="LiteRT is not installed")
    command = [sys.executable, "-c", LOADS, str(MODELS / "int8.tflite")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=repository)
    assert done.stderr == ""
