"""Read an operating system's image as it was downloaded: plain, .xz, .zip or .gz, as a stream."""

from __future__ import annotations

import gzip
import hashlib
import lzma
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from edgecls.errors import DeployError

CHUNK_BYTES = 1 << 20
DOWNLOAD_AGAIN = "download the image again"

Told = Callable[[int, int], None]
"""Is told bytes done and bytes in all; the second may be an estimate."""


def untold(done: int, total: int) -> None:
    """Tell nobody."""
    del done, total


Opener = Callable[[IO[bytes]], IO[bytes]]


def _plain(file: IO[bytes]) -> IO[bytes]:
    return file


def _xz(file: IO[bytes]) -> IO[bytes]:
    return lzma.LZMAFile(file)


def _gz(file: IO[bytes]) -> IO[bytes]:
    return gzip.GzipFile(fileobj=file)  # type: ignore[return-value]  # reads like any binary file


def _zip(file: IO[bytes]) -> IO[bytes]:
    archive = zipfile.ZipFile(file)
    images = [item for item in archive.infolist() if item.filename.endswith(".img")]
    if len(images) != 1:
        raise DeployError(
            f"{file.name} holds {len(images)} files named .img, expected one",
            hint="unpack it and give the .img",
        )
    return archive.open(images[0])


OPENERS: Mapping[str, Opener] = {".img": _plain, ".xz": _xz, ".gz": _gz, ".zip": _zip}


@contextmanager
def open_image(path: Path) -> Iterator[tuple[IO[bytes], Callable[[], int]]]:
    """Open an image for reading from its start to its end.

    Returns: the stream of the unpacked image, and how many bytes of the file itself were read.
    Raises:  DeployError for a name of another kind and a file that cannot be opened.
    """
    opener = OPENERS.get(path.suffix.lower())
    if opener is None:
        raise DeployError(
            f"{path} is no image by its name, expected one that ends in {', '.join(OPENERS)}",
            hint="give the image as you downloaded it",
        )
    try:
        with path.open("rb") as file, opener(file) as stream:
            yield stream, file.tell
    except OSError as error:
        if error.errno is None:
            raise damaged(path, error) from error
        raise DeployError(f"cannot read {path}: {error.strerror}") from error
    except zipfile.BadZipFile as error:
        raise damaged(path, error) from error


def chunks_of_image(path: Path, told: Told = untold) -> Iterator[bytes]:
    """Yield the unpacked image in pieces of at most CHUNK_BYTES.

    Args:    told: of the file's own bytes, packed as they are.
    Raises:  DeployError when the file is cut off, damaged, or cannot be read.
    """
    total = size_of(path)
    with open_image(path) as (stream, position):
        while True:
            try:
                chunk = stream.read(CHUNK_BYTES)
            except (EOFError, lzma.LZMAError, zlib.error, zipfile.BadZipFile) as error:
                raise damaged(path, error) from error
            if not chunk:
                return
            yield chunk
            told(min(position(), total), total)


def damaged(path: Path, error: Exception) -> DeployError:
    """Return the error for a packed image whose end is missing or whose content is broken."""
    text = str(error)
    cut = isinstance(error, EOFError) or "truncated" in text or "ended before" in text
    what = "is cut off before its end" if cut else f"is damaged ({text})"
    return DeployError(f"{path} {what}, expected a whole image", hint=DOWNLOAD_AGAIN)


def size_of(path: Path) -> int:
    """Return the bytes of a file. Raises: DeployError when there is none."""
    try:
        return path.stat().st_size
    except OSError as error:
        raise DeployError(
            f"cannot read {path}: {error.strerror}", hint="give the path of an image"
        ) from error


def check_checksum(path: Path, told: Told = untold) -> bool:
    """Compare the file with the SHA-256 in PATH.sha256, if that file lies beside it.

    Returns: whether there was one.
    Raises:  DeployError when they differ, or the .sha256 names no hash.
    """
    beside = path.with_name(path.name + ".sha256")
    if not beside.is_file():
        return False
    found = re.search(r"\b[0-9a-fA-F]{64}\b", beside.read_text("utf-8", "replace"))
    if found is None:
        raise DeployError(
            f"{beside} holds no SHA-256, expected 64 hexadecimal digits",
            hint=f"download it again, or remove it to go without: {beside}",
        )
    digest = sha256_of(path, told)
    if digest != found.group().lower():
        raise DeployError(
            f"{path} is not what {beside.name} says, expected {found.group().lower()}, "
            f"received {digest}",
            hint=DOWNLOAD_AGAIN,
        )
    return True


def sha256_of(path: Path, told: Told = untold) -> str:
    """Return the SHA-256 of a file in hexadecimal digits."""
    digest, done, total = hashlib.sha256(), 0, size_of(path)
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
            done += len(chunk)
            told(done, total)
    return digest.hexdigest()
