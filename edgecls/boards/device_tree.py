"""What the boot loader told the kernel of the machine (Devicetree Specification, section 2.3)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class DeviceTree:
    """The two properties of the root node that name a machine; empty where there is no tree."""

    model: str
    compatible: tuple[str, ...]


def device_tree(root: Path = Path("/")) -> DeviceTree:
    """Read /proc/device-tree. Args: root: the folder that stands for "/"."""
    folder = root / "proc/device-tree"
    model = next(iter(_strings(folder / "model")), "")
    return DeviceTree(model, _strings(folder / "compatible"))


def _strings(path: Path) -> tuple[str, ...]:
    """Read a property: strings that each end with a zero byte."""
    try:
        raw = path.read_bytes()
    except OSError:
        return ()
    return tuple(part.decode("utf-8", "replace").strip() for part in raw.split(b"\0") if part)
