"""The two forms of a bundle, a folder and a zip, read without trusting either."""

from __future__ import annotations

import os
import stat
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Protocol

from edgecls.bundle.manifest import is_safe_name
from edgecls.errors import BundleError

ENTRIES_MAX = 256
DIRECTORY_BYTES_MAX = 256 * 1024
RATIO_MAX = 100
RATIO_FREE_BYTES = 1024 * 1024
_CHUNK_BYTES = 256 * 1024
_END = struct.Struct("<4s4H2LH")  # end of central directory record, APPNOTE.TXT 4.3.16
_ZIP64_LOCATOR = b"PK\x06\x07"


class Container(Protocol):
    """Named contents of a bundle."""

    def read(self, name: str, bytes_max: int) -> bytes:
        """Return the content of one file.

        Raises:  BundleError when it is missing, unsafe, damaged or longer than `bytes_max`.
        """
        ...


class FolderContainer:
    """A bundle that is a folder. Links are followed as long as they stay inside it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, name: str, bytes_max: int) -> bytes:
        """Return the content of one file; see Container."""
        path = self._folder / name
        try:
            inside = path.resolve(strict=True).is_relative_to(self._folder.resolve())
            if not inside:
                raise BundleError(
                    f"{self._folder}: {name} leads outside the bundle", hint=_UNSAFE_HINT
                )
            if not stat.S_ISREG(path.stat().st_mode):
                raise BundleError(f"{self._folder}: {name} is not a file", hint=_UNSAFE_HINT)
            with path.open("rb") as file:
                data = file.read(bytes_max + 1)
        except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle
            reason = (
                os.strerror(error.errno)
                if isinstance(error, OSError) and error.errno
                else str(error)
            )
            raise BundleError(
                f"{self._folder}: {name} cannot be read: {reason}",
                hint="the bundle is not complete: copy or download it again",
            ) from error
        return _not_longer(data, bytes_max, f"{self._folder}: {name}")


class ZipContainer:
    """A bundle in one file. Its directory is checked before anything is unpacked.

    Raises:  BundleError when it is truncated, no zip, or made to do harm.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._opened() as archive:
            self._check_directory(archive.infolist())

    def read(self, name: str, bytes_max: int) -> bytes:
        """Return the content of one entry, counting the bytes as they are unpacked."""
        place = f"{self._path}: {name}"
        with self._opened() as archive:
            try:
                entry = archive.getinfo(name)
            except KeyError:
                raise BundleError(
                    f"{place} is missing", hint="is this an edgecls bundle? it must be complete"
                ) from None
            allowed = max(RATIO_FREE_BYTES, entry.compress_size * RATIO_MAX)
            content = bytearray()
            try:
                with archive.open(entry) as stream:
                    while chunk := stream.read(_CHUNK_BYTES):
                        content += chunk
                        if len(content) > bytes_max:
                            break
                        if len(content) > allowed:
                            raise BundleError(
                                f"{place} unpacks to more than {RATIO_MAX} times its size",
                                hint=_UNSAFE_HINT,
                            )
            except (
                OSError,
                EOFError,
                zipfile.BadZipFile,
                zlib.error,
                NotImplementedError,
                UnicodeDecodeError,  # a name in the entry's own header
            ) as fault:
                raise BundleError(
                    f"{place} is damaged: {fault}", hint="copy or download the bundle again"
                ) from fault
        return _not_longer(bytes(content), bytes_max, place)

    def _opened(self) -> zipfile.ZipFile:
        """Open the archive once the size of its directory is known to be small."""
        try:
            size = self._path.stat().st_size
            tail_bytes = min(size, _END.size + 20)
            with self._path.open("rb") as file:
                file.seek(size - tail_bytes)
                tail = file.read(tail_bytes)
        except OSError as error:
            raise BundleError(
                f"{self._path}: cannot be read: {error.strerror or error}",
                hint="check the path, and that this user may read the file",
            ) from error
        if len(tail) < _END.size or tail[-_END.size :][:4] != b"PK\x05\x06":
            raise BundleError(
                f"{self._path}: not a bundle, or cut off: "
                f"the end of a zip file was expected after {size} bytes",
                hint="copy or download the bundle again",
            )
        _, _, _, _, entries, directory_bytes, _, _ = _END.unpack(tail[-_END.size :])
        if (
            entries > ENTRIES_MAX
            or directory_bytes > DIRECTORY_BYTES_MAX
            or tail[: -_END.size].startswith(_ZIP64_LOCATOR)
        ):
            raise BundleError(
                f"{self._path}: {entries} entries listed in {directory_bytes} bytes, "
                f"expected at most {ENTRIES_MAX} and no zip64",
                hint=_UNSAFE_HINT,
            )
        try:
            return zipfile.ZipFile(self._path)
        except (zipfile.BadZipFile, OSError, NotImplementedError, UnicodeDecodeError) as error:
            raise BundleError(
                f"{self._path}: not a zip file, or damaged: {error}",
                hint="copy or download the bundle again",
            ) from error

    def _check_directory(self, entries: list[zipfile.ZipInfo]) -> None:
        seen: set[str] = set()
        for entry in entries:
            place = f"{self._path}: entry {entry.filename!r}"
            name = entry.filename.removesuffix("/")
            if not is_safe_name(name) or entry.orig_filename != entry.filename:
                raise BundleError(f"{place} leads outside the bundle", hint=_UNSAFE_HINT)
            if name in seen:
                raise BundleError(f"{place} appears more than once", hint=_UNSAFE_HINT)
            if stat.S_ISLNK(entry.external_attr >> 16):
                raise BundleError(f"{place} is a link", hint=_UNSAFE_HINT)
            if entry.flag_bits & 1 or entry.compress_type not in _COMPRESSIONS:
                raise BundleError(
                    f"{place} is encrypted or packed with method {entry.compress_type}, "
                    "expected stored or deflated",
                    hint="make the bundle with: edgecls bundle create",
                )
            seen.add(name)


def _not_longer(data: bytes, bytes_max: int, place: str) -> bytes:
    if len(data) > bytes_max:
        raise BundleError(
            f"{place} is longer than the {bytes_max} bytes expected", hint=_UNSAFE_HINT
        )
    return data


_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_UNSAFE_HINT = "do not use this bundle; ask where you got it from"
