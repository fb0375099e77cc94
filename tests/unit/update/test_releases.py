"""Releases on a device: switching, trying, going back; and a power cut at each step."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgecls.errors import UpdateError
from edgecls.update.releases import COMPLETE, Releases
from edgecls.update.trial import NO_UNITS, Returned, roll_back, settle, try_release


class FakeDaemon:
    """A service that is well in some releases and ill in others."""

    def __init__(self, releases: Releases, *, ill: set[str], unstartable: set[str]) -> None:
        self._releases, self._ill, self._unstartable = releases, ill, unstartable
        self.started: list[str | None] = []
        self.kept_config = self.bad_config = False
        self.placed: list[tuple[Path, Path | None]] = []
        self.kept_units = True
        self.stuck: set[Path] = set()

    def place_units(self, kept: Path, left: Path | None = None) -> bool:
        self.placed.append((kept, left))
        if kept in self.stuck:
            raise UpdateError("/etc/edgecls.service: Read-only file system")
        return self.kept_units

    def restart(self) -> bool:
        self.started.append(self._releases.current)
        return self._releases.current not in self._unstartable

    def wait_healthy(self, seconds: float) -> str | None:
        if self.bad_config:
            return "door.toml: unknown field"
        return "/healthz answers 503" if self._releases.current in self._ill else None

    def restore_config(self) -> bool:
        was, self.bad_config = self.kept_config, False
        self.kept_config = False
        return was

    def lay_kept_config_aside(self) -> None:
        self.kept_config = False

    def drop_kept_config(self) -> None:
        """Nothing lies aside."""


def _install(folder: Path, name: str) -> None:
    (folder / "releases" / name).mkdir(parents=True)
    (folder / "releases" / name / COMPLETE).touch()


def _device(
    folder: Path, *names: str, ill: set[str] = frozenset(), unstartable: set[str] = frozenset()
) -> tuple[Releases, FakeDaemon]:
    for name in names:
        _install(folder, name)
    releases = Releases(folder)
    return releases, FakeDaemon(releases, ill=set(ill), unstartable=set(unstartable))


def test_a_release_that_is_well_stays_and_the_one_before_is_kept(tmp_path: Path) -> None:
    for name in ("1", "2", "3"):
        releases, daemon = _device(tmp_path, name)
        try_release(releases, name, daemon)
    assert (releases.current, releases.previous, releases.trying) == ("3", "2", None)
    assert releases.names() == ("2", "3")  # older ones make room
    assert daemon.started == ["3"]
    assert str((tmp_path / "current").readlink()) == "releases/3"


@pytest.mark.parametrize("how", ["ill", "unstartable"])
def test_a_release_that_is_not_well_gives_way_to_the_old_one(how: str, tmp_path: Path) -> None:
    releases, daemon = _device(tmp_path, "1", **{how: {"2"}})
    try_release(releases, "1", daemon)
    _install(tmp_path, "2")
    with pytest.raises(UpdateError, match=r"2 was not well \(.*\): 1 runs again$") as caught:
        try_release(releases, "2", daemon)
    assert caught.value.exit_code == 4
    assert (releases.current, releases.trying) == ("1", None)
    assert daemon.started == ["1", "2", "1"]


def test_the_first_release_has_nothing_to_return_to(tmp_path: Path) -> None:
    releases, daemon = _device(tmp_path, "1", ill={"1"})
    with pytest.raises(UpdateError, match="there is no earlier release to return to"):
        try_release(releases, "1", daemon)
    assert (releases.current, releases.trying) == ("1", None)


def test_unit_files_that_were_not_kept_are_told(tmp_path: Path) -> None:
    releases, daemon = _device(tmp_path, "1", ill={"2"})
    try_release(releases, "1", daemon)
    _install(tmp_path, "2")
    daemon.kept_units = False
    with pytest.raises(UpdateError, match=f"1 runs again; {NO_UNITS}"):
        try_release(releases, "2", daemon)


def test_unit_files_that_could_not_all_be_put_back_are_told(tmp_path: Path) -> None:
    releases, daemon = _device(tmp_path, "1", ill={"2"})
    try_release(releases, "1", daemon)
    _install(tmp_path, "2")
    daemon.stuck = {releases.units("1")}
    with pytest.raises(UpdateError, match="1 runs again; its unit files could not all be put"):
        try_release(releases, "2", daemon)
    assert releases.current == "1"


def test_a_release_whose_unit_files_cannot_be_placed_is_not_tried(tmp_path: Path) -> None:
    for name in ("0", "1"):
        releases, daemon = _device(tmp_path, name)
        try_release(releases, name, daemon)
    _install(tmp_path, "2")
    daemon.stuck = {releases.units("2")}
    with pytest.raises(UpdateError, match=r"2 could not be tried: .*Read-only file system"):
        try_release(releases, "2", daemon)
    assert (releases.current, releases.previous, releases.trying) == ("1", "0", None)
    assert daemon.placed[-1] == (releases.units("1"), releases.units("2"))
    assert daemon.started[-1] == "1"


def test_an_old_release_that_is_ill_too_is_said(tmp_path: Path) -> None:
    releases, daemon = _device(tmp_path, "1", "2", ill={"1", "2"})
    releases.note_trial("1")
    releases.switch("1")
    with pytest.raises(UpdateError, match="1 runs again, and it is not well either"):
        try_release(releases, "2", daemon)


def test_a_person_can_go_back_once(tmp_path: Path) -> None:
    releases, daemon = _device(tmp_path, "1")
    try_release(releases, "1", daemon)
    _install(tmp_path, "2")
    try_release(releases, "2", daemon)
    assert roll_back(releases, daemon) == Returned("1", None)
    assert daemon.placed[-1:] == [(releases.units("1"), releases.units("2"))]
    assert releases.current == "1"
    with pytest.raises(UpdateError, match="there is no earlier release to go back to"):
        roll_back(releases, daemon)


def test_a_release_that_was_not_installed_to_its_end_is_refused(tmp_path: Path) -> None:
    releases, daemon = _device(tmp_path, "1")
    try_release(releases, "1", daemon)
    _install(tmp_path, "2")
    (tmp_path / "releases/2" / COMPLETE).unlink()
    with pytest.raises(UpdateError, match="2 was not installed to its end"):
        try_release(releases, "2", daemon)
    assert releases.current == "1"
    with pytest.raises(UpdateError, match="cannot be the name of a release"):
        releases.path("../1")


@pytest.mark.parametrize(("ill", "current"), [(set(), "2"), ({"2"}, "1")])
def test_a_trial_that_was_cut_off_is_judged_later(
    ill: set[str], current: str, tmp_path: Path
) -> None:
    releases, daemon = _device(tmp_path, "1", ill=ill)
    try_release(releases, "1", daemon)
    _install(tmp_path, "2")
    releases.note_trial("2")
    releases.switch("2")  # and here the power failed
    assert releases.trying == "2"
    if ill:
        with pytest.raises(UpdateError, match="1 runs again"):
            settle(releases, daemon)
    else:
        assert settle(releases, daemon) == "2"
    assert (releases.current, releases.trying) == (current, None)
    assert settle(releases, daemon) is None


def test_a_state_that_nobody_can_read_means_no_trial(tmp_path: Path) -> None:
    releases, daemon = _device(tmp_path, "1")
    (tmp_path / "update.json").write_text("{cut off")
    assert releases.trying is None
    assert settle(releases, daemon) is None
    try_release(releases, "1", daemon)
    assert releases.current == "1"


def test_a_configuration_that_is_not_well_is_taken_back_and_the_release_stays(
    tmp_path: Path,
) -> None:
    releases, daemon = _device(tmp_path, "1")
    try_release(releases, "1", daemon)
    _install(tmp_path, "2")
    daemon.kept_config = daemon.bad_config = True
    with pytest.raises(UpdateError, match="runs with the one before"):
        try_release(releases, "2", daemon)
    assert releases.current == "2"
    assert releases.trying is None


def test_a_release_that_is_ill_goes_back_with_its_old_configuration(tmp_path: Path) -> None:
    releases, daemon = _device(tmp_path, "1", ill={"2"})
    try_release(releases, "1", daemon)
    _install(tmp_path, "2")
    daemon.kept_config = daemon.bad_config = True
    with pytest.raises(UpdateError, match="1 runs again"):
        try_release(releases, "2", daemon)
    assert releases.current == "1"
    assert not daemon.bad_config
