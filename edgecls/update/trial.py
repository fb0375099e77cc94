"""Try a release: switch, look whether it is well, keep it or go back by oneself."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from edgecls.errors import UpdateError
from edgecls.update.releases import Releases

HEALTHY_WITHIN_S = 180.0
NO_UNITS = "its unit files were not kept: the newer ones stay"


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

    def lay_kept_config_aside(self) -> None:
        """Need that configuration no more, in one step; `restore_config` still finds it."""
        ...

    def drop_kept_config(self) -> None:
        """Remove what was laid aside."""
        ...

    def place_units(self, kept: Path, left: Path | None = None) -> bool:
        """Put the unit files in `kept` in place, and remove others of `left`; False if none were.

        Raises:  UpdateError when not all can be.
        """
        ...


@dataclass(frozen=True, slots=True)
class Returned:
    """The release that is current again. Args: units: what is amiss with its unit files, if any."""

    name: str
    units: str | None


def try_release(
    releases: Releases,
    name: str,
    daemon: Daemon,
    *,
    seconds: float = HEALTHY_WITHIN_S,
) -> None:
    """Switch to a release and keep it if it is well within `seconds`; else return to the old one.

    Raises:  UpdateError when it was not well: which release runs now is in the message.
    """
    daemon.drop_kept_config()  # a power cut may have left half of one of before
    releases.note_trial(name)
    try:
        daemon.place_units(releases.units(name))
        releases.switch(name)
    except UpdateError as error:
        with suppress(UpdateError):  # else it stays noted, and `settle` does it
            _stay(releases, name, daemon)
        raise UpdateError(f"{name} could not be tried: {error.message}") from error
    _judge(releases, name, daemon, seconds)


def settle(releases: Releases, daemon: Daemon, *, seconds: float = HEALTHY_WITHIN_S) -> str | None:
    """End a trial or a return that something cut off: power, the network, Ctrl-C.

    Returns: the release that was found well, None when none was to be judged.
    Raises:  UpdateError as `try_release` and `roll_back`.
    """
    if releases.returning:
        return roll_back(releases, daemon, seconds=seconds).name
    name = releases.trying
    if name is None:
        return None
    if releases.current != name:  # cut off between note and link
        _stay(releases, name, daemon)
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
            f"{back.name} is the current release again, and it is not well: {fault}{_aside(back)}",
            hint="journalctl -u edgecls on the device tells why",
        )
    daemon.lay_kept_config_aside()  # the configuration is well with this release
    daemon.drop_kept_config()
    return back


def _judge(releases: Releases, name: str, daemon: Daemon, seconds: float) -> None:
    fault = None if daemon.restart() else "systemd could not start it"
    fault = fault or daemon.wait_healthy(seconds)
    if fault is None:
        daemon.lay_kept_config_aside()
        releases.mark_good()
        daemon.drop_kept_config()
        releases.prune()
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
        f"{'' if back else ', and it is not well either'}{_aside(old)}",
        hint="journalctl -u edgecls on the device tells why",
    )


def _stay(releases: Releases, name: str, daemon: Daemon) -> None:
    """Leave a trial that never switched: unit files and configuration are as before it again."""
    daemon.restore_config()
    if releases.current is not None:
        daemon.place_units(releases.units(releases.current), releases.units(name))
        daemon.restart()
    releases.forget_trial()


def _go_back(releases: Releases, daemon: Daemon) -> Returned:
    """Return to the release before, with its unit files; a power cut lets it be done again."""
    old, left = releases.note_return()
    amiss = None
    try:
        if not daemon.place_units(releases.units(old), releases.units(left) if left else None):
            amiss = NO_UNITS
    except UpdateError as error:
        amiss = f"its unit files could not all be put back: {error.message}"
    return Returned(releases.go_back(), amiss)


def _aside(back: Returned) -> str:
    return "" if back.units is None else f"; {back.units}"
