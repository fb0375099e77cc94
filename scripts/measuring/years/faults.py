"""A thousand camera faults: does the picture come back by itself, and how soon?"""

from __future__ import annotations

import itertools
import os
import random
import statistics
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from scripts.measuring.section import NotMeasured, Section, table
from scripts.measuring.years.fault_camera import FaultCamera
from tests.service import START_S, Service, open_files, resident_bytes
from tests.streams import RtspServer, make_clip, why_no_rtsp

HTTP_FAULTS = ("refused", "closed", "garbage", "hung", "slow", "changed size")
RTSP_FAULT = "RTSP server killed"
FAULTS = int(os.environ.get("EDGECLS_FAULTS", "1000"))
HTTP_DAEMONS = 3
RTSP_SHARE = 0.1
LIMIT_S = 10.0
"""A fault counts as recovered when a new frame is judged so soon after the camera's return."""
HOLD_S = (0.2, 0.8)
SETTLE_S = 0.25
"""A frame that was captured before the fault is judged within this time."""
RTSP_SETTLE_S = 0.6  # a stream has pictures on their way
EFFECT_S = 15.0

CONFIG = """
[camera]
{camera}
fps = 10
open_timeout_s = 3
frame_timeout_s = 1
restart_min_s = 0.1
restart_max_s = 0.5
[store]
folder = "{store}"
[web]
enabled = false
"""
TEXT = """{daemons} daemons, as the systemd unit starts them, each on a camera of its own that
is made to fail again and again: its server refuses, closes in the middle of a picture, sends
noise, hangs, dribbles, changes the size of its pictures; an RTSP server (GStreamer's) is killed
with SIGKILL and started again. A fault is held for {low:g} to {high:g} s after it was met, and
counts only if no frame was judged meanwhile (a changed size is no outage). Recovered: a new
frame was judged within {limit:g} s of the camera's return. Settings: `fps = 10`,
`frame_timeout_s = 1`, `restart_min_s = 0.1`, `restart_max_s = 0.5`; with the defaults a camera
is tried again after 1 s at first and after 30 s at last."""


@dataclass(frozen=True)
class Outcome:
    """One fault. Args: back_s: from the camera's return to a new judged frame; None if too late.

    effective: the fault kept frames from coming, as it was meant to.
    """

    kind: str
    back_s: float | None
    effective: bool


@dataclass(frozen=True)
class DaemonOutcome:
    """One daemon's faults, and how it was at the end."""

    outcomes: tuple[Outcome, ...]
    same_process: bool
    exit_code: int
    files_before: int
    files_after: int
    grown_bytes: int


def measure() -> Section:
    """Inject the faults. Raises: NotMeasured where there is no RTSP server."""
    if reason := why_no_rtsp():
        raise NotMeasured(reason)
    began_s = time.monotonic()
    results = inject(FAULTS)
    return Section("Camera faults", _text(results, time.monotonic() - began_s))


def inject(faults: int) -> list[DaemonOutcome]:
    """Let several daemons meet so many faults together."""
    rtsp = round(faults * RTSP_SHARE)
    shares = [(faults - rtsp) // HTTP_DAEMONS] * HTTP_DAEMONS
    shares[0] += faults - rtsp - sum(shares)
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(HTTP_DAEMONS + 1) as pool:
        folder = Path(name)
        work = [
            pool.submit(_http_daemon, folder, number, share) for number, share in enumerate(shares)
        ]
        work.append(pool.submit(_rtsp_daemon, folder, rtsp))
        return [task.result() for task in work]


def _http_daemon(folder: Path, number: int, faults: int) -> DaemonOutcome:
    chance = random.Random(number)
    config = folder / f"http{number}.toml"
    with FaultCamera(number) as camera:
        config.write_text(
            CONFIG.format(
                camera=f'kind = "http"\nsource = "{camera.url}"', store=folder / f"http{number}"
            )
        )
        with Service(config, folder / f"http{number}.log") as service:

            def inject(kind: str) -> Outcome:
                camera.fail(kind)
                camera.touched.wait(EFFECT_S)
                met_s = time.monotonic()
                time.sleep(SETTLE_S + chance.uniform(*HOLD_S))
                quiet = service.frames_between(met_s + SETTLE_S, time.monotonic()) == 0
                back_s = time.monotonic()
                camera.mend()
                effective = quiet or kind == "changed size"
                return _outcome(service, kind, back_s, effective=effective)

            order = list(itertools.islice(itertools.cycle(HTTP_FAULTS), faults))
            chance.shuffle(order)
            return _run(service, [lambda kind=kind: inject(kind) for kind in order])


def _rtsp_daemon(folder: Path, faults: int) -> DaemonOutcome:
    chance = random.Random(99)
    clip = make_clip(folder / "scene.h264", gop=12)
    config = folder / "rtsp.toml"
    with RtspServer(clip, seconds=3600) as server:
        config.write_text(
            CONFIG.format(camera=f'kind = "rtsp"\nsource = "{server.url}"', store=folder / "rtsp")
        )
        with Service(config, folder / "rtsp.log") as service:

            def inject() -> Outcome:
                server.stop()
                met_s = time.monotonic()
                time.sleep(RTSP_SETTLE_S + chance.uniform(*HOLD_S))
                quiet = service.frames_between(met_s + RTSP_SETTLE_S, time.monotonic()) == 0
                server.start()  # returns once it listens
                return _outcome(service, RTSP_FAULT, time.monotonic(), effective=quiet)

            return _run(service, [inject] * faults)


def _run(service: Service, injections: Sequence[object]) -> DaemonOutcome:
    """Wait for the first frame, inject, and look at the process at the end."""
    if service.frame_after(0.0, START_S) is None:
        raise RuntimeError(f"the daemon judged no frame:\n{service.log_text()}")
    time.sleep(1)
    pid, files = service.pid, open_files(service.pid)
    outcomes, before = [], 0
    for number, inject in enumerate(injections):
        if number == min(10, len(injections) - 1):
            before = resident_bytes(pid)
        outcomes.append(inject())  # type: ignore[operator]
    time.sleep(1)
    after, files_after = resident_bytes(pid), open_files(pid)
    same = service.alive and service.pid == pid
    return DaemonOutcome(tuple(outcomes), same, service.stop(), files, files_after, after - before)


def _outcome(service: Service, kind: str, back_s: float, *, effective: bool) -> Outcome:
    """Wait for a frame after the camera's return, then for a steady picture before the next one."""
    found = service.frame_after(back_s, LIMIT_S)
    if found is None:
        service.frame_after(back_s, 6 * LIMIT_S)
    time.sleep(0.3)
    return Outcome(kind, None if found is None else found - back_s, effective)


def _text(results: Sequence[DaemonOutcome], took_s: float) -> str:
    outcomes = [outcome for result in results for outcome in result.outcomes]
    kinds = [*HTTP_FAULTS, RTSP_FAULT]
    rows = [_row(kind, [its for its in outcomes if its.kind == kind]) for kind in kinds]
    rows.append(_row("**all**", outcomes))
    restarted = sum(not result.same_process for result in results)
    clean = sum(result.exit_code == 0 for result in results)
    files = ", ".join(f"{result.files_before} → {result.files_after}" for result in results)
    grown = ", ".join(f"{result.grown_bytes / 1e6:+.1f}" for result in results)
    text = TEXT.format(daemons=len(results), low=HOLD_S[0], high=HOLD_S[1], limit=LIMIT_S).replace(
        "\n", " "
    )
    header = [
        "fault", "injected", "kept frames away", "recovered", "median s", "99 % within s",
        "longest s",
    ]  # fmt: skip
    return "\n\n".join(
        [
            text,
            table(header, rows),
            f"Daemon processes that were restarted: {restarted} of {len(results)}; ended in order "
            f"by SIGTERM afterwards: {clean}. Open files of each: {files}. Memory since the tenth "
            f"fault, MB: {grown}. It took {took_s / 60:.1f} minutes.",
        ]
    )


def _row(name: str, outcomes: Sequence[Outcome]) -> list[str]:
    times = sorted(its.back_s for its in outcomes if its.back_s is not None)
    if not times:
        return [name, str(len(outcomes)), "-", "0", "-", "-", "-"]
    return [
        name,
        str(len(outcomes)),
        str(sum(its.effective for its in outcomes)),
        str(len(times)),
        f"{statistics.median(times):.2f}",
        f"{times[min(len(times) - 1, int(0.99 * len(times)))]:.2f}",
        f"{times[-1]:.2f}",
    ]
