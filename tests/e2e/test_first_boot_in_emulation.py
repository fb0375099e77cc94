"""A flashed card, started in an emulated arm64 machine, with power cut three times.

Minutes on a quiet machine with several cores, an hour on a busy one.
"""

from __future__ import annotations

import http.client
import os
import shutil
import sqlite3
import ssl
import time
from collections.abc import Iterator

import pytest

from edgecls.cli.main import run
from edgecls.store.database import FILE_NAME
from tests.arm64_root import arm64_tar, unpacked, why_no_arm64
from tests.boot_machine import PACKAGES, PROGRAMS, Machine, stock_image
from tests.card_images import read_card
from tests.device_wheels import BOARD, device_wheels

WHY_NOT = why_no_arm64(*PROGRAMS, "mcopy", "mkfs.vfat", "cpio")
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
    house = device_wheels("3.11")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("INITRD", "No")  # Debian's own RAM disk takes half an hour to pack here
        tar = arm64_tar(PACKAGES)
    root = unpacked(tar, folder / "root")
    stock = stock_image(root, folder / "stock.img")
    shutil.rmtree(root)
    config, card = folder / "door.toml", folder / "card.img"
    config.write_text('[camera]\nkind = "demo"\n')
    words = ["--image", str(stock), "-c", str(config), "--wheelhouse", str(house.folder)]
    words += ["--python", "3.11", "--hostname", "front-door", "--out", str(card)]
    assert run(["flash", BOARD, *words]) == 0
    stock.unlink()
    emulated = Machine(card, folder)
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
    assert _answers(machine.port, STEP_S) == 200
    machine.wait_for("visit", STEP_S)
    time.sleep(30)  # the demo's next scenes
    machine.cut_power()
    assert "name owner, password" in read_card(machine.card, "edgecls-password.txt")
    files = list(machine.root_files("/var/lib/edgecls"))
    (database,) = [path for path in files if path.name == FILE_NAME]
    with sqlite3.connect(database) as connection:
        (visits,) = connection.execute("SELECT count(*) FROM visits").fetchone()
    assert visits >= 1


def _answers(port: int, timeout_s: float) -> int:
    """Ask /healthz, over TLS with the device's own certificate, until it says yes."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    end, status = time.monotonic() + timeout_s, 0
    while status != 200 and time.monotonic() < end:
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=60, context=context)
        try:
            connection.request("GET", "/healthz")
            status = connection.getresponse().status
        except (OSError, http.client.HTTPException):
            time.sleep(5)
        finally:
            connection.close()
    return status
