"""Reading downloads: each kind of packing, cut off, damaged, and beside a checksum."""

from __future__ import annotations

import gzip
import hashlib
import lzma
import random
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from edgecls.deploy.image import check_checksum, chunks_of_image
from edgecls.errors import DeployError

CONTENT = random.Random(1).randbytes(300_000) + bytes(2_500_000) + b"end"


def _plain(path: Path) -> None:
    path.write_bytes(CONTENT)


def _xz(path: Path) -> None:
    path.write_bytes(lzma.compress(CONTENT, preset=0))


def _gz(path: Path) -> None:
    path.write_bytes(gzip.compress(CONTENT, 1))


def _zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("readme.txt", "hello")
        archive.writestr("system.img", CONTENT)


PACKERS: dict[str, Callable[[Path], None]] = {
    "system.img": _plain,
    "system.img.xz": _xz,
    "system.img.gz": _gz,
    "system.zip": _zip,
}


@pytest.mark.parametrize("name", PACKERS)
def test_each_packing_gives_the_same_bytes(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    PACKERS[name](path)
    told: list[tuple[int, int]] = []
    content = b"".join(chunks_of_image(path, lambda done, total: told.append((done, total))))
    assert content == CONTENT
    assert told[-1][0] <= told[-1][1] == path.stat().st_size
    assert [done for done, _ in told] == sorted(done for done, _ in told)


@pytest.mark.parametrize("name", ["system.img.xz", "system.img.gz"])
def test_a_cut_off_image_is_named(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    PACKERS[name](path)
    path.write_bytes(path.read_bytes()[:-50_000])
    with pytest.raises(DeployError, match=r"is cut off before its end") as caught:
        list(chunks_of_image(path))
    assert str(path) in caught.value.message
    assert caught.value.exit_code == 4


@pytest.mark.parametrize("name", ["system.img.xz", "system.img.gz", "system.zip"])
def test_a_damaged_image_is_named(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    PACKERS[name](path)
    data = bytearray(path.read_bytes())
    data[1000:1040] = bytes(40)
    path.write_bytes(data)
    with pytest.raises(DeployError, match=r"is damaged"):
        list(chunks_of_image(path))


def test_a_zip_without_its_directory_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "system.zip"
    _zip(path)
    path.write_bytes(path.read_bytes()[:-30_000])
    with pytest.raises(DeployError, match=r"is damaged \(File is not a zip file\)"):
        list(chunks_of_image(path))


def test_a_zip_with_two_images_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "system.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.img", b"a")
        archive.writestr("b.img", b"b")
    with pytest.raises(DeployError, match=r"holds 2 files named .img, expected one"):
        list(chunks_of_image(path))


def test_other_names_and_missing_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DeployError, match=r"notes.txt is no image by its name"):
        list(chunks_of_image(_file(tmp_path / "notes.txt", b"x")))
    with pytest.raises(DeployError, match=r"No such file"):
        list(chunks_of_image(tmp_path / "missing.img"))


def test_the_checksum_beside_the_image_is_compared(tmp_path: Path) -> None:
    path = _file(tmp_path / "system.img", b"content")
    assert not check_checksum(path)
    digest = hashlib.sha256(b"content").hexdigest()
    beside = _file(tmp_path / "system.img.sha256", f"{digest}  system.img\n".encode())
    assert check_checksum(path)
    beside.write_text(digest.upper())
    assert check_checksum(path)
    path.write_bytes(b"another")
    with pytest.raises(DeployError, match=rf"is not what .*\.sha256 says, expected {digest}"):
        check_checksum(path)
    beside.write_text("nothing")
    with pytest.raises(DeployError, match=r"holds no SHA-256"):
        check_checksum(path)


def _file(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path
