"""Prepare a card: a stock image, and on its boot partition all that makes a doorbell of it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from edgecls._lib.files import fsync_folder
from edgecls.deploy.fat import FatPartition
from edgecls.deploy.image import CHUNK_BYTES, Told, check_checksum, chunks_of_image, untold
from edgecls.deploy.partitions import boot_partition
from edgecls.deploy.payload import Payload, cmdline_with, config_txt_with
from edgecls.deploy.recognise import recognise
from edgecls.errors import DeployError
from edgecls.sections.firmware import Firmware, ImageSection

ZEROS = bytes(CHUNK_BYTES)


@dataclass(frozen=True, slots=True)
class Steps:
    """Who is told how far the long parts are."""

    unpacking: Told = untold
    checking: Told = untold


@dataclass(frozen=True, slots=True)
class Prepared:
    """A card's image that is ready.

    Args:    checked: whether a .sha256 lay beside the stock image.
    """

    path: Path
    system: ImageSection
    size_bytes: int
    card_bytes: int
    checked: bool


@contextmanager
def card_image(
    image: Path,
    out: Path,
    firmware: Firmware,
    *,
    board: str,
    steps: Steps,
    python: str | None = None,
) -> Iterator[tuple[FatPartition, ImageSection, bool]]:
    """Unpack a stock image beside `out`; what it was made into there becomes `out` at the end.

    Args:    python: of the system, where its image cannot tell; see `recognise`.

    Nothing is left of it when an error comes: `out` is a whole card or is as it was.

    Returns: the boot partition, what the image is, and whether its checksum was compared.
    Raises:  DeployError as the parts give it, and when the disk is full.
    """
    checked = check_checksum(image, steps.checking)
    part = out.with_name(f".{out.name}.part")
    try:
        unpack(image, part, steps.unpacking)
        fat = FatPartition(part, boot_partition(part))
        yield fat, recognise(fat, firmware, board=board, python=python), checked
        descriptor = os.open(part, os.O_RDWR)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.replace(part, out)
        fsync_folder(out.parent)
    except DeployError as error:
        raise _named(error, part, image) from error
    except OSError as error:
        raise DeployError(
            f"cannot write {out}: {error.strerror}", hint="is there room on that disk?"
        ) from error
    finally:
        part.unlink(missing_ok=True)


def unpack(image: Path, out: Path, told: Told = untold) -> int:
    """Write the unpacked image; stretches of zeros take no room. Returns: its bytes.

    Raises:  DeployError for a cut off or damaged image; OSError as the disk gives it.
    """
    place = 0
    with out.open("wb") as file:
        os.fchmod(file.fileno(), 0o600)  # keys and passwords will be in it
        for chunk in chunks_of_image(image, told):
            if chunk == ZEROS[: len(chunk)]:
                file.seek(len(chunk), os.SEEK_CUR)
            else:
                file.write(chunk)
            place += len(chunk)
        file.truncate(place)
    if place == 0:
        raise DeployError(f"{image} is empty, expected an image", hint="download it again")
    return place


def write_payload(fat: FatPartition, payload: Payload) -> int:
    """Write everything to the boot partition. Returns: the bytes of it.

    Raises:  DeployError when it does not fit.
    """
    names = fat.names()
    with tempfile.TemporaryDirectory() as folder:
        files = dict(payload.files)
        changes: tuple[tuple[str, Callable[[str], str]], ...] = (
            ("cmdline.txt", lambda text: cmdline_with(text, payload.cmdline)),
            ("config.txt", lambda text: config_txt_with(text, payload.config_txt)),
        )
        for name, changed in changes:
            if name in names:
                edited = Path(folder, name)
                edited.write_text(changed(fat.read(name)), encoding="utf-8")
                files[name] = edited
        fat.write(files)
        return sum(path.stat().st_size for path in files.values())


def _named(error: DeployError, part: Path, image: Path) -> DeployError:
    """Speak of the image that a person gave rather than of our copy of it."""
    return type(error)(error.message.replace(str(part), str(image)), hint=error.hint)
