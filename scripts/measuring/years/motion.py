"""Processor time at rest beside Debian's `motion`: the same stream, the same minute."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from scripts.measuring.section import NotMeasured, Section, table
from tests.service import START_S, Service, children_of, cpu_s, resident_bytes
from tests.streams import RtspServer, make_clip, why_no_rtsp

SECONDS = float(os.environ.get("EDGECLS_MOTION_SECONDS", "60"))
SETTLE_S = 10.0
AIM = 0.5
MODES = {"edgecls, key frames only": "true", "edgecls, every frame": "false"}
CONFIG = """
[camera]
kind = "rtsp"
source = "{url}"
keyframes_only = {keyframes}
[store]
folder = "{store}"
[web]
port = 0
"""
MOTION = """
daemon off
setup_mode off
log_level 4
netcam_url {url}
width 1280
height 720
framerate 4
picture_output off
movie_output off
stream_port 0
webcontrol_port 0
target_dir {folder}
"""
TEXT = """One RTSP stream (1280x720, 25 frames per second, H.264 at 2 Mbit/s, a still scene with
sensor noise, a key frame every 2 s) and three programs on it at once for {seconds:.0f} s: the
daemon with the bundle that ships, once on key frames only and once on every frame (`fps = 4`),
page served; and {version} with `framerate 4`, without pictures, movies or streams, its other
settings as shipped. CPU seconds are those of all processes of a program."""


def measure() -> Section:
    """Run all three. Raises: NotMeasured where one of the programs is missing."""
    if reason := why_no_rtsp():
        raise NotMeasured(reason)
    motion = shutil.which("motion")
    if motion is None:
        raise NotMeasured("motion is not installed: apt-get install motion")
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        clip = make_clip(folder / "scene.h264", size="1280x720", seconds=10, gop=50, kbps=2000)
        limit_s = round(SECONDS + SETTLE_S + 2 * START_S)
        server = stack.enter_context(RtspServer(clip, seconds=limit_s))
        pids = {}
        for number, (mode, keyframes) in enumerate(MODES.items()):
            config = folder / f"{number}.toml"
            config.write_text(
                CONFIG.format(url=server.url, keyframes=keyframes, store=folder / str(number))
            )
            service = stack.enter_context(Service(config, folder / f"{number}.log"))
            if service.frame_after(0.0, START_S) is None:
                raise RuntimeError(f"no frame was judged:\n{service.log_text()}")
            pids[mode] = service.pid
        pids["motion"] = stack.enter_context(_running(motion, server.url, folder)).pid
        time.sleep(SETTLE_S)
        before, began_s = {who: _cpu_s(pid) for who, pid in pids.items()}, time.monotonic()
        time.sleep(SECONDS)
        took_s = time.monotonic() - began_s
        used = {who: 60 * (_cpu_s(pid) - before[who]) / took_s for who, pid in pids.items()}
        memory = {who: resident_bytes(pid) for who, pid in pids.items()}
        log = (folder / "motion.log").read_text(errors="replace")
    if used["motion"] < 0.1:
        raise RuntimeError(f"motion did nothing:\n{log[-2000:]}")
    rows = [
        [who, f"{cpu:.2f}", f"{cpu / used['motion']:.2f}", f"{memory[who] / 1e6:.0f} MB"]
        for who, cpu in used.items()
    ]
    text = TEXT.format(seconds=SECONDS, version=_version(motion)).replace("\n", " ")
    header = ["program", "CPU s per minute", "beside motion's", "memory (PSS)"]
    aim = f"Aim: on key frames only at most {AIM:g} of motion's CPU seconds."
    return Section("Beside motion", f"{text}\n\n{table(header, rows)}\n\n{aim}")


class _running(subprocess.Popen[bytes]):  # noqa: N801  (used as a function)
    """Start motion; it is ended on leaving."""

    def __init__(self, program: str, url: str, folder: Path) -> None:
        config = folder / "motion.conf"
        config.write_text(MOTION.format(url=url, folder=folder))
        with (folder / "motion.log").open("wb") as log:
            super().__init__([program, "-n", "-c", str(config)], stdout=log, stderr=log)

    def __exit__(self, *_: object) -> None:
        self.terminate()
        self.wait(30)


def _cpu_s(pid: int) -> float:
    return sum(cpu_s(each) for each in (pid, *children_of(pid)))


def _version(program: str) -> str:
    done = subprocess.run([program, "-h"], capture_output=True, text=True, check=False)
    words = (done.stdout + done.stderr).split()
    return f"motion {words[2].rstrip(',')}" if len(words) > 2 else "motion"
