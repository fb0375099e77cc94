"""Real streams for tests: clips made by ffmpeg, an RTSP server, and lines that break."""

from __future__ import annotations

import contextlib
import random
import select
import socket
import subprocess
import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Literal

from typing_extensions import Self

SYSTEM_PYTHON = "/usr/bin/python3"
SERVER = Path(__file__).parent / "e2e" / "rtsp_server.py"
START_S = 20.0
_IMPORTS = (
    "import gi; gi.require_version('GstRtspServer', '1.0'); "
    "from gi.repository import Gst, GstRtspServer; Gst.init(None); "
    "import sys; sys.exit(not all(map(Gst.ElementFactory.find, "
    "('appsrc', 'h264parse', 'rtph264pay'))))"
)


@cache
def why_no_rtsp() -> str | None:
    """Say what this machine lacks for a real RTSP stream, or None."""
    try:
        subprocess.run(["ffmpeg", "-version"], capture_output=True, check=True, timeout=START_S)
    except (OSError, subprocess.SubprocessError):
        return "ffmpeg is not installed"
    try:
        subprocess.run(
            [SYSTEM_PYTHON, "-c", _IMPORTS], capture_output=True, check=True, timeout=START_S
        )
    except (OSError, subprocess.SubprocessError):
        return "python3-gi, gir1.2-gst-rtsp-server-1.0 or GStreamer's plugins are not installed"
    return None


def make_clip(
    path: Path, *, size: str = "320x240", seconds: float = 4.0, gop: int = 25, kbps: int = 300
) -> Path:
    """Write a raw H.264 clip of a still picture with sensor noise, 25 pictures per second.

    Like a network camera's stream: no B frames, a key frame every `gop` pictures.
    """
    picture = "loop=-1:1:0,noise=c0s=5:c0f=t,format=yuv420p"
    command = ["ffmpeg", "-loglevel", "error", "-y", "-f", "lavfi"]
    command += ["-i", f"testsrc2=size={size}:rate=25:duration=0.04", "-vf", picture]
    command += ["-t", str(seconds), "-c:v", "libx264", "-preset", "veryfast"]
    command += ["-tune", "zerolatency", "-threads", "1", "-sc_threshold", "0"]
    command += ["-g", str(gop), "-keyint_min", str(gop)]
    command += ["-b:v", f"{kbps}k", "-maxrate", f"{kbps}k", "-bufsize", f"{kbps}k"]
    command += ["-x264-params", "aud=1:repeat-headers=1", "-f", "h264", str(path)]
    subprocess.run(command, check=True, timeout=120)
    return path


class RtspServer:
    """Serve clips in a loop on loopback, at `url`; `stop` and `start` again on the same port."""

    def __init__(
        self, *clips: Path, password: str | None = None, auth: str = "digest", seconds: int = 120
    ) -> None:
        self._arguments = [f"--clip={clip}" for clip in clips]
        if password is not None:
            self._arguments += ["--user=door", f"--password={password}", f"--auth={auth}"]
        self._arguments.append(f"--seconds={seconds}")
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    @property
    def url(self) -> str:
        return f"rtsp://127.0.0.1:{self.port}/door"

    def start(self) -> None:
        """Start serving. Raises: RuntimeError if the server does not come up in time."""
        command = [SYSTEM_PYTHON, str(SERVER), *self._arguments, f"--port={self.port}"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], START_S)
        words = self._process.stdout.readline().split() if ready else []
        if len(words) != 2:
            self.stop()
            raise RuntimeError("the RTSP server did not come up")
        self.port = int(words[1])

    def stop(self) -> None:
        """Kill the server, as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            assert self._process.stdout is not None
            self._process.stdout.close()
            self._process = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class Talker:
    """A TCP server on loopback that treats each connection as `talk` says."""

    def __init__(self, talk: Callable[[socket.socket], None]) -> None:
        self._talk = talk
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self.connections: list[socket.socket] = []

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for line in (self._server, *self.connections):
            with contextlib.suppress(OSError):  # the other side was faster
                line.shutdown(socket.SHUT_RDWR)
            line.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            self.connections.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            self._talk(connection)
        except OSError:
            return  # closed on us, or by the test's end


def tap(
    port: int, *, bytes_before: int, then: Literal["close", "hang", "garble"]
) -> Callable[[socket.socket], None]:
    """Return a talk that forwards to `port` until so many bytes came back; then it breaks.

    Args:    then: close the line in the middle of whatever it was, say nothing more, or send as
             many random bytes as would have come.
    """

    def talk(near: socket.socket) -> None:
        noise = random.Random(port)
        with socket.create_connection(("127.0.0.1", port)) as far:
            left = bytes_before
            while left > 0 or then != "close":
                ready, _, _ = select.select([near, far], [], [])
                for line in ready:  # read on even when broken, or the server is held up
                    data = line.recv(min(left, 65_536) if line is far and left > 0 else 65_536)
                    if not data:
                        return
                    if line is near:
                        far.sendall(data)
                    elif left > 0:
                        near.sendall(data)
                        left -= len(data)
                    elif then == "garble":
                        near.sendall(noise.randbytes(len(data)))
            near.shutdown(socket.SHUT_RDWR)

    return talk
