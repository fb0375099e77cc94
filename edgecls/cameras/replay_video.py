"""A video file as a source for replay, decoded with PyAV."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

import av

from edgecls.cameras.decoding import RgbConverter, economise, pictures_from_packet
from edgecls.cameras.replay import Picture
from edgecls.errors import CameraError

if TYPE_CHECKING:
    from edgecls.sections.camera import ReplayCameraSection

_HINT = "give a folder of images, a JPEG or PNG file, or a video such as MP4"


class VideoSource:
    """Decode a file from its start; the pictures carry the file's own times."""

    def __init__(self, section: ReplayCameraSection) -> None:
        self._path = section.source
        self._keyframes_only = section.keyframes_only
        self._converter = RgbConverter()

    def pictures(self) -> Iterator[Picture]:
        """Decode one pass, from the first picture at 0 s."""
        try:
            with av.open(str(self._path)) as container:
                if not container.streams.video:
                    raise CameraError(f"{self._path} holds no video stream", hint=_HINT)
                yield from self._decoded(container)
        except av.FFmpegError as error:
            raise CameraError(
                f"{self._path} is no image and no video that can be read: {error.strerror}",
                hint=_HINT,
            ) from error

    def _decoded(self, container: av.container.InputContainer) -> Iterator[Picture]:
        stream = container.streams.video[0]
        economise(stream.codec_context)
        first_s: float | None = None
        position_s = 0.0
        for packet in container.demux(stream):
            flushing = packet.size == 0
            if self._keyframes_only and not packet.is_keyframe and not flushing:
                continue
            for picture in pictures_from_packet(packet):
                if picture.time is not None:
                    first_s = picture.time if first_s is None else first_s
                    position_s = max(position_s, picture.time - first_s)
                yield position_s, partial(self._converter.pixels, picture)
