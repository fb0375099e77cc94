"""Open a bundle, trusting nothing in it: every byte that is handed out has been hashed."""

from __future__ import annotations

import hashlib
from importlib.resources import files
from pathlib import Path

from edgecls.bundle.container import Container, FolderContainer, ZipContainer
from edgecls.bundle.manifest import MANIFEST_NAME, Manifest, Variant, parse_manifest
from edgecls.errors import BundleError

MANIFEST_BYTES_MAX = 1024 * 1024
ARTEFACTS_BYTES_MAX = 1024 * 1024 * 1024
SHIPPED = "doorbell-person"


class Bundle:
    """An opened, verified bundle. Holds no file open; artefacts are read when asked for."""

    def __init__(self, path: Path, manifest: Manifest, container: Container) -> None:
        self.path = path
        self.manifest = manifest
        self._container = container

    def artefact(self, variant: Variant) -> bytes:
        """Read a variant's model into memory and hash what is handed out.

        Raises:  BundleError when the bytes are not the ones that the manifest describes.
        """
        data = self._container.read(variant.file, variant.bytes)
        if len(data) != variant.bytes:
            raise BundleError(
                f"{self.path}: {variant.file}: expected {variant.bytes} bytes, "
                f"received {len(data)}",
                hint=_AGAIN,
            )
        digest = hashlib.sha256(data).hexdigest()
        if digest != variant.sha256:
            raise BundleError(
                f"{self.path}: {variant.file}: expected sha256 {variant.sha256}, received {digest}",
                hint=_AGAIN,
            )
        return data


def open_bundle(path: Path | None = None) -> Bundle:
    """Open a bundle and verify the size and hash of every artefact.

    Nothing is extracted to disk, executed or unpickled.

    Args:    path: a folder or an .edgecls file; None is the bundle that ships with edgecls.
    Raises:  BundleError for anything missing, damaged, unsafe or of a newer version.
    """
    if path is None:
        path = shipped_path()
    if path.is_dir():
        container: Container = FolderContainer(path)
    elif path.is_file():
        container = ZipContainer(path)
    else:
        raise BundleError(
            f"{path}: no such bundle, expected a folder or an .edgecls file",
            hint="check the path; without --bundle the one that ships with edgecls is used",
        )
    data = container.read(MANIFEST_NAME, MANIFEST_BYTES_MAX)
    manifest = parse_manifest(data, origin=str(path))
    total = sum(variant.bytes for variant in manifest.variants)
    if total > ARTEFACTS_BYTES_MAX:
        raise BundleError(
            f"{path}: artefacts of {total} bytes, expected at most {ARTEFACTS_BYTES_MAX}",
            hint="put fewer variants into one bundle",
        )
    bundle = Bundle(path, manifest, container)
    for variant in manifest.variants:
        bundle.artefact(variant)
    return bundle


def shipped_path() -> Path:
    """Return the folder of the bundle that ships with edgecls."""
    return Path(str(files("edgecls") / "models" / SHIPPED))


_AGAIN = "the bundle is damaged: copy or download it again"
