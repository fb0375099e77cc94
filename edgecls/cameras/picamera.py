"""A Raspberry Pi's own camera, through rpicam-vid (libcamera-vid on older systems)."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace, TracebackType
from typing import TYPE_CHECKING, Any

from typing_extensions import Self

from edgecls.cameras.child import first_program
from edgecls.cameras.piped import PipedCamera, Reason
from edgecls.cameras.v4l2 import V4l2Camera
from edgecls.errors import MissingDependencyError
from edgecls.types import Frame

if TYPE_CHECKING:  # the capture process does without pydantic
    from edgecls.sections.camera import PicameraSection

log = logging.getLogger(__name__)

PROGRAMS = ("rpicam-vid", "libcamera-vid")
INSTALL = "sudo apt install rpicam-apps-lite   (or libcamera-apps-lite before Bookworm)"


class PicameraCamera:
    """Take pictures with rpicam-vid; where no such program is installed, through Video4Linux."""

    def __init__(self, section: PicameraSection) -> None:
        self._section = section
        self._inner: _RpicamCamera | V4l2Camera | None = None

    def __enter__(self) -> Self:
        self._inner = self._chosen()
        self._inner.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        if self._inner is not None:
            self._inner.close()

    def read(self, timeout_s: float) -> Frame:
        """Return the newest picture not yet returned; see `ports.Camera.read`."""
        inner = self._inner or _RpicamCamera(self._section, PROGRAMS[0])  # says that it is closed
        return inner.read(timeout_s)

    def _chosen(self) -> _RpicamCamera | V4l2Camera:
        section = self._section
        program = first_program(PROGRAMS)
        if program is not None:
            return _RpicamCamera(section, program)
        missing = f"neither {' nor '.join(PROGRAMS)} is installed"
        if section.fallback is None or not Path(section.fallback).exists():
            raise MissingDependencyError(f"camera {section.name!r}: {missing}", hint=INSTALL)
        log.warning("%s: %s, using %s through V4L2", section.name, missing, section.fallback)
        instead: Any = SimpleNamespace(**{**vars(section), "source": section.fallback})
        return V4l2Camera(instead)  # Any: it reads attributes, as every camera of this process


class _RpicamCamera(PipedCamera):
    """The camera behind rpicam-vid."""

    reasons = (
        Reason(
            "no cameras available",
            "the system sees no camera on its connector",
            "switch it off and seat both ends of the flat cable, then: rpicam-hello "
            '--list-cameras; a USB camera is kind = "v4l2"',
        ),
        Reason(
            "in use by another process|failed to acquire|Device or resource busy",
            "another program uses the camera",
            "see which one: fuser -v /dev/media*",
        ),
        Reason(
            "failed to allocate|Cannot allocate memory",
            "there is no memory for its pictures",
            "choose a smaller width and height, or give the kernel more with cma= in cmdline.txt",
        ),
        Reason(
            "unrecogni[sz]ed option|unrecognised codec|unknown option",
            "its program is too old for an option that edgecls gives",
            "sudo apt full-upgrade",
        ),
        Reason(
            "selected camera is not available|camera index",
            "there is no camera of this index",
            "rpicam-hello --list-cameras shows them; the first one has index = 0",
        ),
    )

    def __init__(self, section: PicameraSection, program: str) -> None:
        super().__init__(f"camera {section.index} of {program}")
        self._section = section
        self._program = program

    def _command(self) -> Sequence[str]:
        section = self._section
        return (
            self._program,
            *("--nopreview", "--timeout", "0", "--verbose=0"),
            *("--camera", str(section.index)),
            *("--width", str(section.width), "--height", str(section.height)),
            *("--framerate", f"{section.sensor_fps:g}", "--rotation", str(section.rotation)),
            *("--codec", "mjpeg", "--quality", str(section.quality), "--flush", "--output", "-"),
        )
