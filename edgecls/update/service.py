"""The daemon as systemd sees it: start it anew, and find out whether it does its work."""

from __future__ import annotations

import http.client
import shutil
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from edgecls import config as configuration
from edgecls._lib import proc
from edgecls._lib.deadline import Deadline
from edgecls._lib.files import fsync_folder, write_atomic
from edgecls.errors import ConfigError, UpdateError

UNIT = "edgecls.service"
KEPT = ".before"
"""Behind the configuration folder's name: its copy from before a push."""
ASIDE, LEFT = ".judged", ".left"
"""Likewise: such a copy that is not needed any more, and a folder that it took the place of."""
RESTART_S = 300.0
ASK_S = 10.0
PAUSE_S = 2.0
STEADY_ASKS = 3
"""So many good answers in a row: a daemon that starts and dies is not healthy."""


class Service:
    """The unit, and the page's own word on how it fares.

    Args:    config: the daemon's file; tells where /healthz is.   ctl: the systemctl program.
             pause: waits so many seconds.   pause_s: between two looks.
             root: stands for "/" in tests.
             step: is told each step just before it is taken; crash tests die there.
    """

    def __init__(
        self,
        config: Path,
        *,
        ctl: str = "systemctl",
        pause: Callable[[float], None] = time.sleep,
        pause_s: float = PAUSE_S,
        root: Path = Path("/"),
        step: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._config, self._ctl, self._pause, self._pause_s = config, ctl, pause, pause_s
        self._root, self._tell = root, step

    def restart(self) -> bool:
        """Start the daemon anew; return whether systemd took it as started."""
        try:
            proc.run([self._ctl, "daemon-reload"], timeout_s=RESTART_S)
            proc.run([self._ctl, "restart", UNIT], timeout_s=RESTART_S)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            return False
        return True

    def wait_healthy(self, seconds: float) -> str | None:
        """Wait until the daemon is well. Returns: None then, else what was wrong at the end."""
        deadline, good = Deadline(seconds), 0
        fault = self.fault()
        while True:
            good = good + 1 if fault is None else 0
            if good >= STEADY_ASKS:
                return None
            if fault is not None and deadline.passed:
                return fault
            self._pause(self._pause_s)
            fault = self.fault()

    def restore_config(self) -> bool:
        """Put back the configuration that a push kept; return whether there was one.

        Whole folders change their names, so that a power cut leaves no half of one.
        """
        folder, left = self._config.parent, self._beside(LEFT)
        kept = next((p for p in map(self._beside, (KEPT, ASIDE)) if p.is_dir()), None)
        if kept is None:
            return False
        shutil.rmtree(left, ignore_errors=True)
        if folder.exists():
            self._tell("lay the new configuration aside")
            folder.rename(left)
        self._tell("put the kept configuration back")
        kept.rename(folder)
        fsync_folder(folder.parent)
        self._tell("remove the new configuration")
        shutil.rmtree(left, ignore_errors=True)
        return True

    def lay_kept_config_aside(self) -> None:
        """Need the configuration that a push kept no more, for the new one is well: one step."""
        kept = self._beside(KEPT)
        if kept.is_dir():
            self.drop_kept_config()
            self._tell("lay the kept configuration aside")
            kept.rename(self._beside(ASIDE))
            fsync_folder(kept.parent)

    def drop_kept_config(self) -> None:
        """Remove what was laid aside."""
        self._tell("remove the kept configuration")
        shutil.rmtree(self._beside(ASIDE), ignore_errors=True)

    def place_units(self, kept: Path, left: Path | None = None) -> bool:
        """Put a release's unit files in place, and take away those that only the one left has.

        Args:    kept, left: folders with the files named as below "/".
        Returns: False where none were kept: what is there then stays.
        Raises:  UpdateError, which names the file, when not all can be put in place.
        """
        wanted = _files_below(kept)
        gone = _files_below(left).keys() - wanted.keys() if left and wanted else ()
        for source in wanted.values():
            if source.stat().st_size == 0:  # no unit file is: a power cut left it so
                raise UpdateError(f"{source} is empty")
        for name, source in wanted.items():
            self._tell(f"place {name}")
            with _told_of(self._root / name) as target:
                target.parent.mkdir(parents=True, exist_ok=True)
                write_atomic(target, source.read_bytes())
        for name in sorted(gone):
            self._tell(f"take away {name}")
            with _told_of(self._root / name) as target:
                target.unlink(missing_ok=True)
        for folder in sorted({above for name in (*wanted, *gone) for above in Path(name).parents}):
            if (self._root / folder).is_dir():
                with _told_of(self._root / folder) as target:
                    fsync_folder(target)
        return bool(wanted)

    def _beside(self, end: str) -> Path:
        folder = self._config.parent
        return folder.with_name(folder.name + end)

    def fault(self) -> str | None:
        """Return what is wrong now, None if nothing is."""
        try:
            asked = proc.run(
                [self._ctl, "is-active", "--quiet", UNIT], timeout_s=ASK_S, check=False
            )
        except subprocess.TimeoutExpired:
            return "systemd does not answer"
        if asked.returncode != 0:
            return f"{UNIT} is not active"
        try:
            config = configuration.load(self._config)
        except ConfigError as error:
            return error.message.splitlines()[0]
        return _page_fault(config) if config.web.enabled else None


@contextmanager
def _told_of(target: Path) -> Iterator[Path]:
    """Name the file that could not be written or removed."""
    try:
        yield target
    except OSError as error:
        raise UpdateError(f"{target}: {error.strerror}") from error


def _files_below(folder: Path) -> dict[str, Path]:
    return {str(p.relative_to(folder)): p for p in sorted(folder.rglob("*")) if p.is_file()}


def _page_fault(config: configuration.Config) -> str | None:
    """Ask /healthz on this machine; the certificate is the device's own, and not looked at."""
    web = config.web
    plain = not web.encrypted
    host = "127.0.0.1" if web.host in ("0.0.0.0", "::") else web.host  # noqa: S104
    connection = (
        http.client.HTTPConnection(host, web.port, timeout=ASK_S)
        if plain
        else http.client.HTTPSConnection(
            host,
            web.port,
            timeout=ASK_S,
            context=ssl._create_unverified_context(),  # noqa: S323
        )
    )
    try:
        connection.request("GET", "/healthz")
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return f"the page does not answer ({error})"
    finally:
        connection.close()
    return None if status == 200 else f"/healthz answers {status}"
