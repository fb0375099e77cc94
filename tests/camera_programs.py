"""Programs that stand in for rpicam-vid and gst-launch-1.0, and misbehave when told to.

They take the options that the real ones document, and refuse any other as those do.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import cv2

from edgecls.testing.camera import picture

PICTURES = 8

# Options of rpicam-vid --help that edgecls may use; True: takes a value as the next word.
_COMMON = r"""
import os, signal, sys, time
from pathlib import Path

folder = Path(__file__).resolve().parent
jpegs = [path.read_bytes() for path in sorted(folder.glob("*.jpg"))]
behaviour = (folder / "behaviour").read_text()
(folder / "pid").write_text(str(os.getpid()))

def complain(text, code):
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
    sys.exit(code)

def play(out, step_s):
    signal.signal(signal.SIGINT, lambda *_: sys.exit(0))
    for number in range(10**9):
        if number == 3 and behaviour == "hang":
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            while True:
                time.sleep(60)
        if number == 3 and behaviour == "die":
            os.kill(os.getpid(), signal.SIGSEGV)
        data = jpegs[number % len(jpegs)]
        if number == 1 and behaviour == "damaged":
            data = data[: len(data) // 2] + bytes(40) + b"words between\n"
        if behaviour == "garbage":
            data = os.urandom(65536).replace(b"\xff", b"\x00")
        out.write(data)
        out.flush()
        time.sleep(0 if behaviour == "garbage" else step_s)
"""

RPICAM = (
    _COMMON
    + r"""
flags = {"--nopreview", "--flush"}
valued = {"--timeout", "--camera", "--width", "--height", "--framerate", "--rotation", "--codec",
          "--quality", "--output"}
given, words = {}, list(sys.argv[1:])
while words:
    word = words.pop(0)
    name, equals, value = word.partition("=")
    if name == "--verbose" and equals:  # boost's implicit values want the = form
        continue
    elif name in flags:
        continue
    elif name in valued:
        given[name] = value if equals else words.pop(0)
    else:
        complain(f"ERROR: *** unrecognised option '{word}' ***", 255)
sys.stderr.write("\x1b[1;32m INFO \x1b[1;37mCamera camera_manager.cpp:326 \x1b[0mlibcamera v0.5\n")
if behaviour == "no camera":
    complain("ERROR: *** no cameras available ***", 255)
if behaviour == "busy":
    complain("ERROR: *** failed to acquire camera /base/soc/i2c0mux/imx708 ***", 255)
if given["--rotation"] not in ("0", "180"):
    complain("ERROR: *** illegal rotation ***", 255)
assert given["--output"] == "-" and given["--codec"] == "mjpeg" and given["--timeout"] == "0"
play(sys.stdout.buffer, 1 / float(given["--framerate"]))
"""
)

GST = (
    _COMMON
    + r"""
words = sys.argv[1:]
assert words.pop(0) == "--quiet"
elements = " ".join(words).split(" ! ")
assert elements[0].startswith("nvarguscamerasrc sensor-id="), elements
assert elements[1].startswith("video/x-raw(memory:NVMM),format=NV12,"), elements
print("GST_ARGUS: Creating output stream", flush=True)
print("CONSUMER: Waiting until producer is connected...", flush=True)
if behaviour == "no camera":
    complain("Error generated. gstnvarguscamerasrc.cpp, execute:751 No cameras available", 1)
if behaviour == "no element":
    complain('WARNING: erroneous pipeline: no element "nvarguscamerasrc"', 1)
if behaviour == "busy":
    complain("(Argus) Error AlreadyAllocated: Device 0 (of 1) is in use", 1)
if behaviour == "no daemon":
    complain("(Argus) Error FileOperationFailed: Connecting to nvargus-daemon failed", 1)
real = REAL_GST
name, fd = elements[-1].split(" fd=")
assert name == "fdsink"
if behaviour == "real":
    caps = elements[1].replace("(memory:NVMM)", "").replace("NV12", "I420")
    plain = {"nvvidconv flip-method=2": "videoflip method=rotate-180", "nvjpegenc": "jpegenc"}
    rest = elements[2:]
    for theirs, ours in plain.items():
        rest = [element.replace(theirs, ours) for element in rest]
    line = " ! ".join(["videotestsrc is-live=true", caps, *rest])
    os.execv(real, [real, "--quiet", *line.split()])
rate = elements[1].rpartition("framerate=")[2].split("/")
play(os.fdopen(int(fd), "wb"), int(rate[1]) / int(rate[0]))
"""
)
BODIES = {"rpicam-vid": RPICAM, "libcamera-vid": RPICAM, "gst-launch-1.0": GST}


def why_no_gstreamer() -> str | None:
    """Say why the real gst-launch-1.0 cannot be used; None if it can."""
    if shutil.which("gst-launch-1.0") is None:
        return "gst-launch-1.0 is not installed; scripts/test-deps installs it"
    return None


def install(folder: Path, name: str, behaviour: str) -> Path:
    """Write the program `name` into `folder`, with pictures to play; return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(PICTURES):
        cv2.imwrite(str(folder / f"{number}.jpg"), picture(30 * number))
    (folder / "behaviour").write_text(behaviour)
    program = folder / name
    body = BODIES[name].replace("REAL_GST", repr(shutil.which("gst-launch-1.0")))
    program.write_text(f"#!{sys.executable} -IS\n{body}")
    program.chmod(0o755)
    return program


def path_with(folder: Path) -> str:
    """Return a PATH in which `folder` comes first, and no real camera program is found after it."""
    return f"{folder}{os.pathsep}{folder / 'nothing'}"
