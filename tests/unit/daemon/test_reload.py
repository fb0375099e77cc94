"""A changed file: what comes into force at once, what waits, and what is refused."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from edgecls import config as configuration
from edgecls.config import Config
from edgecls.daemon.notify import Notifier
from edgecls.daemon.reload import Plan, Reloader, plan

FILE = """
[[cameras]]
name = "door"
kind = "replay"
source = "pictures"
[[cameras]]
name = "yard"
kind = "replay"
source = "pictures"
[visit]
enter = 0.7
[store]
days_max = 30
[web]
port = 8080
"""


class Told(Notifier):
    def __init__(self) -> None:
        super().__init__(None)
        self.messages: list[str] = []

    def _send(self, message: str) -> None:
        self.messages.append(message.partition("\n")[0])


class House:
    """A file on the disk and the daemon's side of a reload."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "doorbell.toml"
        self.path.write_text(FILE)
        self.applied: list[Config] = []
        self.told = Told()
        self.reloader = Reloader(self.config(), load=self.config, notifier=self.told)
        self.reloader.begin(self.applied.append)

    def config(self) -> Config:
        return configuration.load(self.path)

    def change(self, *pairs: tuple[str, str]) -> Plan | None:
        text = self.path.read_text()
        for old, new in pairs:
            assert old in text
            text = text.replace(old, new, 1)
        self.path.write_text(text)
        return self.reloader.reload()


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_thresholds_masks_and_retention_change_at_once(house: House) -> None:
    mask = "[[[0.0, 0.0], [1.0, 0.0], [1.0, 0.2]]]"
    found = house.change(
        ("enter = 0.7", "enter = 0.8\nsmoothing_s = 1.5"),
        ("days_max = 30", "days_max = 7\nbytes_max = 5000000"),
        ('name = "yard"', f'name = "yard"\nmasks = {mask}\nmin_size = 0.2'),
        ("[web]", "[motion]\narea_min = 0.01\n[web]"),
    )
    assert found is not None
    assert set(found.applied) == {
        "visit.enter", "visit.smoothing_s", "store.days_max", "store.bytes_max",
        "cameras.yard.masks", "cameras.yard.min_size", "motion.area_min",
    }  # fmt: skip
    assert found.waiting == ()
    (config,) = house.applied
    assert config.visit.enter == 0.8
    assert config.store.bytes_max == 5_000_000
    assert [len(camera.masks) for camera in config.cameras] == [0, 1]
    assert house.told.messages == ["RELOADING=1", "READY=1"]


def test_what_needs_a_restart_is_named_and_stays(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    found = house.change(
        ("port = 8080", "port = 9090"),
        ('source = "pictures"', 'source = "elsewhere"'),
        ("enter = 0.7", "enter = 0.6"),
    )
    assert found is not None
    assert found.waiting == ("cameras.door.source", "web.port")
    (config,) = house.applied
    assert config.web.port == 8080
    assert config.visit.enter == 0.6
    assert caplog.messages == [
        "configuration read anew: changed visit.enter; "
        "only a restart changes cameras.door.source, web.port"
    ]


def test_a_camera_more_or_less_waits_for_a_restart(house: House) -> None:
    found = house.change(('name = "yard"', 'name = "shed"'))
    assert found is not None
    assert found.applied == ()
    assert {name.split(".")[1] for name in found.waiting} == {"yard", "shed"}
    assert house.applied == []


def test_a_bad_file_changes_nothing_and_says_why(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    assert house.change(("enter = 0.7", "enter = 7")) is None
    assert "the configuration stays as it was" in caplog.text
    assert "visit.enter" in caplog.text
    house.path.unlink()
    assert house.reloader.reload() is None
    assert "cannot read" in caplog.text
    assert house.applied == []
    assert house.told.messages == ["RELOADING=1", "READY=1"] * 2


def test_the_same_file_changes_nothing(house: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    found = house.reloader.reload()
    assert found is not None
    assert (found.applied, found.waiting) == ((), ())
    assert caplog.messages == ["configuration read anew: nothing has changed"]


def test_a_second_reload_is_compared_with_what_runs(house: House) -> None:
    house.change(("enter = 0.7", "enter = 0.8"), ("port = 8080", "port = 9090"))
    found = house.change(("enter = 0.8", "enter = 0.7"))
    assert found is not None
    assert found.applied == ("visit.enter",)
    assert found.waiting == ("web.port",)
    assert plan(house.config(), house.config()).applied == ()


def test_a_signal_before_the_start_is_over_changes_nothing(house: House) -> None:
    early = Reloader(house.config(), load=house.config, notifier=house.told)
    assert early.reload() is None
    assert house.told.messages == []
