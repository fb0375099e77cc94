"""The first boot: power cut at every call of a program, and what it says when it cannot go on."""

from __future__ import annotations

import itertools
import os
import subprocess
from pathlib import Path

import pytest

from tests.first_boot_machine import DIED, SCRIPT, STEPS, Machine


def test_an_undisturbed_first_boot_does_each_step_once(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    done = machine.start()
    assert done.returncode == 0, done.stderr
    said = [line.removeprefix("edgecls first boot: ") for line in done.stdout.splitlines()]
    assert said == [*STEPS, "done, version 0.1.0"]
    machine.assert_whole()
    assert "groupadd --system gpio" in machine.calls
    assert "groupadd --system video" not in machine.calls
    assert "systemctl start --no-block edgecls.service" in machine.calls


def test_another_start_does_nothing_more(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.start()
    password = machine.owner_file.read_text()
    machine.owner_file.unlink()  # as after the first login
    (machine.root / "var/lib/edgecls/first-password").unlink()
    done = machine.start()
    assert done.stdout == "edgecls first boot: done, version 0.1.0\n"
    assert machine.calls == ["sync "]
    assert password
    assert not machine.owner_file.exists()


def _calls_of_an_undisturbed_start(folder: Path) -> list[str]:
    machine = Machine(folder)
    machine.start()
    return machine.calls


def _cut_and_start_again(folder: Path, die_at: int) -> None:
    machine = Machine(folder)
    assert machine.start(die_at=die_at).returncode == DIED, die_at
    after = machine.markers
    done = machine.start()
    assert done.returncode == 0, (die_at, done.stderr)
    taken = {line.removeprefix("edgecls first boot: ") for line in done.stdout.splitlines()}
    assert not after & taken, die_at  # what had its marker was not done again
    machine.assert_whole()


def test_power_may_fail_after_each_step_before_its_marker(tmp_path: Path) -> None:
    calls = _calls_of_an_undisturbed_start(tmp_path / "whole")
    pairs = itertools.pairwise(calls)
    ends = [n for n, pair in enumerate(pairs, 1) if pair[0].split() == ["sync"]]
    assert len(ends) >= len(STEPS)
    for die_at in ends[:: max(1, len(ends) // len(STEPS))]:
        _cut_and_start_again(tmp_path / str(die_at), die_at)


@pytest.mark.slow
def test_power_may_fail_at_any_call(tmp_path: Path) -> None:
    for die_at in range(1, len(_calls_of_an_undisturbed_start(tmp_path / "whole")) + 1):
        _cut_and_start_again(tmp_path / str(die_at), die_at)


def test_power_may_fail_twice_in_the_same_step(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    assert machine.start(die_at=14).returncode == DIED
    assert machine.start(die_at=3).returncode == DIED
    assert machine.start().returncode == 0
    machine.assert_whole()


def test_a_password_that_was_written_stays_the_same(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.start()
    first = (machine.root / "var/lib/edgecls/first-password").read_text()
    (machine.root / "var/lib/edgecls-first-boot/password").unlink()
    machine.start()
    assert (machine.root / "var/lib/edgecls/first-password").read_text() == first
    assert first.strip() in machine.owner_file.read_text()


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("python", "this system has Python 3.13, the card was made for 3.11"),
        ("wheels", "wheels.tar is damaged: write the card anew"),
        ("config", "the card lacks doorbell.toml: write it anew"),
    ],
)
def test_what_cannot_be_done_is_told_on_the_card(fault: str, told: str, tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    if fault == "wheels":
        (machine.card / "wheels.tar").write_bytes(b"cut off")
    if fault == "config":
        (machine.card / "etc/doorbell.toml").unlink()
    done = machine.start(python="3.13" if fault == "python" else "3.11")
    assert done.returncode == 1
    assert told in done.stderr
    assert told in (machine.boot / "edgecls-first-boot.txt").read_text()
    assert "done" not in machine.markers


def test_a_step_that_fails_halfway_stops_there(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    (machine.root / "etc").mkdir()
    (machine.root / "etc/edgecls").write_text("a file where a folder should be")
    done = machine.start()
    assert done.returncode == 1
    assert "the step settings failed" in (machine.boot / "edgecls-first-boot.txt").read_text()
    assert machine.markers == {"account"}
    (machine.root / "etc/edgecls").unlink()
    assert machine.start().returncode == 0
    machine.assert_whole()


def test_the_unit_is_no_program_though_a_card_says_so_of_every_file(tmp_path: Path) -> None:
    card, root = tmp_path / "card", tmp_path / "root"
    card.mkdir()
    (card / "edgecls-first-boot.service").write_text("[Service]\n")
    (card / "edgecls-first-boot.service").chmod(0o755)
    environment = {"PATH": os.environ["PATH"], "EDGECLS_ROOT": str(root)}
    command = ["sh", str(SCRIPT.parent / "install-unit"), str(card)]
    for _ in range(2):
        subprocess.run(command, env=environment, check=True, timeout=30)
    unit = root / "etc/systemd/system/edgecls-first-boot.service"
    assert unit.stat().st_mode & 0o777 == 0o644
    wanted = unit.parent / "multi-user.target.wants" / unit.name
    assert wanted.resolve() == unit.resolve()
