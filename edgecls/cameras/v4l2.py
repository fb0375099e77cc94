"""A camera on this machine, through Video4Linux and PyAV."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import TYPE_CHECKING

import av

from edgecls.cameras.decoding import LiveDecoder, StreamCamera
from edgecls.errors import CameraError

if TYPE_CHECKING:  # the capture process does without pydantic
    from edgecls.sections.camera import V4l2CameraSection


class V4l2Camera(StreamCamera):
    """Take pictures from a device file in the size nearest to the wished one."""

    def __init__(self, section: V4l2CameraSection) -> None:
        super().__init__(section.source)
        self._section = section

    def _opened(self) -> LiveDecoder:
        """Open the device. Raises: CameraError if it is missing, forbidden, busy or no camera."""
        section = self._section
        options = {"video_size": f"{section.width}x{section.height}"}
        try:
            container = av.open(
                section.source,
                format="v4l2",
                options=options,
                timeout=(section.open_timeout_s, section.frame_timeout_s),
            )
        except av.FFmpegError as error:
            raise complaint(section.source, error.errno, error.strerror) from error
        return LiveDecoder(container, what=section.source)


def complaint(device: str, number: int | None, text: str | None) -> CameraError:
    """Say in a person's words why `device` could not be opened. Args: number: an errno."""
    if number in (errno.ENOENT, errno.ENODEV, errno.ENXIO):
        present = ", ".join(str(path) for path in sorted(Path("/dev").glob("video*"))) or "none"
        return CameraError(
            f"there is no camera at {device}",
            hint=f"cameras here: {present}; plug one in, or switch it on in the system's settings",
        )
    if number in (errno.EACCES, errno.EPERM):
        return CameraError(
            f"no permission to open {device}",
            hint="sudo usermod -aG video $USER, then log in again",
        )
    if number == errno.EBUSY:
        return CameraError(
            f"{device} is in use by another program", hint=f"see which one: fuser -v {device}"
        )
    if number in (errno.ENOTTY, errno.EINVAL):
        return CameraError(
            f"{device} is no camera that gives video, or not in this size: {text}",
            hint="edgecls wants a capture device; v4l2-ctl --list-formats-ext shows its sizes",
        )
    return CameraError(
        f"cannot open {device}: {text}", hint="plug the camera in again, and look into dmesg"
    )
