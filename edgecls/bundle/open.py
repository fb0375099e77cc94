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

    Args:    path: a folder or an .edgecls file, or the name of a bundle that ships with edgecls
             where no such file is; None is doorbell-person.
    Raises:  BundleError for anything missing, damaged, unsafe or of a newer version.
    """
    if path is None:
        path = shipped_path()
    elif not path.exists() and str(path) in shipped_names():
        path = shipped_path(str(path))
    if path.is_dir():
        container: Container = FolderContainer(path)
    elif path.is_file():
        container = ZipContainer(path)
    else:
        raise BundleError(
            f"{path}: no such bundle, expected a folder or an .edgecls file",
            hint=f"check the path, or name one that ships: {', '.join(shipped_names())}",
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


def shipped_path(name: str = SHIPPED) -> Path:
    """Return the folder of a bundle that ships with edgecls."""
    return Path(str(files("edgecls") / "models" / name))


def shipped_names() -> list[str]:
    """Return what the bundles that ship with edgecls are called, sorted."""
    folder = Path(str(files("edgecls") / "models"))
    return sorted(item.name for item in folder.iterdir() if (item / MANIFEST_NAME).is_file())


_AGAIN = "the bundle is damaged: copy or download it again"
