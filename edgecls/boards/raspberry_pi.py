"""A Raspberry Pi: its firmware tells of heat and of a weak supply."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from edgecls._lib import proc
from edgecls.boards.host import CommandRunner, HostBoard
from edgecls.boards.strain import UNDER_VOLTAGE, Strain

# The bits of get_throttled, as Raspberry Pi's documentation of vcgencmd lists them; 16 places
# further left stands the same for any time since the start.
BITS = {
    0: UNDER_VOLTAGE,
    1: "frequency capped",
    2: "throttled by heat",
    3: "soft temperature limit",
}
SINCE_BOOT = 16
FIRMWARE_FILES = "sys/devices/platform/soc*/soc*:firmware/get_throttled"
VCGENCMD = ("vcgencmd", "get_throttled")
VCGENCMD_S = 5.0


class RaspberryPiBoard(HostBoard):
    """Read a Pi's sensors: the kernel's files where it has them, else ask `vcgencmd`.

    Args:    root: the folder that stands for "/".   run: starts programs; tests pass their own.
    """

    can_reboot = True

    def __init__(self, root: Path = Path("/"), *, run: CommandRunner = proc.run) -> None:
        super().__init__(root, run=run)
        self._silent = False

    def strain(self) -> Strain | None:
        """Return what holds the clock down; None where neither the kernel nor vcgencmd tells."""
        bits = self._throttled_bits()
        if bits is None:
            return None
        ever = bits | bits >> SINCE_BOOT
        return Strain(_words(bits), _words(ever))

    def _throttled_bits(self) -> int | None:
        for path in sorted(self._root.glob(FIRMWARE_FILES)):
            bits = _bits_from_text(self._text(str(path.relative_to(self._root))))
            if bits is not None:
                return bits
        if self._silent:
            return None
        try:
            done = self._run(VCGENCMD, timeout_s=VCGENCMD_S)
        except (OSError, subprocess.SubprocessError):
            self._silent = True  # not installed, or /dev/vcio is not ours to open: so it stays
            return None
        return _bits_from_text(done.stdout)


def _bits_from_text(text: str) -> int | None:
    """Read "throttled=0x50005", or the kernel's "50005"."""
    found = re.fullmatch(r"(?:throttled=)?(?:0x)?([0-9a-fA-F]+)", text.strip())
    return int(found.group(1), 16) if found else None


def _words(bits: int) -> tuple[str, ...]:
    return tuple(word for bit, word in BITS.items() if bits >> bit & 1)
