"""Where pictures come from: one table per kind of camera."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field, SecretStr, model_validator

from edgecls.sections.section import Section

Part = Annotated[float, Field(ge=0, le=1)]
Polygon = Annotated[tuple[tuple[Part, Part], ...], Field(min_length=3, max_length=64)]
"""Corners [x, y], each from 0 (left, top) to 1 (right, bottom) of the picture."""


class CaptureSection(Section):
    """What every camera has: how often to look, and when to give up on it."""

    live: ClassVar[bool] = True
    """A live sensor never delivers the very same picture twice; a file may."""

    name: str = Field("door", min_length=1, max_length=40, description="Shown with every visit.")
    fps: float = Field(
        4.0, gt=0, le=60, description="Frames per second handed to the loop; others are dropped."
    )
    open_timeout_s: float = Field(15.0, gt=0, le=300, description="To deliver a first frame.")
    frame_timeout_s: float = Field(
        10.0, gt=0, le=300, description="Silence after which the camera is killed and restarted."
    )
    restart_min_s: float = Field(1.0, gt=0, le=60, description="Pause before the first restart.")
    restart_max_s: float = Field(
        30.0, gt=0, le=3600, description="Longest pause; it doubles from restart_min_s up to this."
    )
    masks: tuple[Polygon, ...] = Field(
        (),
        max_length=32,
        description="Polygons that are black before anything sees the picture: [[[0.7, 0.0], "
        "[1.0, 0.0], [1.0, 0.4]]] is the upper right corner. Parts of width and height, 0 to 1.",
    )
    zones: tuple[Polygon, ...] = Field(
        (),
        max_length=8,
        description="Polygons as in `masks`: only what is inside one of them can be a visit. "
        "Everywhere if left out.",
    )
    min_size: float = Field(
        0.0,
        ge=0,
        le=1,
        description="A visit begins only when something at least this high, in parts of the "
        "picture's height, has moved in the last ten seconds.",
    )

    @model_validator(mode="after")
    def _ordered(self) -> CaptureSection:
        if self.restart_min_s > self.restart_max_s:
            raise ValueError("restart_min_s must not be larger than restart_max_s")
        return self


class ReplayCameraSection(CaptureSection):
    """Play images or a video file as if they were a camera."""

    live: ClassVar[bool] = False
    kind: Literal["replay"]
    source: Path = Field(description="A folder of images (in name order), an image or a video.")
    loop: bool = Field(True, description="Start again after the last frame.")
    realtime: bool = Field(True, description="Play a video at its own speed, images at `fps`.")
    keyframes_only: bool = Field(False, description="Decode only a video's key frames.")


class RtspCameraSection(CaptureSection):
    """A network camera's stream."""

    kind: Literal["rtsp"]
    source: str = Field(pattern=r"^rtsps?://", description="rtsp://[user@]host[:port]/path")
    password: SecretStr | None = Field(None, description="Rather than inside `source`.")
    password_file: Path | None = Field(None, description="A file with the password in it.")
    transport: Literal["tcp", "udp"] = Field("tcp", description="TCP loses no packets.")
    keyframes_only: bool = Field(
        False, description="Decode key frames only: far less CPU, a frame every second or two."
    )


class V4l2CameraSection(CaptureSection):
    """A camera on this machine: USB, or CSI through its V4L2 driver."""

    kind: Literal["v4l2"]
    source: str = Field("/dev/video0", pattern=r"^/dev/", description="The device file.")
    width: int = Field(1280, ge=64, le=7680, description="Wished width in pixels.")
    height: int = Field(720, ge=64, le=4320, description="Wished height in pixels.")


class CsiSection(CaptureSection):
    """What cameras on a board's own connector have."""

    width: int = Field(1280, ge=64, le=4656, description="Width in pixels.")
    height: int = Field(720, ge=64, le=3496, description="Height in pixels.")
    sensor_fps: float = Field(
        15.0, ge=1, le=120, description="Pictures per second of the sensor; `fps` are looked at."
    )
    rotation: Literal[0, 180] = Field(0, description="180 for a camera mounted upside down.")
    quality: int = Field(90, ge=50, le=100, description="Of the JPEG files from its program.")


class PicameraSection(CsiSection):
    """A Raspberry Pi's camera on its flat cable, through rpicam-vid."""

    kind: Literal["picamera"]
    index: int = Field(0, ge=0, le=3, description="Which camera, of those that the system lists.")
    fallback: str | None = Field(
        "/dev/video0",
        pattern=r"^/dev/",
        description="Taken through V4L2 where neither rpicam-vid nor libcamera-vid is installed.",
    )


class JetsonCsiCameraSection(CsiSection):
    """A Jetson's camera on its flat cable, through NVIDIA's nvarguscamerasrc."""

    kind: Literal["jetson_csi"]
    sensor_id: int = Field(0, ge=0, le=5, description="Which camera, counted by connectors.")


class HttpCameraSection(CaptureSection):
    """A camera that answers a snapshot URL with one JPEG or PNG."""

    kind: Literal["http"]
    source: str = Field(pattern=r"^https?://", description="The URL of the snapshot.")
    user: str | None = Field(None, description="For basic or digest authentication.")
    password: SecretStr | None = Field(None, description="Rather than inside `source`.")
    password_file: Path | None = Field(None, description="A file with the password in it.")


class DemoCameraSection(CaptureSection):
    """The built-in door: photographs that come with scikit-image."""

    live: ClassVar[bool] = False
    kind: Literal["demo"]
    loop: bool = Field(True, description="Start again after the last visitor.")
    scene_s: float = Field(4.0, gt=0, le=60, description="How long each scene lasts.")


AnyCameraSection = (
    ReplayCameraSection
    | RtspCameraSection
    | V4l2CameraSection
    | PicameraSection
    | JetsonCsiCameraSection
    | HttpCameraSection
    | DemoCameraSection
)

CAMERA_SECTIONS: Mapping[str, type[CaptureSection]] = {
    "replay": ReplayCameraSection,
    "rtsp": RtspCameraSection,
    "v4l2": V4l2CameraSection,
    "picamera": PicameraSection,
    "jetson_csi": JetsonCsiCameraSection,
    "http": HttpCameraSection,
    "demo": DemoCameraSection,
}
