"""Cards: which may be overwritten, and that each byte arrives; plain files stand for the device."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from edgecls.deploy.block_device import BlockDevice, RawDevice, examine, write_and_compare
from edgecls.errors import ConfigError, DeployError

CARD = 32_000_000_000


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """Return a recorded machine: sda is the system's disk, sdb a card, sdc an empty reader."""
    for name, number, sectors in (
        ("sda", "8:0", 10**9),
        ("sdb", "8:16", CARD // 512),
        ("sdc", "8:32", 0),
    ):
        _disk(tmp_path, name, number, sectors)
    _part(tmp_path, "sda", "sda2", "8:2")
    _part(tmp_path, "sdb", "sdb1", "8:17")
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/swaps").write_text("Filename Type Size Used Priority\n")
    _mounts(tmp_path, "36 1 8:2 / / rw shared:1 - ext4 /dev/sda2 rw")
    return tmp_path


def _disk(root: Path, name: str, number: str, sectors: int) -> None:
    folder = root / "sys/class/block" / name
    (folder / "device").mkdir(parents=True)
    (folder / "dev").write_text(number + "\n")
    (folder / "size").write_text(f"{sectors}\n")
    (folder / "device/vendor").write_text("Generic ")
    (folder / "device/model").write_text("STORAGE DEVICE\n")


def _part(root: Path, disk: str, name: str, number: str) -> None:
    for folder in (root / "sys/class/block" / disk / name, root / "sys/class/block" / name):
        folder.mkdir(parents=True)
        (folder / "partition").write_text("1\n")
        (folder / "dev").write_text(number + "\n")


def _mounts(root: Path, *lines: str) -> None:
    (root / "proc/self/mountinfo").write_text("\n".join(lines) + "\n")


def test_a_card_is_named_with_model_and_size(machine: Path) -> None:
    card = examine(Path("/dev/sdb"), root=machine)
    assert card == BlockDevice(Path("/dev/sdb"), "Generic STORAGE DEVICE", CARD)
    assert str(card) == "/dev/sdb (Generic STORAGE DEVICE, 32.0 GB)"


def test_the_system_s_disk_is_refused(machine: Path) -> None:
    with pytest.raises(ConfigError, match=r"/dev/sda .* is the disk this system runs from \(/\)"):
        examine(Path("/dev/sda"), root=machine)
    (machine / "proc/swaps").write_text("Filename Type\n/dev/sdb1 partition 1 0 -2\n")
    with pytest.raises(ConfigError, match=r"is the disk this system runs from \(swap\)"):
        examine(Path("/dev/sdb"), root=machine)


def test_the_system_s_disk_is_found_below_a_mapped_one(machine: Path) -> None:
    _disk(machine, "dm-0", "254:0", 100)
    (machine / "sys/class/block/sdb1/holders/dm-0").mkdir(parents=True)
    _mounts(machine, "36 1 254:0 / / rw shared:1 - ext4 /dev/mapper/root rw")
    with pytest.raises(ConfigError, match="is the disk this system runs from"):
        examine(Path("/dev/sdb"), root=machine)


@pytest.mark.parametrize(
    "line",
    [
        "40 36 8:17 / /media/card rw - vfat /dev/sdb1 rw",
        "40 36 0:50 /@ /media/card rw shared:2 master:1 - btrfs /dev/sdb1 rw",
    ],
)
def test_a_mounted_card_is_refused(machine: Path, line: str) -> None:
    _mounts(machine, line)
    with pytest.raises(ConfigError, match=r"is mounted \(/media/card\)") as caught:
        examine(Path("/dev/sdb"), root=machine)
    assert caught.value.hint == "unmount it first: sudo umount /dev/sdb*"


@pytest.mark.parametrize(
    ("name", "told"),
    [("sdb1", "is a partition"), ("sdc", "holds no card"), ("null", "is no disk")],
)
def test_what_is_no_card_is_refused(machine: Path, name: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        examine(Path("/dev", name), root=machine)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "card.img"
    path.write_bytes(os.urandom(3 * 1024 * 1024 + 512))
    return path


def _device(tmp_path: Path, size: int = 4 << 20) -> Path:
    path = tmp_path / "device"
    path.write_bytes(b"\xff" * size)
    return path


def test_everything_is_written_and_read_back(tmp_path: Path, source: Path) -> None:
    device = _device(tmp_path)
    told: list[tuple[int, int]] = []
    write_and_compare(
        source, device, size_bytes=4 << 20, told=lambda done, total: told.append((done, total))
    )
    total = source.stat().st_size
    assert device.read_bytes()[:total] == source.read_bytes()
    assert device.stat().st_size == 4 << 20
    assert told[-1] == (2 * total, 2 * total)


def test_a_smaller_card_is_refused_untouched(tmp_path: Path, source: Path) -> None:
    device = _device(tmp_path, 1 << 20)
    with pytest.raises(DeployError, match=r"holds 0.0 GB, expected at least"):
        write_and_compare(source, device, size_bytes=1 << 20)
    assert device.read_bytes() == b"\xff" * (1 << 20)


class WornCard(RawDevice):
    """A card whose second megabyte cannot be written."""

    def write_at(self, place: int, data: bytes) -> int:
        if place >= 1 << 20:
            raise OSError(errno.EIO, "Input/output error")
        return super().write_at(place, data)


class HastyCard(RawDevice):
    """A sound card that takes and gives less than it is asked for."""

    def write_at(self, place: int, data: bytes) -> int:
        return super().write_at(place, data[:100_000])

    def read_at(self, place: int, count: int) -> bytes:
        return super().read_at(place, min(count, 70_000))


class ShortCard(RawDevice):
    """A card that holds two megabytes, whatever it says."""

    def read_at(self, place: int, count: int) -> bytes:
        return super().read_at(place, count) if place < 2 << 20 else b""


class ForgetfulCard(RawDevice):
    """A card that keeps nothing beyond its first megabyte."""

    def write_at(self, place: int, data: bytes) -> int:
        return super().write_at(place, bytes(len(data)) if place else data)


class UnreadableCard(RawDevice):
    """A card that cannot be read back."""

    def read_at(self, place: int, count: int) -> bytes:
        raise OSError(errno.EIO, "Input/output error")


@pytest.mark.parametrize(
    ("card", "told"),
    [
        (WornCard, "writing to .* failed after 1 MB: Input/output error"),
        (ShortCard, "ends early at 2 MB"),
        (ForgetfulCard, "is not what was written at 1 MB"),
        (UnreadableCard, "reading .* back failed at 0 MB: Input/output error"),
    ],
)
def test_a_bad_card_is_told(card: type[RawDevice], told: str, tmp_path: Path, source: Path) -> None:
    with pytest.raises(DeployError, match=told) as caught:
        write_and_compare(source, _device(tmp_path), size_bytes=4 << 20, opened=card)
    assert caught.value.exit_code == 4


def test_short_reads_and_writes_are_continued(tmp_path: Path, source: Path) -> None:
    device = _device(tmp_path)
    write_and_compare(source, device, size_bytes=4 << 20, opened=HastyCard)
    assert device.read_bytes()[: source.stat().st_size] == source.read_bytes()


def test_a_full_device_is_told(source: Path) -> None:
    with pytest.raises(DeployError, match=r"writing to /dev/full failed after 0 MB: No space left"):
        write_and_compare(source, Path("/dev/full"), size_bytes=4 << 20)


def test_a_device_that_may_not_be_opened_says_what_to_do(source: Path, tmp_path: Path) -> None:
    def refused(path: Path) -> RawDevice:
        raise PermissionError(errno.EACCES, "Permission denied")

    with pytest.raises(DeployError, match="cannot write to") as caught:
        write_and_compare(source, tmp_path / "device", size_bytes=4 << 20, opened=refused)
    assert caught.value.hint == "sudo edgecls flash ..."
