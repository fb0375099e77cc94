"""What a network camera's stream costs: CPU and memory of the whole daemon."""

from __future__ import annotations

from scripts.measure_rtsp import StreamFigures, measure_streams
from scripts.measuring.section import NotMeasured, Section, table
from tests.streams import why_no_rtsp

SECONDS = 60.0
MEMORY_AIM_BYTES = 150e6
CPU_AIM = 0.25

TEXT = """`edgecls-daemon` as it ships (int8 TFLite, page served) on a real RTSP server on loopback:
1280x720, 25 frames per second, H.264 at 2 Mbit/s, a still scene with sensor noise, a key frame
every 2 s; {seconds:.0f} s each. Memory is resident memory of daemon and capture process and the
frames between them, libraries that both map counted once."""


def measure() -> Section:
    """Run both modes. Raises: NotMeasured where there is no RTSP server."""
    if reason := why_no_rtsp():
        raise NotMeasured(reason)
    figures = measure_streams(SECONDS)
    if any(run.too_busy for run in figures):
        raise NotMeasured("other work on this machine kept the daemon from decoding every frame")
    rows = [_row(run) for run in figures]
    header = ["mode", "CPU s per minute", "of it capture", "frames per s", "memory", "aim: under"]
    every, keys = figures
    share = keys.cpu_s_per_minute / every.cpu_s_per_minute
    verdict = (
        f"Key frames only needs {share:.0%} of the CPU of every frame (aim: at most {CPU_AIM:.0%})."
    )
    text = "\n\n".join([TEXT.format(seconds=SECONDS), table(header, rows), verdict])
    return Section("A network camera's stream", text)


def _row(run: StreamFigures) -> list[str]:
    return [
        run.mode,
        f"{run.cpu_s_per_minute:.2f}",
        f"{run.capture_cpu_s_per_minute:.2f}",
        f"{run.frames_per_s:.1f}",
        f"{run.resident_bytes / 1e6:.0f} MB",
        f"{MEMORY_AIM_BYTES / 1e6:.0f} MB",
    ]
