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
    flags: dict[str, dict[str, Any]] = {
        "camera": {} if camera is None else camera_from_text(camera),
        "model": {"bundle": _absolute(bundle), "variant": variant},
        "store": {"folder": _absolute(store)},
        "web": {"port": port, "enabled": False if no_page else None},
    }
    for name, values in flags.items():
        given = {key: value for key, value in values.items() if value is not None}
        section = data.get(name, {})
        if not isinstance(section, dict):
            continue  # the file is wrong there; its check says so
        if name == "camera" and given:  # another camera: only what every camera has stays
            common = CaptureSection.model_fields
            section = {key: value for key, value in section.items() if key in common}
        if given or name in data:
            data[name] = {**section, **given}
    camera_section = data.get("camera")
    if once and isinstance(camera_section, dict):
        kind = camera_section.get("kind")
        section_type = CAMERA_SECTIONS.get(str(kind))
        if section_type is not None and "loop" in section_type.model_fields:
            data["camera"] = {**camera_section, "loop": False}
    origin = "the command line" if path is None else str(path)
    return configuration.from_mapping(data, origin=origin, base=path.parent if path else None)


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
    if text == "demo" and not Path(text).exists():
        return {"kind": "demo"}
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
