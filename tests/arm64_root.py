"""An arm64 Debian, made here and run under qemu-user: the device's side of a test without a device.

Making one takes minutes, so each is kept as a tar in a cache folder: EDGECLS_TEST_CACHE, else one
beside the system's temporary files. Times from emulation are no times of a device.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

CACHE_VARIABLE = "EDGECLS_TEST_CACHE"
PACKAGES = ("ca-certificates", "python3", "python3-venv")
PROGRAMS = ("mmdebstrap", "tar")
BINFMT = Path("/proc/sys/fs/binfmt_misc/qemu-aarch64")
# The processor of a Raspberry Pi 4. With qemu-user's own choice, everything that qemu knows, LiteRT
# takes kernels whose instructions qemu 7.2 gets wrong: it answers the same for every picture.
PROCESSOR = "cortex-a72"
CORES = range(4)
CPUINFO = """processor\t: {}
BogoMIPS\t: 108.00
Features\t: fp asimd evtstrm crc32 cpuid
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x0
CPU part\t: 0xd08
CPU revision\t: 3
"""
MAKE_S = 1800


def cache_folder() -> Path:
    """Return the folder of what is made once, made if missing."""
    given = os.environ.get(CACHE_VARIABLE)
    folder = Path(given) if given else Path(tempfile.gettempdir()) / "edgecls-test-cache"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def why_no_arm64(*programs: str) -> str | None:
    """Say why this machine cannot make and run an arm64 Debian; None if it can.

    Args:    programs: needed besides those that make one.
    """
    missing = [name for name in (*PROGRAMS, *programs) if shutil.which(name) is None]
    if missing:
        return f"not installed: {', '.join(missing)}; scripts/test-deps installs them"
    if os.geteuid() != 0:
        return "making an arm64 root needs the rights of root"
    if platform.machine() != "aarch64" and not BINFMT.exists():
        return "this kernel does not run arm64 programs; scripts/test-deps registers qemu-user"
    return None


def arm64_tar(
    packages: Sequence[str] = PACKAGES, *, suite: str = "bookworm", **environment: str
) -> Path:
    """Return a tar of a minimal Debian with `packages`, made on first use.

    Args:    environment: further variables, for the packages' own scripts.
    Raises:  CalledProcessError with mmdebstrap's words, TimeoutExpired.
    """
    words = " ".join(sorted(packages))
    key = hashlib.sha256(f"{suite} {words}".encode()).hexdigest()[:12]
    path = cache_folder() / f"arm64-{suite}-{key}.tar"
    with _alone(path.with_suffix(".lock")):
        if not path.exists():
            _make(path, packages, suite, environment)
    return path


def _make(path: Path, packages: Sequence[str], suite: str, environment: Mapping[str, str]) -> None:
    part = path.with_suffix(".part.tar")
    part.unlink(missing_ok=True)
    command = [
        "mmdebstrap",
        "--architectures=arm64",
        "--variant=minbase",
        f"--include={','.join(packages)}",
        "--dpkgopt=path-exclude=/usr/share/man/*",
        "--dpkgopt=path-exclude=/usr/share/doc/*",
        "--dpkgopt=path-exclude=/usr/share/locale/*",
        suite,
        str(part),
    ]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=MAKE_S,
        check=False,
        cwd="/",
        env={**os.environ, **environment},
    )
    if done.returncode:
        part.unlink(missing_ok=True)
        raise subprocess.CalledProcessError(
            done.returncode, command, done.stdout, done.stderr[-4000:]
        )
    part.rename(path)


def unpacked(tar: Path, folder: Path) -> Path:
    """Unpack a root into `folder`, made if missing, and return it. Device nodes are left out."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        ["tar", "-C", str(folder), "--numeric-owner", "--exclude=./dev/*", "-xpf", str(tar)],
        check=True,
        capture_output=True,
        timeout=600,
    )
    return folder


def run_in_root(
    root: Path,
    *words: str | Path,
    timeout_s: float,
    environment: Mapping[str, str] | None = None,
    user: str | None = None,
    check: bool = True,
) -> subprocess.CompletedProcess[str]:
    """Run a program of `root` in it, with /proc, /dev and the host's names of hosts.

    /sys and /proc/cpuinfo are those of a Pi with four cores. This machine's own would show another
    processor, and what reads it there to learn of its own (the library cpuinfo, in LiteRT) dies of
    it; with no cores at all LiteRT leaves its fast kernels aside, and a device does not.

    Args:    user: "uid:gid" in place of root.
    Raises:  AssertionError with the program's words when it fails and `check`; TimeoutExpired.
    """
    clean = {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/root",
        "QEMU_CPU": PROCESSOR,
    }
    with mounted(root):
        done = subprocess.run(
            ["chroot", *([f"--userspec={user}"] if user else []), str(root), *map(str, words)],
            env={**clean, "LC_ALL": "C.UTF-8", **(environment or {})},
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
    if check:
        said = f"{words}: {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        assert done.returncode == 0, said
    return done


@contextmanager
def mounted(root: Path) -> Iterator[None]:
    """Mount /proc, a Pi's cores and the few devices that programs need; unmount them at the end."""
    done: list[Path] = []
    try:
        for words, place in (
            (["-t", "proc", "proc"], root / "proc"),
            (["-t", "tmpfs", "-o", "mode=755", "tmpfs"], root / "dev"),
            (["-t", "tmpfs", "-o", "mode=755", "tmpfs"], root / "sys"),
        ):
            place.mkdir(exist_ok=True)
            subprocess.run(["mount", *words, str(place)], check=True, timeout=30)
            done.append(place)
        for name in ("null", "zero", "full", "random", "urandom"):
            os.mknod(root / "dev" / name, 0o20666, Path("/dev", name).stat().st_rdev)
            (root / "dev" / name).chmod(0o666)  # whatever the umask
        cores = root / "sys/devices/system/cpu"
        cores.mkdir(parents=True)
        for name in ("possible", "present"):
            (cores / name).write_text(f"{CORES[0]}-{CORES[-1]}\n")
        said = root / "sys/cpuinfo"
        said.write_text("\n".join(CPUINFO.format(core) for core in CORES))
        subprocess.run(
            ["mount", "--bind", str(said), str(root / "proc/cpuinfo")], check=True, timeout=30
        )
        done.append(root / "proc/cpuinfo")
        (root / "dev/fd").symlink_to("/proc/self/fd")
        (root / "dev/shm").mkdir()
        (root / "dev/shm").chmod(0o1777)
        for name in ("resolv.conf", "hosts"):
            if Path("/etc", name).exists() and os.access(root / "etc", os.W_OK):
                shutil.copyfile(Path("/etc", name), root / "etc" / name)
        yield
    finally:
        for place in reversed(done):
            subprocess.run(["umount", "--lazy", str(place)], check=False, timeout=30)


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Let one process at a time make a root."""
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
