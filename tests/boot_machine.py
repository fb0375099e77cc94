"""A whole arm64 machine in emulation, started from a card with the layout of Raspberry Pi OS.

The system is Debian's, made here: its kernel, cloud-init as Raspberry Pi OS sets it up, and an
initial RAM disk of our own with the few modules that find the card. Times from emulation are no
times of a device.
"""

from __future__ import annotations

import http.client
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from edgecls.cli.main import run
from tests.arm64_root import arm64_tar, unpacked, why_no_arm64
from tests.card_images import BOOT_START_BYTES, FAT32_LBA, LINUX, partition_table, write_fat
from tests.device_wheels import BOARD, device_wheels

PACKAGES = (
    "busybox-static", "ca-certificates", "cloud-init", "dbus", "iproute2", "kmod",
    "linux-image-arm64", "netplan.io", "python3", "systemd", "systemd-sysv", "udev",
)  # fmt: skip
PROGRAMS = ("qemu-system-aarch64", "mkfs.ext4", "debugfs", "e2fsck", "depmod")
WHY_NOT = why_no_arm64(*PROGRAMS, "mcopy", "mkfs.vfat", "cpio")
MODULES = ("virtio_mmio", "virtio_blk", "ext4", "crc32c_generic")
BOOT_BYTES, ROOT_BYTES = 512 << 20, 2300 << 20
ROOT_START_BYTES = BOOT_START_BYTES + BOOT_BYTES
CMDLINE = "console=ttyAMA0 root=/dev/vda2 rootfstype=ext4 systemd.journald.forward_to_console=1\n"
NO_CLOUD = """datasource_list: [ NoCloud, None ]
datasource:
  NoCloud:
    seedfrom: file:///boot/firmware/
"""
FSTAB = "/dev/vda1 /boot/firmware vfat defaults,flush 0 2\n/dev/vda2 / ext4 defaults,noatime 0 1\n"
INIT = """#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /dev /root
/bin/busybox mount -t devtmpfs dev /dev
/bin/busybox mount -t proc proc /proc
for module in $(/bin/busybox cat /modules); do /bin/busybox insmod $module; done
while [ ! -b /dev/vda2 ]; do /bin/busybox sleep 1; done
/bin/busybox mount -t ext4 /dev/vda2 /root
/bin/busybox mount --move /dev /root/dev
/bin/busybox umount /proc
exec /bin/busybox switch_root /root /sbin/init
"""


def flashed_machine(folder: Path) -> Machine:
    """Return a machine that never started, its card flashed by `edgecls flash` with the demo door.

    Raises:  pytest's Skipped where the wheels cannot be had.
    """
    house = device_wheels("3.11")
    tar = arm64_tar(PACKAGES, INITRD="No")  # Debian's own RAM disk takes half an hour to pack here
    root = unpacked(tar, folder / "root")
    stock = stock_image(root, folder / "stock.img")
    shutil.rmtree(root)
    config, card = folder / "door.toml", folder / "card.img"
    config.write_text('[camera]\nkind = "demo"\n')
    words = ["--image", str(stock), "-c", str(config), "--wheelhouse", str(house.folder)]
    words += ["--python", "3.11", "--hostname", "front-door", "--out", str(card)]
    assert run(["flash", BOARD, *words]) == 0
    stock.unlink()
    return Machine(card, folder)


def stock_image(root: Path, path: Path) -> Path:
    """Make an image of a system: MBR, FAT "bootfs" with kernel and cloud-init's files, ext4 root.

    Args:    root: an unpacked Debian with PACKAGES; is changed into the system.
    """
    (root / "boot/firmware").mkdir(exist_ok=True)
    (root / "etc/fstab").write_text(FSTAB)
    (root / "etc/cloud/cloud.cfg.d/99_card.cfg").write_text(NO_CLOUD)
    order = root / "etc/systemd/system/cloud-init-local.service.d/50-card.conf"
    order.parent.mkdir(parents=True, exist_ok=True)
    order.write_text("[Unit]\nRequiresMountsFor=/boot/firmware\n")
    (root / "etc/hostname").write_text("stock\n")
    (root / "etc/machine-id").write_text("")
    wants = root / "etc/systemd/system/multi-user.target.wants"
    wants.mkdir(parents=True, exist_ok=True)
    network = wants / "systemd-networkd.service"
    if not network.is_symlink():
        network.symlink_to("/lib/systemd/system/systemd-networkd.service")
    with path.open("wb") as file:
        boot = (FAT32_LBA, BOOT_START_BYTES, BOOT_BYTES)
        file.write(partition_table(boot, (LINUX, ROOT_START_BYTES, ROOT_BYTES)))
        file.truncate(ROOT_START_BYTES + ROOT_BYTES)
    files = {"cmdline.txt": CMDLINE, "config.txt": "", "user-data": "", "meta-data": "",
             "network-config": ""}  # fmt: skip
    write_fat(path, files, start_bytes=BOOT_START_BYTES, size_bytes=BOOT_BYTES)
    (kernel,) = (root / "boot").glob("vmlinuz-*")
    ramdisk = _ramdisk(root, path.with_suffix(".initramfs"), kernel.name.partition("-")[2])
    for source, name in ((kernel, "kernel8.img"), (ramdisk, "initramfs8")):
        _run("mcopy", "-i", f"{path}@@{BOOT_START_BYTES}", source, f"::/{name}")
    offset, size = f"offset={ROOT_START_BYTES}", f"{ROOT_BYTES // 1024}k"
    _run("mkfs.ext4", "-q", "-F", "-L", "rootfs", "-E", offset, "-d", root, path, size)
    return path


def _ramdisk(root: Path, path: Path, release: str) -> Path:
    """Pack busybox, an /init and the modules, in the order in which they need each other."""
    folder = path.with_suffix(".folder")
    (folder / "bin").mkdir(parents=True)
    shutil.copy(root / "bin/busybox", folder / "bin/busybox")
    modules = root / "lib/modules" / release
    _run("depmod", "-b", root, release)
    needs: dict[str, list[str]] = {}
    for line in (modules / "modules.dep").read_text().splitlines():
        name, _, others = line.partition(":")
        needs[Path(name).name.split(".")[0].replace("-", "_")] = [name, *others.split()]
    ordered: list[str] = []
    for module in MODULES:
        ordered += [name for name in reversed(needs.get(module, [])) if name not in ordered]
    for name in ordered:
        shutil.copy(modules / name, folder / Path(name).name)
    (folder / "modules").write_text("".join(f"/{Path(name).name}\n" for name in ordered))
    (folder / "init").write_text(INIT)
    (folder / "init").chmod(0o755)
    words = "find . | cpio --quiet -o -H newc"
    with path.open("wb") as file:
        subprocess.run(["sh", "-c", words], cwd=folder, stdout=file, check=True, timeout=60)
    shutil.rmtree(folder)
    return path


class Machine:
    """An emulated board with a card in it.

    Args:    card: the image.   folder: for the kernel out of the card, and the console's log.
    """

    def __init__(self, card: Path, folder: Path) -> None:
        self.card, self._folder, self._boots = card, folder, 0
        self._process: subprocess.Popen[bytes] | None = None
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])

    @property
    def console(self) -> str:
        """Return what this start has printed so far."""
        path = self._folder / f"console-{self._boots}.log"
        return path.read_text("utf-8", "replace") if path.exists() else ""

    def start(self) -> None:
        """Switch the board on: kernel, RAM disk and command line come from the card."""
        self._boots += 1
        for name in ("kernel8.img", "initramfs8", "cmdline.txt"):
            drive = f"{self.card}@@{BOOT_START_BYTES}"
            _run("mcopy", "-o", "-n", "-i", drive, f"::/{name}", self._folder / name)
        self._process = subprocess.Popen(
            [
                "qemu-system-aarch64", "-M", "virt", "-cpu", "cortex-a72", "-smp", "2",
                "-m", "1536", "-accel", "tcg,thread=multi", "-display", "none", "-no-reboot",
                "-monitor", "none", "-serial", f"file:{self._folder}/console-{self._boots}.log",
                "-kernel", str(self._folder / "kernel8.img"),
                "-initrd", str(self._folder / "initramfs8"),
                "-append", (self._folder / "cmdline.txt").read_text().strip(),
                "-drive", f"file={self.card},format=raw,if=none,id=card,cache=writethrough",
                "-device", "virtio-blk-device,drive=card",
                "-netdev", f"user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:{self.port}-:8080",
                "-device", "virtio-net-device,netdev=net",
            ]
        )  # fmt: skip

    def wait_for(self, words: str, timeout_s: float) -> None:
        """Wait until the console has said `words`. Raises: AssertionError with its end."""
        end = time.monotonic() + timeout_s
        while words not in self.console:
            running = self._process is not None and self._process.poll() is None
            assert running, f"the machine stopped: {self.console[-3000:]}"
            assert time.monotonic() < end, f"no {words!r} in: {self.console[-3000:]}"
            time.sleep(0.5)

    def page_answers(self, timeout_s: float) -> bool:
        """Ask for the page's login, over TLS with a certificate of its own, until it is there."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            connection = http.client.HTTPSConnection(
                "127.0.0.1", self.port, timeout=15, context=context
            )
            try:
                connection.request("GET", "/login")
                if connection.getresponse().status == 200:
                    return True
            except (OSError, http.client.HTTPException):
                pass  # not up yet
            finally:
                connection.close()
            time.sleep(1)
        return False

    def cut_power(self) -> None:
        """Kill the emulator, by its own id, in the middle of whatever it does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(30)
            self._process = None

    def root_files(self, folder: str) -> Iterator[Path]:
        """Yield the files below a folder of the root, after the repair that a start would make."""
        root = self._folder / "root.ext4"
        with self.card.open("rb") as card, root.open("wb") as file:
            card.seek(ROOT_START_BYTES)
            shutil.copyfileobj(card, file, 1 << 20)
        repaired = subprocess.run(["e2fsck", "-fy", str(root)], capture_output=True, timeout=600)
        assert repaired.returncode in (0, 1), repaired.stdout
        out = self._folder / "dumped"
        out.mkdir(exist_ok=True)
        _run("debugfs", "-R", f"rdump {folder} {out}", root)
        root.unlink()
        yield from (path for path in out.rglob("*") if path.is_file())


def _run(*words: str | Path) -> None:
    subprocess.run([str(word) for word in words], check=True, capture_output=True, timeout=1200)
