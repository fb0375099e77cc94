"""A flashed card, started in an emulated arm64 machine, with power cut three times.

Minutes on a quiet machine with several cores, an hour on a busy one.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from collections.abc import Iterator

import pytest

from edgecls.store.database import FILE_NAME
from tests.boot_machine import WHY_NOT, Machine, flashed_machine
from tests.card_images import read_card

STEP_S = float(os.environ.get("EDGECLS_EMULATION_STEP_S", "3600"))
CUTS = ("environment", "packages", "enable")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(6 * 3600),
    pytest.mark.skipif(WHY_NOT is not None, reason=str(WHY_NOT)),
]


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """Return a machine whose card was flashed by `edgecls flash` and never started."""
    folder = tmp_path_factory.mktemp("boot")
    emulated = flashed_machine(folder)
    yield emulated
    emulated.cut_power()
    shutil.rmtree(folder, ignore_errors=True)


def test_a_flashed_card_becomes_a_doorbell_though_power_fails_three_times(
    machine: Machine,
) -> None:
    for step in CUTS:
        machine.start()
        machine.wait_for(f"edgecls first boot: {step}", STEP_S)
        machine.cut_power()
    machine.start()
    machine.wait_for("edgecls first boot: done", STEP_S)
    machine.wait_for("Started edgecls.service", STEP_S)
    assert machine.page_answers(STEP_S)
    machine.wait_for("person left", STEP_S)
    time.sleep(30)  # the demo's next scenes
    machine.cut_power()
    assert "name owner, password" in read_card(machine.card, "edgecls-password.txt")
    files = list(machine.root_files("/var/lib/edgecls"))
    (database,) = [path for path in files if path.name == FILE_NAME]
    with sqlite3.connect(database) as connection:
        (visits,) = connection.execute("SELECT count(*) FROM visits").fetchone()
    assert visits >= 1
