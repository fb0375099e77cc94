"""The machine under examination, and the means to look at it."""

from __future__ import annotations

import platform
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from edgecls._lib import proc
from edgecls.boards.detect import board_here
from edgecls.boards.firmware import firmware_here, load_firmware
from edgecls.boards.host import CommandRunner, HostBoard
from edgecls.config import Config
from edgecls.sections.firmware import Firmware

COMMAND_S = 10.0
CONNECT_S = 3.0


def connect(host: str, port: int, timeout_s: float) -> None:
    """Open a TCP connection and close it. Raises: OSError when it fails or takes longer."""
    with socket.create_connection((host, port), timeout_s):
        return


@dataclass(frozen=True)
class Patient:
    """A machine and its configuration.

    Args:    root: the folder that stands for "/", for recorded machines in tests.
             config: None where no configuration was given.   firmware: None for an unknown model.
             machine, python: of this interpreter.
             which, connect, run: how programs are found and run, and hosts reached.
    """

    root: Path
    config: Config | None
    board: HostBoard
    firmware: Firmware | None
    machine: str = platform.machine()
    python: tuple[int, int, int] = sys.version_info[:3]
    which: Callable[[str], str | None] = shutil.which
    connect: Callable[[str, int, float], None] = connect
    run: CommandRunner = proc.run

    def text(self, path: str) -> str:
        """Return what a file of the system says, "" if it cannot be read."""
        try:
            raw = (self.root / path).read_bytes()
        except OSError:
            return ""
        return raw.decode("utf-8", "replace").strip("\0 \n")

    def fields(self, path: str) -> dict[str, str]:
        """Return a file of NAME=value lines, such as /etc/os-release."""
        pairs = (line.partition("=") for line in self.text(path).splitlines())
        return {key: value.strip("\"'") for key, _, value in pairs}

    def says(self, *command: str) -> str | None:
        """Return what a program prints, None if it is missing, fails or takes too long."""
        if self.which(command[0]) is None:
            return None
        try:
            return self.run(command, timeout_s=COMMAND_S).stdout
        except (OSError, subprocess.SubprocessError):
            return None


def patient_here(config: Config | None, root: Path = Path("/")) -> Patient:
    """Return this machine as a patient."""
    key = firmware_here(root)
    return Patient(
        root=root,
        config=config,
        board=board_here(root),
        firmware=load_firmware(key) if key else None,
    )
