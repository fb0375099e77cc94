"""Read and write the FAT partition inside an image, without root: with GNU mtools."""

from __future__ import annotations

import re
import struct
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from edgecls._lib import proc
from edgecls.deploy.partitions import Partition
from edgecls.errors import DeployError, MissingDependencyError

TIMEOUT_S = 600.0
NOT_FOUND = 127
"""What env answers for a program that is not there."""

PLAIN_TABLE = ("env", "MTOOLS_SKIP_CHECK=1", "MTOOLS_NO_VFAT=0", "LC_ALL=C.UTF-8")
FREE = re.compile(r"^\s*([0-9][0-9 ]*) bytes free\s*$", re.MULTILINE)
NAME = re.compile(r'[^\x00-\x1f"*/:<>?\\|]{1,255}')


@dataclass(frozen=True, slots=True)
class FatPartition:
    """The files of one FAT partition; paths are relative to its top, with "/" between.

    Raises:  every call DeployError when mtools refuses; MissingDependencyError without mtools.
    """

    image: Path
    partition: Partition

    def names(self, folder: str = "") -> tuple[str, ...]:
        """Return the names in a folder, as they were written."""
        listed = self._mtools("mdir", "-b", "-a", f"::/{folder}").stdout.splitlines()
        names = (line.removeprefix("::").rstrip("/").rpartition("/")[2] for line in listed)
        return tuple(sorted(name for name in names if name))

    def read(self, path: str) -> str:
        """Return a text file's content; bytes that are no UTF-8 are replaced."""
        with tempfile.TemporaryDirectory() as folder:
            self._mtools("mcopy", f"::/{path}", f"{folder}/copy")
            return Path(folder, "copy").read_text("utf-8", "replace")

    def free_bytes(self) -> int:
        """Return the room that is left, as whole clusters."""
        found = FREE.search(self._mtools("mdir", "-a", "::/").stdout)
        if found is None:
            raise self._refused("mdir", "it tells no free space")
        return int(found.group(1).replace(" ", ""))

    def needed_bytes(self, sizes: Iterable[int], folders: int = 0) -> int:
        """Return what files of these sizes take: whole clusters, and one for each folder."""
        cluster = self._cluster_bytes()
        return sum(-(-size // cluster) * cluster for size in sizes) + folders * cluster

    def write(self, files: Mapping[str, Path]) -> None:
        """Copy files in, over those of the same name; folders are made.

        Args:    files: path in the partition -> file on this machine.
        Raises:  DeployError, besides, for a name that FAT cannot hold, and when room is lacking.
        """
        folders = sorted({parent for path in files for parent in _parents(path)})
        needed = self.needed_bytes((file.stat().st_size for file in files.values()), len(folders))
        free = self.free_bytes()
        if needed > free:
            raise DeployError(
                f"the boot partition of {self.image} is too small, expected {needed / 1e6:.1f} MB "
                f"free, received {free / 1e6:.1f} MB",
                hint="take an image with a larger boot partition, or leave --bundle out",
            )
        for folder in folders:
            if folder.rpartition("/")[2] not in self.names(folder.rpartition("/")[0]):
                self._mtools("mmd", f"::/{folder}")
        for path, file in files.items():
            if not all(NAME.fullmatch(part) for part in path.split("/")):
                raise DeployError(f"{path!r} cannot be a name on a FAT partition")
            self._mtools("mcopy", "-o", "-m", str(file), f"::/{path}")

    def _cluster_bytes(self) -> int:
        with self.image.open("rb") as file:
            file.seek(self.partition.start_bytes)
            sector_bytes, sectors = struct.unpack_from("<HB", file.read(64), 11)
        return int(sector_bytes * sectors)

    def _mtools(self, program: str, *words: str) -> subprocess.CompletedProcess[str]:
        drive = ("-i", f"{self.image}@@{self.partition.start_bytes}")
        command = [*PLAIN_TABLE, program, *drive, *words]
        done = proc.run(command, timeout_s=TIMEOUT_S, check=False)
        if done.returncode == NOT_FOUND:
            raise MissingDependencyError(
                "GNU mtools writes the boot partition, and it is not installed",
                hint="sudo apt install mtools",
            )
        if done.returncode:
            raise self._refused(program, done.stderr)
        return done

    def _refused(self, program: str, why: str) -> DeployError:
        last = (why.strip().splitlines() or [""])[-1]
        return DeployError(
            f"{program} cannot use the boot partition of {self.image}: {last}",
            hint="download the image again",
        )


def _parents(path: str) -> list[str]:
    parts = path.split("/")[:-1]
    return ["/".join(parts[: count + 1]) for count in range(len(parts))]
