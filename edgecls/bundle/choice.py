"""Which variant this device has found to be its best: written by select, read for "auto"."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgecls._lib.files import write_atomic
from edgecls.bundle.manifest import Manifest

SCHEMA = 1
SYSTEM_FOLDER = Path("/var/lib/edgecls")
MACHINE_ID = Path("/etc/machine-id")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Choice:
    """A variant's name, and the figures that it was chosen by (told, never interpreted)."""

    variant: str
    measured: Mapping[str, Any]


def choice_folders(environment: Mapping[str, str] = os.environ) -> list[Path]:
    """Return where choices are looked for, the nearest first.

    A service's own folder (systemd sets STATE_DIRECTORY), the user's, the machine's.
    """
    own = [Path(word) for word in environment.get("STATE_DIRECTORY", "").split(":") if word]
    home = environment.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return [*own, Path(home) / "edgecls", SYSTEM_FOLDER]


def write_choice(manifest: Manifest, choice: Choice, *, folder: Path | None = None) -> Path:
    """Keep a choice for this bundle on this device; return the file.

    Args:    folder: made if missing; None takes the machine's for root, else the user's.
    Raises:  OSError as the system gives it.
    """
    if folder is None:
        folder = SYSTEM_FOLDER if os.geteuid() == 0 else choice_folders()[-2]
    content = {
        "schema": SCHEMA,
        "bundle": {"name": manifest.name, "version": manifest.version},
        "manifest_sha256": _digest(manifest),
        "machine": _machine(),
        "variant": choice.variant,
        "measured": dict(choice.measured),
    }
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / _file_name(manifest)
    write_atomic(path, json.dumps(content, indent=2).encode() + b"\n")
    return path


def read_choice(manifest: Manifest, *, folders: list[Path] | None = None) -> str | None:
    """Return the variant chosen for this bundle on this device; None when there is no choice.

    A choice made on another device (a copied card), for another build of the bundle, or damaged, is
    told in the log and not followed: a daemon starts without it.
    """
    for folder in choice_folders() if folders is None else folders:
        path = folder / _file_name(manifest)
        try:
            content = json.loads(path.read_bytes())
            fits = content["manifest_sha256"] == _digest(manifest)
            if not fits or content["schema"] != SCHEMA or content["machine"] != _machine():
                log.warning(
                    "%s is of another device or bundle: edgecls select makes a new one", path
                )
                continue
            variant = str(content["variant"])
        except OSError:
            continue
        except (ValueError, KeyError, TypeError) as error:
            log.warning("%s cannot be read and is not followed: %r", path, error)
            continue
        if any(item.name == variant for item in manifest.variants):
            return variant
        log.warning("%s names the variant %r, which the bundle has not", path, variant)
    return None


def _file_name(manifest: Manifest) -> str:
    return f"choice-{manifest.name}-{_digest(manifest)[:16]}.json"


def _digest(manifest: Manifest) -> str:
    """Return the hash of a manifest without measured figures: recording them changes no model."""
    bare = tuple(item.model_copy(update={"accuracy": None}) for item in manifest.variants)
    return hashlib.sha256(manifest.model_copy(update={"variants": bare}).as_bytes()).hexdigest()


def _machine() -> str | None:
    """Return a fingerprint of this installation; machine-id(5) itself is not to be told about."""
    try:
        return hashlib.sha256(b"edgecls " + MACHINE_ID.read_bytes()).hexdigest()[:32]
    except OSError:
        return None
