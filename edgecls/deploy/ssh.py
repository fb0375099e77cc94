"""A device over ssh: run a command, copy a file, say in one line what is wrong on the way."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from edgecls._lib import proc
from edgecls.errors import DeployError, MissingDependencyError

CONNECT_S = 15
OPTIONS = ("-o", "BatchMode=yes", "-o", f"ConnectTimeout={CONNECT_S}")
SSH_FAILED = 255

# What ssh and scp say -> what it means, and what to do. The first that fits.
FAULTS: tuple[tuple[str, str, str], ...] = (
    (
        "REMOTE HOST IDENTIFICATION HAS CHANGED",
        "answers with another host key than before: another device, or one set up anew",
        "only if you know why: ssh-keygen -R {name}, then: ssh {host}",
    ),
    (
        "Host key verification failed",
        "has a host key that this machine does not know yet",
        "look at it once: ssh {host}",
    ),
    ("Permission denied", "lets nobody in with the keys of this machine", "ssh-copy-id {host}"),
    (
        "Could not resolve",
        "is no name that this network knows",
        "is it spelled right? try its address",
    ),
)


@dataclass(frozen=True, slots=True)
class Remote:
    """A host, as ssh takes it: [user@]name.

    Args:    told: is given each command before it is run, as it can be pasted.
             dry: run nothing but questions.
    Raises:  every call DeployError when the host cannot be reached or a command fails there;
             MissingDependencyError without ssh.
    """

    host: str
    told: Callable[[str], None] = field(repr=False)
    dry: bool = False
    root: bool = False

    def ask(self, script: str, *, timeout_s: float = 60) -> str:
        """Run shell lines that change nothing; return what they print."""
        return self._run(["ssh", *OPTIONS, self.host, script], timeout_s).stdout

    def do(self, script: str, *, timeout_s: float) -> str:
        """Run shell lines with the rights of root; return what they print."""
        line = script if self.root else f"sudo -n sh -c {shlex.quote(script)}"
        command = ["ssh", *OPTIONS, self.host, line]
        self.told(shlex.join(command))
        return "" if self.dry else self._run(command, timeout_s).stdout

    def copy(self, source: Path, target: str, *, timeout_s: float) -> None:
        """Copy one file to the host, under a name of its own until it is whole."""
        command = ["scp", "-q", *OPTIONS, str(source), f"{self.host}:{target}.part"]
        self.told(shlex.join(command))
        if not self.dry:
            self._run(command, timeout_s)
        move = ["ssh", *OPTIONS, self.host, f"mv -f {target}.part {target}"]
        self.told(shlex.join(move))
        if not self.dry:
            self._run(move, 60)

    def _run(self, command: list[str], timeout_s: float) -> subprocess.CompletedProcess[str]:
        try:
            done = proc.run(command, timeout_s=timeout_s, stdin="", check=False)
        except FileNotFoundError as error:
            raise MissingDependencyError(
                f"the program {command[0]} is not installed", hint="sudo apt install openssh-client"
            ) from error
        except subprocess.TimeoutExpired as error:
            raise DeployError(
                f"{self.host} did not answer within {timeout_s:.0f} s",
                hint="is it still on? run the same command again: it goes on where it stopped",
            ) from error
        if done.returncode:
            raise self._fault(command[0], done)
        return done

    def _fault(self, program: str, done: subprocess.CompletedProcess[str]) -> DeployError:
        said = done.stderr.strip()
        last = said.splitlines()[-1] if said else f"exit code {done.returncode}"
        by_ssh = done.returncode == SSH_FAILED or program == "scp"
        for words, meaning, hint in FAULTS if by_ssh else ():
            if words in said:
                name = self.host.rpartition("@")[2]
                return DeployError(
                    f"{self.host} {meaning}", hint=hint.format(host=self.host, name=name)
                )
        if by_ssh:
            return DeployError(
                f"{self.host} cannot be reached: {last}",
                hint="is it on, and in the same network? ping it",
            )
        if "sudo:" in said:
            return DeployError(
                f"{self.host} asks for a password for sudo, expected none",
                hint="push as root@..., or allow it: sudo visudo -f /etc/sudoers.d/edgecls",
            )
        return DeployError(f"{self.host}: {last}", hint="run the same command again")
