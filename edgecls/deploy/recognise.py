"""Tell by looking what operating system an image holds, and whether a board can start from it."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from edgecls.deploy.fat import FatPartition
from edgecls.errors import DeployError
from edgecls.sections.firmware import Firmware, ImageSection

KERNELS_32_BIT = frozenset({"kernel.img", "kernel7.img", "kernel7l.img"})
KERNELS_64_BIT = frozenset({"kernel8.img", "kernel_2712.img", "vmlinuz", "vmlinuz-arm64"})
CLOUD_INIT_FILES = frozenset({"user-data", "meta-data"})
DEVICE_TREE = re.compile(r"bcm27\d\d-rpi-(.+)\.dtb")


@dataclass(frozen=True, slots=True)
class BootFolder:
    """What lies at the top of a boot partition.

    Args:    names: of its files.
    """

    names: frozenset[str]

    @property
    def raspberry_pi(self) -> bool:
        return "config.txt" in self.names and "cmdline.txt" in self.names

    @property
    def dialect(self) -> str:
        """Return what its first boot reads, in the words of firmware_configs/."""
        if self.names & CLOUD_INIT_FILES:
            return "cloud-init"
        return "custom-toml" if self.raspberry_pi else "none"

    @property
    def only_32_bit(self) -> bool:
        """Tell a 32-bit system: it has kernels for the older boards, whatever else it has."""
        return bool(self.names & KERNELS_32_BIT)

    def starts(self, compatible: Collection[str]) -> bool:
        """Tell whether a Raspberry Pi with these device tree words can start from it."""
        trees = {found.group(1) for found in map(DEVICE_TREE.fullmatch, self.names) if found}
        models = {_tree_name(word) for word in compatible if word.startswith("raspberrypi,")}
        return not trees or not models or bool(trees & models)


def recognise(
    fat: FatPartition, firmware: Firmware, *, board: str, python: str | None = None
) -> ImageSection:
    """Return which of the board's images this is.

    Args:    board: the key of `firmware`, for messages.   python: of the system, where its boot
             partition cannot tell (Debian's of several years look alike); None takes the best.
    Raises:  DeployError for a 32-bit image and for one that the board cannot use.
    """
    found = BootFolder(frozenset(fat.names()))
    if found.only_32_bit:
        raise DeployError(
            f"{fat.image} is a 32-bit system, expected 64-bit: there is no TFLite for 32 bits",
            hint="download the 64-bit image of the same name",
        )
    fitting = [
        image
        for image in firmware.images
        if image.first_boot == found.dialect and python in (None, image.python)
    ]
    has_kernel = bool(found.names & KERNELS_64_BIT)
    starts = has_kernel and found.starts(firmware.compatible)
    if found.dialect == "none" or not fitting or not starts:
        wanted = ", ".join(image.name for image in firmware.images)
        why = _why(found, has_kernel=has_kernel, starts=starts)
        raise DeployError(
            f"{fat.image} is no image for {board} ({why}), expected one of: {wanted}",
            hint=_hint(firmware, board),
        )
    return fitting[0]


def _why(found: BootFolder, *, has_kernel: bool, starts: bool) -> str:
    if found.dialect == "none":
        return "it has no first-boot files"
    if not has_kernel:
        return "it has no 64-bit kernel"
    return "its first boot is another" if starts else "it has no device tree for this board"


def _hint(firmware: Firmware, board: str) -> str:
    if all(image.first_boot == "none" for image in firmware.images):
        return f"set {board} up with its maker's tools, then: edgecls push HOST"
    return "edgecls boards tells which images each board takes"


def _tree_name(compatible: str) -> str:
    """Return the end of a device tree's file name: "raspberrypi,4-model-b" is bcm2711-rpi-4-b."""
    word = compatible.removeprefix("raspberrypi,")
    return re.sub(r"(^|-)model-", r"\1", word)
