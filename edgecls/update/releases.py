"""The folder of versions: releases/<name>, a link `current` to one, and what is on trial."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edgecls._lib.files import fsync_folder, write_atomic
from edgecls.errors import UpdateError

FOLDER = Path("/opt/edgecls")
COMPLETE = ".complete"
UNITS = "system"
STATE = "update.json"
NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+_-]{0,60}")


class Releases:
    """What is installed on this device.

    Args:    folder: usually /opt/edgecls.
    Raises:  UpdateError when it cannot be read or written.
    """

    def __init__(self, folder: Path = FOLDER) -> None:
        self._folder = folder

    @property
    def current(self) -> str | None:
        """Return the release that runs, None if none was ever switched to."""
        try:
            return (self._folder / "current").readlink().name
        except OSError:
            return None

    @property
    def previous(self) -> str | None:
        """Return the release that ran before the current one, if it is still there."""
        name = self._state().get("previous")
        return name if isinstance(name, str) and self.is_complete(name) else None

    @property
    def trying(self) -> str | None:
        """Return the release that was switched to and not judged yet: half an update."""
        state = self._state()
        name = state.get("release")
        return name if state.get("state") == "trying" and isinstance(name, str) else None

    def names(self) -> tuple[str, ...]:
        folder = self._folder / "releases"
        return tuple(sorted(p.name for p in folder.iterdir())) if folder.is_dir() else ()

    def path(self, name: str) -> Path:
        """Return where a release lies. Raises: UpdateError for a name that leaves the folder."""
        if not NAME.fullmatch(name):
            raise UpdateError(f"{name!r} cannot be the name of a release")
        return self._folder / "releases" / name

    def units(self, name: str) -> Path:
        """Return the folder of the unit files that came with a release; it may be missing."""
        return self.path(name) / UNITS

    def is_complete(self, name: str) -> bool:
        """Tell whether a release was installed to its end."""
        return (self.path(name) / COMPLETE).is_file()

    def begin(self, name: str, *, step: Callable[[str], None] | None = None) -> None:
        """Make a release the current one, on trial. A power cut leaves the old one or the new one.

        Args:    step: is told each step just before it is taken; crash tests die there.
        """
        if not self.is_complete(name):
            raise UpdateError(
                f"the release {name} was not installed to its end, expected a complete one",
                hint="edgecls push HOST installs it again",
            )
        tell = step or (lambda _: None)
        tell("note the trial")
        known = self.previous if self.current == name else self.current
        self._write_state({"state": "trying", "release": name, "previous": known})
        tell("link")
        self._link(name)

    def mark_good(self) -> None:
        """Keep the current release; there is nothing on trial any more."""
        state = self._state()
        self._write_state({**state, "state": "good", "release": self.current})

    def go_back(self) -> str:
        """Make the previous release the current one again; return its name."""
        name = self.previous
        if name is None:
            raise UpdateError(
                "there is no earlier release to go back to",
                hint="edgecls push HOST installs another one",
            )
        left = self.current
        self._link(name)
        self._write_state({"state": "good", "release": name, "previous": None, "left": left})
        return name

    def prune(self) -> tuple[str, ...]:
        """Remove all releases but the current and the previous one; return their names."""
        kept = {self.current, self.previous}
        gone = tuple(name for name in self.names() if name not in kept)
        for name in gone:
            (self._folder / "releases" / name / COMPLETE).unlink(missing_ok=True)
            shutil.rmtree(self._folder / "releases" / name, ignore_errors=True)
        return gone

    def _link(self, name: str) -> None:
        part = self._folder / "current.part"
        try:
            part.unlink(missing_ok=True)
            part.symlink_to(f"releases/{name}")
            os.replace(part, self._folder / "current")
            fsync_folder(self._folder)
        except OSError as error:
            raise UpdateError(f"cannot switch to {name}: {error.strerror}") from error

    def _state(self) -> dict[str, Any]:  # Any: JSON
        try:
            state = json.loads((self._folder / STATE).read_text("utf-8"))
        except (OSError, ValueError):
            return {}  # never written, or by nobody of ours: nothing is on trial then
        return state if isinstance(state, dict) else {}

    def _write_state(self, state: dict[str, Any]) -> None:
        try:
            write_atomic(self._folder / STATE, json.dumps(state).encode() + b"\n")
        except OSError as error:
            raise UpdateError(f"cannot write {self._folder / STATE}: {error.strerror}") from error
