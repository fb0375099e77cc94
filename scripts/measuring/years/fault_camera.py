"""A network camera that fails on demand: every way in which a real one does."""

from __future__ import annotations

import contextlib
import random
import socket
import threading
import time
from collections.abc import Callable

import cv2
import numpy as np
from typing_extensions import Self

SLOW_PIECE_BYTES = 64
SLOW_PAUSE_S = 0.2
HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n"
    b"Content-Length: %d\r\nConnection: close\r\n\r\n"
)


def snapshot(width: int, height: int, *, number: int) -> bytes:
    """Return a JPEG of a door with sensor noise: no two are alike, and nothing in it moves."""
    noise = np.random.default_rng(number)
    picture = np.full((height, width, 3), 90, np.int16)
    picture[height // 4 :, width // 3 : width // 2] = 140
    picture += noise.integers(-3, 4, (height, width, 1), dtype=np.int16)
    done, jpeg = cv2.imencode(".jpg", np.clip(picture, 0, 255).astype(np.uint8))
    assert done
    return jpeg.tobytes()


class FaultCamera:
    """Answer a snapshot URL on loopback as `fault` says: None for a camera that is well.

    `touched` tells whether a request has met the fault that is set now.
    """

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._sizes = ((320, 240), (352, 288))
        self._size = 0
        self._pictures = {
            size: [snapshot(*size, number=number) for number in range(8)] for size in self._sizes
        }
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self._fault: str | None = None
        self._closing = False
        self._held: list[socket.socket] = []
        self._served = 0
        self.touched = threading.Event()
        self._talks: dict[str | None, Callable[[socket.socket], None]] = {
            None: self._well,
            "closed": self._closed,
            "garbage": self._garbage,
            "hung": self._hung,
            "slow": self._slow,
            "changed size": self._well,
        }

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/snapshot.jpg"

    def __enter__(self) -> Self:
        self._start(self._server)
        return self

    def __exit__(self, *_: object) -> None:
        self._closing = True
        self._drop_lines()
        self._stop_listening()

    def fail(self, fault: str) -> None:
        """Begin to fail in one way: a key of the table, or "refused"."""
        self.touched.clear()
        self._fault = fault
        if fault == "changed size":
            self._size = 1 - self._size
        if fault == "refused":
            self._stop_listening()
            self.touched.set()

    def mend(self) -> None:
        """Be well again; lines that hang are cut, as a camera that restarts does."""
        was, self._fault = self._fault, None
        self._drop_lines()
        if was == "refused":
            self._server = socket.create_server(("127.0.0.1", self.port))
            self._start(self._server)

    def _start(self, server: socket.socket) -> None:
        threading.Thread(target=self._accept, args=(server,), daemon=True).start()

    def _stop_listening(self) -> None:
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    def _drop_lines(self) -> None:
        held, self._held = self._held, []
        for line in held:
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    def _accept(self, server: socket.socket) -> None:
        while True:
            try:
                line, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(line,), daemon=True).start()

    def _serve(self, line: socket.socket) -> None:
        with line, contextlib.suppress(OSError):
            line.settimeout(30)
            if not line.recv(4096):
                return
            fault = self._fault
            if fault is not None:
                self.touched.set()
            if fault in self._talks:  # "refused" closes a line that was let in just before
                self._talks[fault](line)

    def _picture(self) -> bytes:
        pictures = self._pictures[self._sizes[self._size]]
        self._served += 1
        return pictures[self._served % len(pictures)]

    def _well(self, line: socket.socket) -> None:
        picture = self._picture()
        line.sendall(HEAD % len(picture) + picture)

    def _closed(self, line: socket.socket) -> None:
        """Close the line in the middle of a picture."""
        picture = self._picture()
        whole = HEAD % len(picture) + picture
        line.sendall(whole[: self._random.randrange(len(whole))])

    def _garbage(self, line: socket.socket) -> None:
        """Answer with noise: now instead of the picture, now instead of everything."""
        noise = self._random.randbytes(5000)
        line.sendall(noise if self._random.random() < 0.5 else HEAD % len(noise) + noise)

    def _hung(self, line: socket.socket) -> None:
        """Take the request and say nothing."""
        self._held.append(line)
        while self._fault == "hung" and not self._closing:
            time.sleep(0.05)

    def _slow(self, line: socket.socket) -> None:
        """Send so slowly that a picture takes longer than anybody waits."""
        self._held.append(line)
        picture = self._picture()
        whole = HEAD % len(picture) + picture
        for at in range(0, len(whole), SLOW_PIECE_BYTES):
            if self._fault != "slow" or self._closing:
                return
            line.sendall(whole[at : at + SLOW_PIECE_BYTES])
            time.sleep(SLOW_PAUSE_S)
