"""Machines as their files and programs show them, in the formats that public documentation gives.

Raspberry Pi: the documentation of vcgencmd and the firmware driver's sysfs file. Jetson: the Jetson
Linux developer guide (thermal zones, soctherm_oc, nvpmodel) and public logs of R32 and R36.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

PI_THROTTLED = "sys/devices/platform/soc/soc:firmware/get_throttled"


@dataclass(frozen=True)
class RecordedBoard:
    """One machine.

    Args:    files: path below "/" -> content.   says: command line -> what it prints.
    """

    files: Mapping[str, str]
    says: Mapping[str, str] = field(default_factory=dict)

    def laid_out(self, root: Path, **changed: str) -> Path:
        """Write the files below `root`. Args: changed: content by the last part of a path."""
        for name, text in self.files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(changed.get(path.name, text))
        return root

    def run(
        self, command: tuple[str, ...], *, timeout_s: float
    ) -> subprocess.CompletedProcess[str]:
        """Answer as the machine's programs do; a program that it lacks is not found."""
        del timeout_s
        line = " ".join(command)
        if line not in self.says:
            raise FileNotFoundError(2, "No such file or directory", command[0])
        return subprocess.CompletedProcess(command, 0, self.says[line], "")


def zones(*pairs: tuple[str, int]) -> dict[str, str]:
    """Return the files of thermal zones. Args: pairs: type and milli-degrees."""
    files = {}
    for number, (kind, value) in enumerate(pairs):
        files[f"sys/class/thermal/thermal_zone{number}/type"] = f"{kind}\n"
        files[f"sys/class/thermal/thermal_zone{number}/temp"] = f"{value}\n"
    return files


def cooling(*pairs: tuple[str, int]) -> dict[str, str]:
    """Return the files of cooling devices. Args: pairs: type and state."""
    files = {}
    for number, (kind, state) in enumerate(pairs):
        files[f"sys/class/thermal/cooling_device{number}/type"] = f"{kind}\n"
        files[f"sys/class/thermal/cooling_device{number}/cur_state"] = f"{state}\n"
    return files


def counters(*events: int) -> dict[str, str]:
    """Return the files of Orin's over-current counters."""
    hwmon = "sys/class/hwmon/hwmon3"
    return {
        f"{hwmon}/name": "soctherm_oc\n",
        **{f"{hwmon}/oc{n}_event_cnt": f"{count}\n" for n, count in enumerate(events, start=1)},
    }


def os_release(pretty: str, codename: str, version: str) -> dict[str, str]:
    return {
        "etc/os-release": f'PRETTY_NAME="{pretty}"\nVERSION_ID="{version}"\n'
        f"VERSION_CODENAME={codename}\n"
    }


PI_4 = RecordedBoard(
    {
        "proc/device-tree/model": "Raspberry Pi 4 Model B Rev 1.4\0",
        "proc/device-tree/compatible": "raspberrypi,4-model-b\0brcm,bcm2711\0",
        **os_release("Debian GNU/Linux 12 (bookworm)", "bookworm", "12"),
        **zones(("cpu-thermal", 48686)),
    },
    {"vcgencmd get_throttled": "throttled=0x0\n"},
)
PI_ZERO_2W = RecordedBoard(
    {
        "proc/device-tree/model": "Raspberry Pi Zero 2 W Rev 1.0\0",
        "proc/device-tree/compatible": "raspberrypi,model-zero-2-w\0brcm,bcm2837\0",
        **os_release("Debian GNU/Linux 13 (trixie)", "trixie", "13"),
        **zones(("cpu-thermal", 61224)),
        PI_THROTTLED: "50005\n",
    },
)
ORIN_NANO = RecordedBoard(
    {
        "proc/device-tree/model": (
            "NVIDIA Jetson Orin Nano Engineering Reference Developer Kit Super\0"
        ),
        "proc/device-tree/compatible": (
            "nvidia,p3768-0000+p3767-0005-super\0nvidia,p3767-0005\0nvidia,tegra234\0"
        ),
        "etc/nv_tegra_release": (
            "# R36 (release), REVISION: 4.3, GCID: 38968081, BOARD: generic, EABI: aarch64, "
            "DATE: Wed Jan  8 01:49:37 UTC 2025\n# KERNEL_VARIANT: oot\n"
            "TARGET_USERSPACE_LIB_DIR=nvidia\n"
        ),
        **os_release("Ubuntu 22.04.5 LTS", "jammy", "22.04"),
        **zones(
            ("cpu-thermal", 47781),
            ("gpu-thermal", 48062),
            ("soc0-thermal", 46812),
            ("tj-thermal", 48062),
        ),
        **cooling(("pwm-fan", 1), ("cpu-throttle-alert", 0), ("gpu-throttle-alert", 0)),
        **counters(0, 0, 0),
        "var/lib/nvpmodel/status": "pmode:0002 fmode:quiet\n",
        "etc/nvpmodel.conf": (
            "< PARAM TYPE=FILE NAME=CPU_ONLINE >\n"
            "< POWER_MODEL ID=0 NAME=15W >\nCPU_ONLINE CORE_0 1\n"
            "< POWER_MODEL ID=1 NAME=25W >\n< POWER_MODEL ID=2 NAME=MAXN_SUPER >\n"
            "< PM_CONFIG DEFAULT=1 >\n"
        ),
    },
)
JETSON_NANO = RecordedBoard(
    {
        "proc/device-tree/model": "NVIDIA Jetson Nano Developer Kit\0",
        "proc/device-tree/compatible": "nvidia,p3450-0000\0nvidia,tegra210\0",
        "etc/nv_tegra_release": (
            "# R32 (release), REVISION: 7.1, GCID: 29818004, BOARD: t210ref, EABI: aarch64, "
            "DATE: Sat Feb 19 17:05:08 UTC 2022\n"
        ),
        **os_release("Ubuntu 18.04.6 LTS", "bionic", "18.04"),
        **zones(
            ("AO-therm", 37500),
            ("CPU-therm", 31500),
            ("GPU-therm", 30500),
            ("PLL-therm", 28000),
            ("PMIC-Die", 100000),
            ("thermal-fan-est", 31250),
        ),
    },
    {"nvpmodel -q": "NV Power Mode: MAXN\n0\n"},
)
LAPTOP = RecordedBoard(
    {
        "sys/class/dmi/id/sys_vendor": "LENOVO\n",
        "sys/class/dmi/id/product_name": "20XW0055GE\n",
        **os_release("Arch Linux", "rolling", "1"),
        **zones(("acpitz", 16800), ("x86_pkg_temp", 61000)),
    },
)
EVERY_BOARD = {
    "raspberry-pi-4": PI_4,
    "raspberry-pi-zero-2w": PI_ZERO_2W,
    "jetson-orin-nano": ORIN_NANO,
    "jetson-nano": JETSON_NANO,
    "laptop": LAPTOP,
}
