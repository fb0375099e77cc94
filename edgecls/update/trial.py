"""Try a release: switch, look whether it is well, keep it or go back by oneself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from edgecls.errors import UpdateError
from edgecls.update.releases import Releases

HEALTHY_WITHIN_S = 180.0
NO_UNITS = "; the unit files stay the newer ones, for none were kept with it"


class Daemon(Protocol):
    """What a trial needs of the service."""

    def restart(self) -> bool:
        """Start it anew; return whether that went well."""
        ...

    def wait_healthy(self, seconds: float) -> str | None:
        """Return None once it is well, else what was wrong at the end."""
        ...

    def restore_config(self) -> bool:
        """Put back the configuration that was kept before this trial; False if none was."""
        ...

    def drop_kept_config(self) -> None:
        """Forget the configuration that was kept before this trial."""
        ...

    def place_units(self, kept: Path, left: Path) -> bool:
        """Put back the unit files in `kept`, and remove others of `left`; False if none were."""
        ...


@dataclass(frozen=True, slots=True)
class Returned:
    """The release that is current again. Args: units: whether its own unit files are as well."""

    name: str
    units: bool


def try_release(
    releases: Releases,
    name: str,
    daemon: Daemon,
    *,
    seconds: float = HEALTHY_WITHIN_S,
    step: Callable[[str], None] | None = None,
) -> None:
    """Switch to a release and keep it if it is well within `seconds`; else return to the old one.

    Raises:  UpdateError when it was not well: which release runs now is in the message.
    """
    releases.begin(name, step=step)
    _judge(releases, name, daemon, seconds)


def settle(releases: Releases, daemon: Daemon, *, seconds: float = HEALTHY_WITHIN_S) -> str | None:
    """End a trial that something cut off: power, the network, Ctrl-C.

    Returns: the release that was found well, None when nothing was on trial.
    Raises:  UpdateError as `try_release`.
    """
    name = releases.trying
    if name is None:
        return None
    if releases.current != name:  # cut off between note and link
        releases.mark_good()
        return None
    _judge(releases, name, daemon, seconds)
    return name


def roll_back(releases: Releases, daemon: Daemon, *, seconds: float = HEALTHY_WITHIN_S) -> Returned:
    """Return to the release before this one, because a person wants it.

    Raises:  UpdateError when there is none, or it is not well either.
    """
    back = _go_back(releases, daemon)
    fault = None if daemon.restart() else "systemd could not start it"
    fault = fault or daemon.wait_healthy(seconds)
    if fault is not None:
        raise UpdateError(
            f"{back.name} is the current release again, and it is not well: {fault}"
            f"{'' if back.units else NO_UNITS}",
            hint="journalctl -u edgecls on the device tells why",
        )
    return back


def _judge(releases: Releases, name: str, daemon: Daemon, seconds: float) -> None:
    fault = None if daemon.restart() else "systemd could not start it"
    fault = fault or daemon.wait_healthy(seconds)
    if fault is None:
        releases.mark_good()
        releases.prune()
        daemon.drop_kept_config()
        return
    if daemon.restore_config() and daemon.restart() and daemon.wait_healthy(seconds) is None:
        releases.mark_good()
        raise UpdateError(
            f"{name} was not well with its new configuration ({fault}): "
            "it runs with the one before",
            hint="journalctl -u edgecls on the device tells why",
        )
    if releases.previous is None:
        releases.mark_good()  # there is no other; the next push is not to try this one first
        raise UpdateError(
            f"{name} is not well ({fault}), and there is no earlier release to return to",
            hint="journalctl -u edgecls on the device tells why",
        )
    old = _go_back(releases, daemon)
    back = daemon.restart() and daemon.wait_healthy(seconds) is None
    raise UpdateError(
        f"{name} was not well ({fault}): {old.name} runs again"
        f"{'' if back else ', and it is not well either'}{'' if old.units else NO_UNITS}",
        hint="journalctl -u edgecls on the device tells why",
    )


def _go_back(releases: Releases, daemon: Daemon) -> Returned:
    """Return to the release before. Its unit files first: a power cut lets it be done again."""
    old, left = releases.previous, releases.current
    units = bool(old and left and daemon.place_units(releases.units(old), releases.units(left)))
    return Returned(releases.go_back(), units)
