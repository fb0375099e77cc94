"""Write a bundle, as a folder or as one file, so that it is there whole or not at all."""

from __future__ import annotations

import io
import shutil
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

from edgecls._lib.files import fsync_folder, write_atomic
from edgecls.bundle.manifest import MANIFEST_NAME, Manifest
from edgecls.errors import BundleError, ConfigError

SUFFIX = ".edgecls"
_EPOCH = (1980, 1, 1, 0, 0, 0)  # a zip knows nothing earlier


def write_bundle(manifest: Manifest, artefacts: Mapping[str, bytes], out: Path) -> None:
    """Write the manifest and `artefacts`, content by file name, to `out`.

    The same content gives the same bytes, whenever and wherever it is written.

    Args:    out: a name ending in .edgecls makes one file, any other a folder. Must not exist.
             artefacts: of every variant; others, such as a model card, are kept beside them.
    Raises:  ConfigError when `out` exists or its folder does not; BundleError when it cannot be
             written.
    """
    check_out(out)
    missing = [v.file for v in manifest.variants if v.file not in artefacts]
    if missing:
        raise BundleError(f"no content given for {', '.join(missing)}")
    contents = {MANIFEST_NAME: manifest.as_bytes(), **artefacts}
    try:
        if out.suffix == SUFFIX:
            write_atomic(out, zip_from_contents(contents))
        else:
            _write_folder(out, contents)
    except OSError as error:
        raise BundleError(
            f"{out}: cannot be written: {error.strerror or error}",
            hint="check the free space and the rights of the folder",
        ) from error


def check_out(out: Path) -> None:
    """Check where a bundle is to be written, before the work. Raises: ConfigError."""
    if out.exists():
        raise ConfigError(f"{out} exists already", hint="delete it first, or choose another name")
    if not out.parent.is_dir():
        raise ConfigError(f"{out.parent} is not a folder", hint=f"mkdir -p {out.parent}")


def zip_from_contents(contents: Mapping[str, bytes]) -> bytes:
    """Return a zip of stored entries: models hardly shrink, and so it depends on no zlib."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, data in contents.items():
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.create_system = 3  # Unix, also where it is written elsewhere
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, data)
    return buffer.getvalue()


def _write_folder(out: Path, contents: Mapping[str, bytes]) -> None:
    temporary = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}."))
    try:
        for name, data in contents.items():
            path = temporary / name
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(path, data)
        temporary.chmod(0o755)
        temporary.rename(out)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    fsync_folder(out.parent)
