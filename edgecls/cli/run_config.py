"""Make one configuration of a file and the flags that win over it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgecls import config as configuration
from edgecls._lib.urls import public_text
from edgecls.config import Config
from edgecls.errors import ConfigError
from edgecls.sections.camera import CAMERA_SECTIONS, CaptureSection

EXAMPLES = (
    "edgecls run --camera rtsp://door.local/stream, or --camera clip.mp4, or -c doorbell.toml"
)
BY_NAME = ("demo", "picamera", "jetson_csi")
"""Kinds of camera that need no source."""


def config_from_flags(
    path: Path | None,
    *,
    camera: str | None = None,
    bundle: Path | None = None,
    variant: str | None = None,
    store: Path | None = None,
    port: int | None = None,
    no_page: bool = False,
    once: bool = False,
) -> Config:
    """Return the checked configuration.

    Raises:  ConfigError when neither a file nor a camera is given, and as `config.load`.
    """
    if path is None and camera is None:
        raise ConfigError("no camera, expected -c FILE or --camera", hint=EXAMPLES)
    data: dict[str, Any] = {} if path is None else configuration.read(path)
    if camera is not None:
        data = _with_camera(data, camera_from_text(camera))
    flags: dict[str, dict[str, Any]] = {
        "model": {"bundle": _absolute(bundle), "variant": variant},
        "store": {"folder": _absolute(store)},
        "web": {"port": port, "enabled": False if no_page else None},
    }
    for name, values in flags.items():
        given = {key: value for key, value in values.items() if value is not None}
        section = data.get(name, {})
        if given and isinstance(section, dict):  # else the file is wrong there; its check says so
            data[name] = {**section, **given}
    if once:
        data = _played_once(data)
    origin = "the command line" if path is None else str(path)
    return configuration.from_mapping(data, origin=origin, base=path.parent if path else None)


def _with_camera(data: dict[str, Any], camera: dict[str, Any]) -> dict[str, Any]:
    """Put the command line's camera in the place of the file's, all of them.

    What every camera has stays, if the file has one camera; and so do triggers, at this camera.
    """
    before = data.get("camera")
    common = before if isinstance(before, dict) else {}
    kept = {key: value for key, value in common.items() if key in CaptureSection.model_fields}
    others = {key: value for key, value in data.items() if key != "cameras"}
    triggers = data.get("triggers")
    if "cameras" in data and isinstance(triggers, list):
        others["triggers"] = [
            {key: value for key, value in table.items() if key != "camera"}
            for table in triggers
            if isinstance(table, dict)
        ]
    return {**others, "camera": {**kept, **camera}}


def _played_once(data: dict[str, Any]) -> dict[str, Any]:
    """Let every camera that would start again end instead."""

    def once(table: Any) -> Any:  # Any: what the file holds, not checked yet
        kind = str(table.get("kind")) if isinstance(table, dict) else ""
        section = CAMERA_SECTIONS.get(kind)
        loops = section is not None and "loop" in section.model_fields
        return {**table, "loop": False} if loops else table

    cameras = data.get("cameras")
    update = {"cameras": [once(table) for table in cameras]} if isinstance(cameras, list) else {}
    if "camera" in data:
        update["camera"] = once(data["camera"])
    return {**data, **update}


def camera_from_text(text: str) -> dict[str, Any]:
    """Return the camera section that `--camera TEXT` means.

    Raises:  ConfigError for a path that does not exist.
    """
    scheme, colons, _ = text.partition("://")
    shown = public_text(text)
    if colons:
        kinds = {"rtsp": "rtsp", "rtsps": "rtsp", "http": "http", "https": "http"}
        if scheme.lower() not in kinds:
            raise ConfigError(
                f"--camera {shown}: unknown scheme {shown.partition('://')[0]!r}, "
                f"expected one of {', '.join(kinds)}",
                hint=EXAMPLES,
            )
        return {"kind": kinds[scheme.lower()], "source": text}
    if text in BY_NAME and not Path(text).exists():
        return {"kind": text}
    if text.startswith("/dev/"):
        return {"kind": "v4l2", "source": text}
    if text.startswith("v4l2:"):
        device = shown.removeprefix("v4l2:")
        raise ConfigError(
            f"--camera {shown}: no such file or folder, expected the device alone: /dev/videoN",
            hint=f"edgecls run --camera {device if device.startswith('/dev/') else '/dev/video0'}",
        )
    path = Path(text).expanduser()
    if not path.exists():
        raise ConfigError(
            f"--camera {shown}: no such file or folder, "
            "expected an address, a device, or images or a video to play",
            hint=EXAMPLES,
        )
    return {"kind": "replay", "source": path.absolute()}


def _absolute(path: Path | None) -> Path | None:
    """Return a path of the command line as it is meant: relative to where the user stands."""
    return None if path is None else path.expanduser().absolute()
