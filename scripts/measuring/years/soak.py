"""Months in minutes: a film of visits played as fast as the daemon takes it; does anything grow?"""

from __future__ import annotations

import os
import sqlite3
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from scripts.measuring.section import Section, table
from tests.service import START_S, Service, children_of, open_files, resident_bytes
from tests.tiny_bundles import tiny_bundle

FRAMES = int(os.environ.get("EDGECLS_SOAK_FRAMES", "200000"))
FRAMES_PER_VISIT = 40
DATABASE = "data/edgecls.sqlite3"
VISITS = FRAMES // FRAMES_PER_VISIT
LIMIT_S = 1500.0
SAMPLE_S = 2.0
WARM_UP = 0.15
AIM_BYTES = 1e6
CONFIG = """
[camera]
kind = "replay"
source = "film"
realtime = false
fps = 60
[model]
bundle = "bundle"
[visit]
smoothing_s = 0
leave_after_s = 0.001
[store]
folder = "data"
frames_max = 1
bytes_max = 20000000
free_bytes_min = 0
[web]
port = 0
"""
TEXT = """The daemon as the systemd unit starts it, with its page, store (20 MB, so that old
pictures go all the time) and capture process, on a film that is played as fast as it takes the
frames: a door, every {per} frames somebody who stays for half of them. The model is a tiny one
(8x8 pixels, int8, LiteRT), so that the rest is exercised. Memory is the proportional set size
of the daemon and its capture process together; the slope is that of a straight line through all
samples but the first {warm:.0%}."""


@dataclass(frozen=True)
class Sample:
    frames: int
    bytes: int
    files: int
    capture_files: int


@dataclass(frozen=True)
class Soak:
    """What a run gave. Args: frames, visits: in all.   code: of its end by SIGTERM."""

    samples: tuple[Sample, ...]
    frames: int
    visits: int
    took_s: float
    code: int

    @property
    def steady(self) -> tuple[Sample, ...]:
        """Return the samples after the warm-up."""
        return self.samples[round(WARM_UP * len(self.samples)) :]

    @property
    def slope_bytes(self) -> float:
        """Return by how much memory grows per 100,000 frames: a straight line's slope."""
        line = statistics.linear_regression(
            [sample.frames for sample in self.steady], [sample.bytes for sample in self.steady]
        )
        return line.slope * 100_000


def measure() -> Section:
    """Play the film until enough frames were judged."""
    return Section("Accelerated soak", _text(play(FRAMES)))


def play(frames: int) -> Soak:
    """Play the film until so many frames were judged, or the time is over."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as name:
        folder = Path(name)
        _film(folder / "film")
        tiny_bundle(folder / "bundle", decision={"label": "red", "threshold": 0.5})
        (folder / "soak.toml").write_text(CONFIG)
        with Service(folder / "soak.toml", folder / "soak.log") as service:
            if service.frame_after(0.0, START_S) is None:
                raise RuntimeError(f"no frame was judged:\n{service.log_text()}")
            began_s = time.monotonic()
            samples = _samples(service, folder, frames)
            took_s = time.monotonic() - began_s
            code = service.stop()
        visits = _visits(folder / DATABASE)
        return Soak(tuple(samples), _frames_of(service.log_text()), visits, took_s, code)


def _samples(service: Service, folder: Path, frames: int) -> list[Sample]:
    samples: list[Sample] = []
    end_s = time.monotonic() + LIMIT_S
    while time.monotonic() < end_s:
        time.sleep(SAMPLE_S)
        if not service.alive:
            raise RuntimeError(f"the daemon ended:\n{service.log_text()[-2000:]}")
        children = children_of(service.pid)
        samples.append(
            Sample(
                service.frames,
                resident_bytes(service.pid),
                open_files(service.pid),
                open_files(children[0]) if children else 0,
            )
        )
        enough = service.frames >= frames
        if enough and _visits(folder / DATABASE) >= frames // FRAMES_PER_VISIT:
            break
    return samples


def _film(folder: Path) -> None:
    """Write one visit: a blue door, then a red visitor; with noise, so that no two are alike."""
    folder.mkdir()
    chance = np.random.default_rng(5)
    for number in range(FRAMES_PER_VISIT):
        picture = np.full((120, 160, 3), 40, np.int16)
        picture[:, :, 2 if number >= FRAMES_PER_VISIT // 2 else 0] = 220  # BGR
        picture += chance.integers(-4, 5, picture.shape, dtype=np.int16)
        cv2.imwrite(str(folder / f"{number:03}.png"), np.clip(picture, 0, 255).astype(np.uint8))


def _visits(database: Path) -> int:
    """Return how many visits were begun: the last id that was given."""
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as reader:
        found = reader.execute("SELECT seq FROM sqlite_sequence WHERE name = 'visits'").fetchone()
    reader.close()
    return int(found[0]) if found else 0


def _frames_of(log: str) -> int:
    """Read how many frames were watched from what the daemon says at its end."""
    return int(log.rpartition(": frames ")[2].partition(",")[0])


def _text(soak: Soak) -> str:
    kept = soak.steady
    files = sorted({sample.files for sample in kept})
    capture_files = sorted({sample.capture_files for sample in kept})
    rows = [
        ["frames watched", f"{soak.frames:,}", f"{FRAMES:,}"],
        ["visits", f"{soak.visits:,}", f"{VISITS:,}"],
        ["time", f"{soak.took_s / 60:.1f} minutes ({soak.frames / soak.took_s:.0f} frames/s)", ""],
        ["memory after the warm-up, at the end",
         f"{kept[0].bytes / 1e6:.1f} MB, {kept[-1].bytes / 1e6:.1f} MB", ""],
        ["slope per 100,000 frames", f"{soak.slope_bytes / 1e6:+.2f} MB",
         f"under {AIM_BYTES / 1e6:g} MB"],
        ["open files of the daemon, of capture",
         f"{files[0]} to {files[-1]}, {capture_files[0]} to {capture_files[-1]}", "flat"],
        ["samples", str(len(soak.samples)), ""],
        ["exit code after SIGTERM", str(soak.code), "0"],
    ]  # fmt: skip
    text = TEXT.format(per=FRAMES_PER_VISIT, warm=WARM_UP).replace("\n", " ")
    return f"{text}\n\n{table(['what', 'measured', 'aim'], rows)}"
