"""Hundreds of thousands of inputs that are almost right: does any of them break something?"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor

from hypothesis import HealthCheck, given, settings

from scripts.measuring.section import Section, table
from tests.fuzz.openapi_cases import try_document
from tests.fuzz.targets import TARGETS

CASES = int(os.environ.get("EDGECLS_FUZZ_CASES", "200000"))
OPENAPI = "openapi"
OPENAPI_CASES = max(5, min(100, CASES // 2000))
WEIGHTS = {"bundle_file": 0.7, "config_text": 0.7, "http_by_nobody": 0.7, "http_by_an_owner": 0.2}
TEXT = """Hypothesis draws the inputs, others at each run: valid ones with a few values or bytes
changed, and noise. Each target either takes an input or refuses it with an error that a user is
told; any other exception counts as broken. Without a login no request may be answered with
anything but a refusal, the login page or a static file, and none may reach the household at
all. schemathesis makes requests of the OpenAPI document and holds the answers against what it
promises."""


def measure() -> Section:
    """Try every target in processes of their own."""
    names = [*TARGETS, OPENAPI]
    weights = {name: WEIGHTS.get(name, 1.0) for name in TARGETS}
    share = CASES / sum(weights.values())
    counts = {name: round(share * weight) + 100 for name, weight in weights.items()}
    with ProcessPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        running = {name: pool.submit(_tried, name, counts.get(name, 0)) for name in names}
        results = {name: task.result() for name, task in running.items()}
    rows = [[what, f"{tried:,}", broken, f"{took_s:.0f}"] for what, tried, broken, took_s
            in results.values()]  # fmt: skip
    total = sum(tried for _, tried, _, _ in results.values())
    bad = sum(broken != "0" for _, _, broken, _ in results.values())
    rows.append(["**all**", f"{total:,}", str(bad), ""])
    header = ["what was tried", "cases", "broken", "s"]
    return Section("Fuzzing", f"{TEXT.replace(chr(10), ' ')}\n\n{table(header, rows)}")


def _tried(name: str, cases: int) -> tuple[str, int, str, float]:
    """Return what was tried, how many cases ran, what broke ("0": nothing), and the seconds."""
    began_s, _COUNT[0] = time.monotonic(), 0
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # decoders complain of each damaged picture
    what, run = _openapi() if name == OPENAPI else _target(name, cases)
    broken = "0"
    try:
        run()
    except BaseException as error:
        broken = f"{type(error).__name__}: {str(error)[:200]}".replace("\n", " ").replace("|", "/")
    return what, _COUNT[0], broken, time.monotonic() - began_s


_COUNT = [0]


def _target(name: str, cases: int) -> tuple[str, Callable[[], object]]:
    target = TARGETS[name]()

    @settings(
        max_examples=cases, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(target.inputs)
    def try_it(value: object) -> None:
        _COUNT[0] += 1
        target.check(value)

    return target.what, try_it


def _openapi() -> tuple[str, Callable[[], object]]:
    def run() -> None:
        _COUNT[0] = sum(try_document(cases=OPENAPI_CASES, derandomize=False).values())

    return "HTTP, by schemathesis", run
