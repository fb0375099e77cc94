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
             step: is told each step just before it is taken; crash tests die there.
    Raises:  UpdateError when it cannot be read or written.
    """

    def __init__(
        self, folder: Path = FOLDER, *, step: Callable[[str], None] = lambda _: None
    ) -> None:
        self._folder = folder
        self._tell = step

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
        """Return the release whose trial was begun and not judged yet: half an update."""
        state = self._state()
        name = state.get("release")
        return name if state.get("state") == "trying" and isinstance(name, str) else None

    @property
    def returning(self) -> bool:
        """Tell whether a return was begun and not ended, and can be."""
        return self._state().get("state") == "returning" and self.previous is not None

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

    def note_trial(self, name: str) -> None:
        """Note that a release is about to be tried: what is done from here on can be taken back."""
        if not self.is_complete(name):
            raise UpdateError(
                f"the release {name} was not installed to its end, expected a complete one",
                hint="edgecls push HOST installs it again",
            )
        earlier = self.previous
        known = earlier if self.current == name else self.current
        self._tell("note the trial")
        self._write_state(
            {"state": "trying", "release": name, "previous": known, "earlier": earlier}
        )

    def switch(self, name: str) -> None:
        """Make a release the current one. A power cut leaves the old one or the new one."""
        self._tell("link")
        self._link(name)

    def mark_good(self) -> None:
        """Keep the current release; there is nothing on trial any more."""
        previous = self._state().get("previous")
        self._tell("mark good")
        self._write_state({"state": "good", "release": self.current, "previous": previous})

    def forget_trial(self) -> None:
        """Keep the current release, for the one on trial was never switched to."""
        earlier = self._state().get("earlier")
        self._tell("forget the trial")
        self._write_state({"state": "good", "release": self.current, "previous": earlier})

    def note_return(self) -> tuple[str, str | None]:
        """Note that the previous release is about to be the current one again.

        Returns: its name, and that of the one that is left; of a return that was cut off, the same.
        """
        state, name = self._state(), self.previous
        if name is None:
            raise UpdateError(
                "there is no earlier release to go back to",
                hint="edgecls push HOST installs another one",
            )
        left = state.get("left") if self.returning else self.trying or self.current
        self._tell("note the return")
        self._write_state({"state": "returning", "release": name, "previous": name, "left": left})
        return name, left

    def go_back(self) -> str:
        """Make the release that was noted the current one again; return its name."""
        state = self._state()
        name = str(state["release"])
        self._tell("link back")
        self._link(name)
        self._tell("end the return")
        self._write_state({**state, "state": "good", "previous": None})
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
