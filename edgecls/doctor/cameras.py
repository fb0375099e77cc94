"""Whether each camera is there, and through which driver."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from edgecls import plugins
from edgecls.cameras import CAMERAS
from edgecls.cameras.picamera import INSTALL, PROGRAMS
from edgecls.doctor.finding import Finding, fail, ok, skip, warn
from edgecls.doctor.network import reach
from edgecls.doctor.patient import Patient
from edgecls.errors import MissingDependencyError
from edgecls.sections.camera import CAMERA_SECTIONS

PORTS = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443}
HELLO = {"rpicam-vid": "rpicam-hello", "libcamera-vid": "libcamera-hello"}
VIDEO_GROUP = "sudo usermod -aG video $USER, then log in again"
Section = Any  # one of the union of camera sections; each check knows its own


def check_cameras(patient: Patient) -> Iterator[Finding]:
    """Look for each camera of the configuration, or for the one that this board starts with."""
    if patient.config is not None:
        sections: tuple[Section, ...] = patient.config.cameras
    elif patient.firmware is not None:
        kind = patient.firmware.camera.default
        sections = (CAMERA_SECTIONS[kind].model_validate({"kind": kind}),)
    else:
        devices = ", ".join(_devices(patient)) or "none"
        yield skip("camera", f"no configuration given; video devices here: {devices}")
        return
    for section in sections:
        subject = f"camera {section.name}"
        allowed = patient.firmware.camera.kinds if patient.firmware else None
        if allowed is not None and section.kind not in allowed:
            yield fail(
                subject,
                f"kind = {section.kind!r} is none that a {_model(patient)} has",
                fix=f"choose one of: {', '.join(allowed)}",
            )
            continue
        yield CHECKS[section.kind](patient, section, subject)


def _model(patient: Patient) -> str:
    return patient.firmware.name if patient.firmware else "machine of this model"


def _devices(patient: Patient) -> list[str]:
    return sorted(f"/dev/{path.name}" for path in (patient.root / "dev").glob("video*"))


def _v4l2(patient: Patient, section: Section, subject: str) -> Finding:
    device = patient.root / section.source.lstrip("/")
    if not device.exists():
        present = ", ".join(_devices(patient)) or "none"
        return fail(
            subject,
            f"there is no {section.source}; present: {present}",
            fix="plug the camera in, and look into dmesg",
        )
    if not os.access(device, os.R_OK | os.W_OK):
        return fail(subject, f"no permission to open {section.source}", fix=VIDEO_GROUP)
    name = patient.text(f"sys/class/video4linux/{device.name}/name")
    driver = patient.root / f"sys/class/video4linux/{device.name}/device/driver"
    words = f", driver {driver.resolve().name}" if driver.exists() else ""
    return ok(subject, f"{section.source}: {name or 'a video device'}{words}")


def _picamera(patient: Patient, section: Section, subject: str) -> Finding:
    program = next((name for name in PROGRAMS if patient.which(name)), None)
    if program is None:
        if section.fallback and (patient.root / section.fallback.lstrip("/")).exists():
            return warn(
                subject,
                f"neither {' nor '.join(PROGRAMS)} is installed: {section.fallback} is used",
                fix=INSTALL,
            )
        return fail(subject, f"neither {' nor '.join(PROGRAMS)} is installed", fix=INSTALL)
    listed = patient.says(HELLO[program], "--list-cameras") or ""
    found = re.findall(r"^\s*(\d+) : (\S+) \[", listed, re.MULTILINE)
    models = {int(number): model for number, model in found}
    if section.index not in models:
        seen = ", ".join(models.values()) or "none"
        return fail(
            subject,
            f"{program} sees no camera {section.index}; it sees: {seen}",
            fix="switch it off and seat both ends of the flat cable; camera_auto_detect=1 belongs "
            "into /boot/firmware/config.txt",
        )
    return ok(subject, f"{models[section.index]}, through {program}")


def _jetson_csi(patient: Patient, section: Section, subject: str) -> Finding:
    if patient.which("gst-launch-1.0") is None:
        return fail(
            subject,
            "gst-launch-1.0 is not installed",
            fix="sudo apt install gstreamer1.0-tools nvidia-l4t-gstreamer",
        )
    names = [
        patient.text(str(path.relative_to(patient.root)))
        for path in sorted((patient.root / "sys/class/video4linux").glob("video*/name"))
    ]
    sensors = [name.removeprefix("vi-output, ") for name in names if name.startswith("vi-output")]
    if section.sensor_id >= len(sensors):
        return fail(
            subject,
            f"no sensor {section.sensor_id}; the kernel knows: {', '.join(sensors) or 'none'}",
            fix="seat the flat cable, then: sudo /opt/nvidia/jetson-io/jetson-io.py",
        )
    if (patient.says("systemctl", "is-active", "nvargus-daemon") or "").strip() != "active":
        return fail(
            subject,
            f"{sensors[section.sensor_id]}, but NVIDIA's camera service does not run",
            fix="sudo systemctl restart nvargus-daemon",
        )
    return ok(subject, f"{sensors[section.sensor_id]}, through nvarguscamerasrc")


def _address(patient: Patient, section: Section, subject: str) -> Finding:
    parts = urlsplit(section.source)
    port = parts.port or PORTS[parts.scheme.lower()]
    return reach(patient, subject, parts.hostname or "", port, what=section.kind.upper())


def _replay(patient: Patient, section: Section, subject: str) -> Finding:
    del patient
    if Path(section.source).exists():
        return ok(subject, f"plays {section.source}")
    return fail(subject, f"there is no {section.source}", fix="correct `source`")


def _demo(patient: Patient, section: Section, subject: str) -> Finding:
    del patient, section
    try:
        plugins.load("camera", CAMERAS, "demo")
    except MissingDependencyError as error:
        return fail(subject, error.message, fix=error.hint or "")
    return ok(subject, "the built-in door")


CHECKS: Mapping[str, Callable[[Patient, Section, str], Finding]] = {
    "v4l2": _v4l2,
    "picamera": _picamera,
    "jetson_csi": _jetson_csi,
    "rtsp": _address,
    "http": _address,
    "replay": _replay,
    "demo": _demo,
}
