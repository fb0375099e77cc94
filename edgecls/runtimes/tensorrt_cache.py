"""Keep built engines: one per TensorRT version, GPU and model, because an engine fits no other."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import time
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from edgecls._lib.files import write_atomic

SYSTEM_FOLDER = Path("/var/cache/edgecls/engines")
ENGINES_KEPT = 4


@dataclass(frozen=True, slots=True)
class EngineKey:
    """What an engine was built for; another value of any of them means: build again."""

    tensorrt: str
    compute_capability: str
    model_sha256: str

    @property
    def file_name(self) -> str:
        return f"{self.model_sha256[:16]}-sm{self.compute_capability}-trt{self.tensorrt}.engine"


@dataclass(frozen=True, slots=True)
class KeptEngine:
    """An engine in the cache, as its file's name tells.

    Args:    model_sha256: the first 16 digits.   used: when it was last read.
    """

    path: Path
    model_sha256: str
    compute_capability: str
    tensorrt: str
    size_bytes: int
    used: datetime

    def fits(self, key: EngineKey) -> bool:
        """Tell whether TensorRT and GPU are those of `key`; the model may be another."""
        return (self.tensorrt, self.compute_capability) == (key.tensorrt, key.compute_capability)

    def as_json(self) -> dict[str, Any]:
        return {
            "engine": str(self.path),
            "model_sha256_16": self.model_sha256,
            "tensorrt": self.tensorrt,
            "compute_capability": self.compute_capability,
            "bytes": self.size_bytes,
            "used": self.used.isoformat(timespec="seconds"),
        }


_NAME = re.compile(r"(?P<model>[0-9a-f]{16})-sm(?P<capability>[\d.]+)-trt(?P<tensorrt>.+)\.engine")


def key_for(model: bytes, *, tensorrt: str, compute_capability: str) -> EngineKey:
    """Return the key of a model on this machine."""
    return EngineKey(tensorrt, compute_capability, hashlib.sha256(model).hexdigest())


def default_folder() -> Path:
    """Return where engines are kept: the service's cache if it may be written, else the user's."""
    given = os.environ.get("CACHE_DIRECTORY")  # systemd sets it for CacheDirectory=
    if given:
        return Path(given.split(":")[0], "engines")
    if os.access(SYSTEM_FOLDER.parent, os.W_OK):
        return SYSTEM_FOLDER
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base, "edgecls", "engines")


class EngineCache:
    """Engines by key, and the timing cache of each TensorRT version and GPU.

    Args:    folder: made if missing.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, key: EngineKey) -> Path:
        return self._folder / key.file_name

    def read(self, key: EngineKey) -> bytes | None:
        """Return the engine, None if it was never built; its use is noted for `prune`."""
        path = self.path(key)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return None
        with contextlib.suppress(OSError):
            os.utime(path, (time.time(), path.stat().st_mtime))
        return data

    def write(self, key: EngineKey, engine: bytes, timing: bytes) -> Path:
        """Keep an engine and its timing cache, and prune. Raises: OSError."""
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self.path(key)
        write_atomic(path, engine)
        if timing:
            write_atomic(self._timing_path(key), timing)
        self.prune(key)
        return path

    def timing(self, key: EngineKey) -> bytes:
        """Return the timings of earlier builds for this TensorRT and GPU, b"" without."""
        try:
            return self._timing_path(key).read_bytes()
        except FileNotFoundError:
            return b""

    def kept(self) -> list[KeptEngine]:
        """List the engines that are kept, the last used first."""
        found = []
        for path in self._folder.glob("*.engine"):
            name = _NAME.fullmatch(path.name)
            if name is None:
                continue
            state = path.stat()
            used = datetime.fromtimestamp(state.st_atime, timezone.utc)
            words = (name["model"], name["capability"], name["tensorrt"])
            found.append(KeptEngine(path, *words, state.st_size, used))
        return sorted(found, key=lambda item: item.used, reverse=True)

    def prune(self, key: EngineKey) -> list[Path]:
        """Delete engines of other TensorRT versions, then all but the last four used.

        Returns: what was deleted.
        """
        engines = sorted(self._folder.glob("*.engine"), key=lambda path: -path.stat().st_atime)
        suffix = f"-trt{key.tensorrt}.engine"
        foreign = [path for path in engines if not path.name.endswith(suffix)]
        own = [path for path in engines if path.name.endswith(suffix)]
        gone = foreign + own[ENGINES_KEPT:]
        for path in gone:
            path.unlink(missing_ok=True)
        return gone

    def _timing_path(self, key: EngineKey) -> Path:
        return self._folder / f"sm{key.compute_capability}-trt{key.tensorrt}.timing"
