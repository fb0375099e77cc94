"""A power cut at every step of a trial and of a return; then `settle` brings it to its end."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

from edgecls.errors import UpdateError
from edgecls.update.releases import COMPLETE, Releases
from edgecls.update.service import Service
from edgecls.update.trial import roll_back, settle, try_release

UNIT, CHANGE = "etc/systemd/system/edgecls.service", "etc/systemd/system.conf.d/50-edgecls.conf"
FILES = ("doorbell.toml", "broker-password", "z-last")
UNITS = {"1": {UNIT: "1"}, "2": {UNIT: "2", CHANGE: "2"}, "3": {UNIT: "3"}}


class PowerCut(BaseException):
    """Ends everything at a step; nothing after it happens."""


class Machine(Service):
    """A service whose health is what lies on the disk. Args: ill: what makes it so."""

    def __init__(self, device: Device, step: Callable[[str], None]) -> None:
        super().__init__(device.config, root=device.root, pause=lambda _: None, step=step)
        self._device = device

    def restart(self) -> bool:
        return True

    def fault(self) -> str | None:
        return "ill" if self._device.seen() & {*self._device.ill, "config none"} else None


@dataclass
class Device:
    """Two releases, the first one current. Args: ill: any of this on the disk is not well."""

    folder: Path
    ill: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        self.root, self.opt = self.folder / "root", self.folder / "opt"
        self.config = self.root / "etc/edgecls/doorbell.toml"
        self.config.parent.mkdir(parents=True)
        for name in FILES:
            (self.config.parent / name).write_text("old")
        self.install("1")
        releases, machine = self.parts()
        try_release(releases, "1", machine)
        self.install("2")

    def install(self, name: str) -> None:
        release = self.opt / "releases" / name
        for place, text in UNITS[name].items():
            (release / "system" / place).parent.mkdir(parents=True)
            (release / "system" / place).write_text(text)
        (release / COMPLETE).touch()

    def parts(self, step: Callable[[str], None] = lambda _: None) -> tuple[Releases, Machine]:
        return Releases(self.opt, step=step), Machine(self, step)

    def seen(self) -> set[str]:
        """Return what runs: release, unit file, configuration."""
        config = self.config.read_text() if self.config.is_file() else "none"
        return {
            f"release {Releases(self.opt).current}",
            f"unit {(self.root / UNIT).read_text()}",
            f"config {config}",
        }

    def bring(self, text: str) -> None:
        """Do as a push of a configuration does before its trial."""
        kept = self.config.parent.with_name("edgecls.before")
        shutil.copytree(self.config.parent, kept)
        for name in FILES:
            (self.config.parent / name).write_text(text)

    def assert_whole(self) -> None:
        """The release that is current has its own unit files, and nothing is left to do."""
        releases = Releases(self.opt)
        current = releases.current
        assert current is not None
        assert (releases.trying, releases.returning) == (None, False)
        assert (self.root / UNIT).read_text() == current
        assert (self.root / CHANGE).exists() == (current == "2")
        texts = [(self.config.parent / name).read_text() for name in FILES]
        assert len(set(texts)) == 1, texts


def _cuts(
    folder: Path, make: Callable[[Path], Device], act: Callable[[Releases, Machine], object]
) -> Iterator[tuple[str, Device]]:
    """Do `act` on a device of its own for each step at which the power fails; give it then."""
    for number in count():
        device, left, told = make(folder / str(number)), [number], list[str]()

        def step(name: str, left: list[int] = left, told: list[str] = told) -> None:
            told.append(name)
            if not left[0]:
                raise PowerCut
            left[0] -= 1

        try:
            with suppress(UpdateError):
                act(*device.parts(step))
        except PowerCut:
            yield told[-1], device
            continue
        assert number > 4  # there were steps to die at
        return


def _try(releases: Releases, machine: Machine) -> None:
    try_release(releases, "2", machine, seconds=0)


def _settled(device: Device) -> None:
    with suppress(UpdateError):
        settle(*device.parts(), seconds=0)
    device.assert_whole()


@pytest.mark.parametrize("ill", ["nothing", "release 2", "unit 2"])
def test_a_trial_ends_as_it_would_have(ill: str, tmp_path: Path) -> None:
    ends = {}
    for step, device in _cuts(tmp_path, lambda at: Device(at, frozenset({ill})), _try):
        _settled(device)
        ends.setdefault(Releases(device.opt).current, []).append(step)
        assert not device.seen() & {ill}, step
    assert "note the trial" in ends["1"]
    assert ("mark good" in ends.get("2", ())) == (ill == "nothing")


def test_a_return_that_somebody_asked_for_is_ended(tmp_path: Path) -> None:
    def tried(folder: Path) -> Device:
        device = Device(folder)
        _try(*device.parts())
        return device

    def back(releases: Releases, machine: Machine) -> None:
        roll_back(releases, machine, seconds=0)

    for step, device in _cuts(tmp_path, tried, back):
        _settled(device)
        assert Releases(device.opt).current == ("2" if step == "note the return" else "1")
    for _, device in _cuts(tmp_path / "again", tried, back):
        with suppress(UpdateError):  # asked for once more; it may be back already
            back(*device.parts())
        device.assert_whole()
        assert Releases(device.opt).current == "1"


def test_a_trial_that_never_switched_leaves_what_can_be_returned_to(tmp_path: Path) -> None:
    device = Device(tmp_path / "device")
    _try(*device.parts())
    releases, machine = device.parts()
    releases.note_trial("1")
    assert settle(releases, machine) is None
    assert (releases.current, releases.previous) == ("2", "1")


@pytest.mark.parametrize("ill", ["nothing", "config new", "release 2"])
def test_a_configuration_is_the_one_that_ran_well(ill: str, tmp_path: Path) -> None:
    def brought(folder: Path) -> Device:
        device = Device(folder)
        device.bring("new")
        device.ill = frozenset({ill})
        return device

    for step, device in _cuts(tmp_path, brought, _try):
        noted = Releases(device.opt).trying is not None
        _settled(device)
        assert not device.seen() & {ill} or not noted, step
        if noted and "config new" in device.seen():  # it was judged well: nothing else may return
            device.ill = frozenset({"release 3"})
            device.install("3")
            with suppress(UpdateError):
                try_release(device.parts()[0], "3", device.parts()[1], seconds=0)
            assert "config new" in device.seen(), step


def test_power_may_fail_again_while_it_is_settled(tmp_path: Path) -> None:
    def cut_off(folder: Path) -> Device:
        device = Device(folder)
        device.bring("new")
        device.ill = frozenset({"config new", "release 2"})
        releases, machine = device.parts()
        releases.note_trial("2")
        machine.place_units(releases.units("2"))
        releases.switch("2")
        return device

    def settled(releases: Releases, machine: Machine) -> None:
        settle(releases, machine, seconds=0)

    for _, device in _cuts(tmp_path, cut_off, settled):
        _settled(device)
        assert device.seen() == {"release 1", "unit 1", "config old"}
