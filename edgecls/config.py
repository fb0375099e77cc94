"""The device's configuration: one TOML file, checked whole, every error told at once.

Every field has a unit in its name, bounds and a description; `edgecls config schema` prints them.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator

from edgecls._lib import toml
from edgecls._lib.urls import public_text
from edgecls._lib.validation import lines_from_validation, message_from_lines, suggestion
from edgecls.errors import ConfigError


class Section(BaseModel):
    """One table of the file: immutable, no unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


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
    | HttpCameraSection
    | DemoCameraSection
)

CAMERA_SECTIONS: Mapping[str, type[CaptureSection]] = {
    "replay": ReplayCameraSection,
    "rtsp": RtspCameraSection,
    "v4l2": V4l2CameraSection,
    "http": HttpCameraSection,
    "demo": DemoCameraSection,
}


class ModelSection(Section):
    """Which classifier runs, and how."""

    bundle: Path | None = Field(
        None,
        description="Folder or .edgecls file; the bundle that ships in the package if left out.",
    )
    variant: str = Field("auto", description='A variant\'s name, or "auto" for the best one here.')
    threads: int = Field(1, ge=1, le=16, description="Threads of the runtime.")


class MotionSection(Section):
    """When to look closer. Works on a small grey picture of the frame."""

    similarity_max: float = Field(
        0.999, gt=0, le=1,
        description="A frame more like the background than this (normalised Frobenius product, "
        "means removed) did not move.",
    )  # fmt: skip
    area_min: float = Field(
        0.002, ge=0, le=1, description="Smallest part of the picture that counts as motion."
    )
    frozen_after_s: float = Field(
        60.0, gt=0, description="A camera that repeats the very same picture so long is frozen."
    )
    recheck_s: float = Field(
        10.0,
        gt=0,
        le=3600,
        description="Judge the whole picture at least this often, moved or not.",
    )
    regions_max: int = Field(
        2, ge=0, le=8, description="Regions around motion judged beside the whole picture."
    )


class VisitSection(Section):
    """When a score becomes a visit."""

    enter: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="Smoothed score that opens a visit; if left out, somewhat above the bundle's "
        "threshold: 0.70 for one of 0.5.",
    )
    leave: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="Smoothed score that lets it end; if left out, somewhat below the bundle's "
        "threshold: 0.45 for one of 0.5.",
    )
    smoothing_s: float = Field(0.7, ge=0, le=30, description="Time constant of the smoothing.")
    leave_after_s: float = Field(
        3.0, ge=0, le=600, description="Low scores for so long end the visit."
    )
    lost_after_s: float = Field(
        30.0, gt=0, le=3600, description="A visit is ended when no picture comes for so long."
    )

    @model_validator(mode="after")
    def _hysteresis(self) -> VisitSection:
        if self.enter is not None and self.leave is not None and self.leave > self.enter:
            raise ValueError("leave must not be larger than enter")
        return self


class StoreSection(Section):
    """Where visits are kept."""

    folder: Path = Field(
        Path("edgecls-data"), description="Holds the database and the snapshots; made if missing."
    )
    bytes_max: int = Field(
        2_000_000_000,
        ge=1_000_000,
        description="Oldest snapshots go when they need more than this.",
    )
    days_max: float = Field(
        30.0, gt=0, le=36_500, description="Visits older than this are deleted."
    )
    free_bytes_min: int = Field(
        200_000_000, ge=0, description="Oldest snapshots go when the disk has less free than this."
    )
    jpeg_quality: int = Field(85, ge=30, le=100, description="Of the snapshots.")


class WebSection(Section):
    """The page. It listens on this machine only."""

    enabled: bool = Field(True, description="Serve the page.")
    host: Literal["127.0.0.1", "::1", "localhost"] = Field(
        "127.0.0.1", description="Loopback only: the page has no accounts yet."
    )
    port: int = Field(8080, ge=0, le=65535, description="0 takes any free port.")


class Config(Section):
    """The whole file."""

    camera: AnyCameraSection = Field(discriminator="kind")
    model: ModelSection = ModelSection()
    motion: MotionSection = MotionSection()
    visit: VisitSection = VisitSection()
    store: StoreSection = StoreSection()
    web: WebSection = WebSection()


def load(path: Path) -> Config:
    """Read and check one TOML file. Relative paths in it are relative to its folder.

    Raises:  ConfigError with every fault in one message, a line each.
    """
    return from_mapping(read(path), origin=str(path), base=path.parent)


def read(path: Path) -> dict[str, Any]:
    """Read one TOML file without checking what it says.

    Raises:  ConfigError when it cannot be read or is not TOML.
    """
    try:
        return toml.read(path)
    except OSError as error:
        raise ConfigError(
            f"cannot read {path}: {error.strerror}", hint="give the path of a TOML file"
        ) from error
    except ValueError as error:
        raise ConfigError(
            f"{path} is not TOML: {error}", hint="edgecls config example prints a correct file"
        ) from error


def from_mapping(data: dict[str, Any], *, origin: str, base: Path | None = None) -> Config:
    """Check a configuration that is already parsed.

    Args:    origin: named in messages.   base: folder for relative paths, None leaves them.
    Raises:  ConfigError as `load`.
    """
    data, lines = _with_camera_kind(data)
    try:
        config = Config.model_validate(data)
    except ValidationError as error:
        raise _FaultyFileError([*lines, *lines_from_validation(error, Config)], origin) from error
    if lines:
        raise _FaultyFileError(lines, origin)
    return config if base is None else _anchored(config, base)


def faults(error: ConfigError) -> tuple[str, ...]:
    """Return what `load` found wrong, one text per fault, without the lines that tie them up."""
    return error.lines if isinstance(error, _FaultyFileError) else (error.message,)


class _FaultyFileError(ConfigError):
    """Keep the faults apart beside the message that tells them all."""

    def __init__(self, lines: Sequence[str], origin: str) -> None:
        super().__init__(
            message_from_lines(lines, origin=origin),
            hint="edgecls config schema prints every field with its bounds",
        )
        self.lines = tuple(lines)


def _with_camera_kind(data: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Put the kind of camera that was meant where none or a wrong one is given.

    Returns: the data, in which the table's other faults can be found, and the kind's own fault.
    """
    table = data.get("camera")
    if not isinstance(table, dict):
        return data, []
    kind = table.get("kind")
    if isinstance(kind, str) and kind in CAMERA_SECTIONS:
        return data, []
    if "kind" not in table:
        line = f"camera.kind: missing, expected one of {', '.join(CAMERA_SECTIONS)}"
    else:
        shown = public_text(str(kind))
        line = f"camera.kind: unknown kind {shown!r}, {suggestion(str(kind), CAMERA_SECTIONS)}"
    meant = _kind_meant(kind, table.get("source"))
    if meant is None:  # check what every camera has, and the names that none has
        ours = set(CaptureSection.model_fields)
        theirs = {name for section in CAMERA_SECTIONS.values() for name in section.model_fields}
        table = {name: value for name, value in table.items() if name not in theirs - ours}
        meant = "demo"
    return {**data, "camera": {**table, "kind": meant}}, [line]


def _kind_meant(kind: object, source: object) -> str | None:
    """Guess the kind of camera from a mistyped word, else from its source."""
    near = difflib.get_close_matches(str(kind), CAMERA_SECTIONS, n=1)
    if near:
        return near[0]
    if not isinstance(source, str):
        return None
    if "://" in source:
        return "http" if source.startswith("h") else "rtsp"
    return "v4l2" if source.startswith("/dev/") else "replay"


def _anchored(config: Config, base: Path) -> Config:
    """Make the paths that a person wrote relative to the file absolute."""
    store = config.store.model_copy(update={"folder": _placed(base, config.store.folder)})
    model = config.model
    if model.bundle is not None:
        model = model.model_copy(update={"bundle": _placed(base, model.bundle)})
    camera: Any = config.camera  # Any: a union whose members share no path field
    update = {
        name: _placed(base, getattr(camera, name))
        for name in ("source", "password_file")
        if isinstance(getattr(camera, name, None), Path)
    }
    camera = camera.model_copy(update=update)
    return config.model_copy(update={"store": store, "model": model, "camera": camera})


def _placed(base: Path, path: Path) -> Path:
    """Return a path of the file as it is meant: relative to `base`, or to a home after "~"."""
    try:
        return base / path.expanduser()
    except RuntimeError as error:
        raise ConfigError(
            f"{path}: there is no such home folder", hint="write the whole path"
        ) from error
