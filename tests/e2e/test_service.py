"""The daemon as systemd runs it, with a manager that notes what it is told."""

from __future__ import annotations

import re
import signal
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from edgecls.store.reader import StoreReader
from tests.address_families import SYS_SOCKET
from tests.service import Service
from tests.tiny_bundles import tiny_bundle

RUN = ("-c", "from edgecls.cli.main import main; main()", "run", "-c")
QUIET_S = 1.5


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Return a configuration of an endless film: a door, and now and then somebody red."""
    tiny_bundle(tmp_path / "bundle", decision={"label": "red", "threshold": 0.5})
    (tmp_path / "film").mkdir()
    for number in range(12):
        picture = np.full((48, 64, 3), 40, np.uint8)
        picture[:, :, 2 if number >= 8 else 0] = 220  # BGR
        cv2.imwrite(str(tmp_path / "film" / f"{number:02}.png"), picture)
    path = tmp_path / "doorbell.toml"
    path.write_text(
        '[camera]\nkind = "replay"\nsource = "film"\nfps = 8\n[model]\nbundle = "bundle"\n'
        "[visit]\nsmoothing_s = 0.1\nleave_after_s = 0.3\n"
        '[store]\nfolder = "data"\n[web]\nenabled = false\n'
    )
    return path


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_a_service_tells_when_it_is_ready_feeds_by_frames_and_reloads(config: Path) -> None:
    with Service(config, config.with_suffix(".log")) as service:
        assert service.told("READY=1") == "READY=1\nSTATUS=watching door"
        assert service.frame_after(0.0, 60) is not None
        assert "red arrived" in service.told("STATUS=")

        before = len(service.statuses)
        change(config, "smoothing_s = 0.1", "smoothing_s = 0.2")
        service.signal(signal.SIGHUP)
        assert service.told("RELOADING=1", after=before).split("=")[2].isdigit()
        assert "changed visit.smoothing_s" in service.told("READY=1", after=before)

        before = len(service.statuses)
        change(config, "fps = 8", "fps = fast")
        service.signal(signal.SIGHUP)
        assert "old configuration" in service.told("READY=1", after=before)
        asked_s = time.monotonic()
        assert service.frame_after(asked_s, 60) is not None  # and it goes on

        assert service.stop() == 0
        assert service.statuses[-1] == "STOPPING=1"
    assert "the configuration stays as it was" in service.log_text()
    with StoreReader(config.parent / "data") as reader:
        assert reader.visits(limit=1)


def test_without_new_frames_nothing_is_fed(config: Path) -> None:
    change(config, "fps = 8", "fps = 8\nloop = false")
    with Service(config, config.with_suffix(".log")) as service:
        assert service.frame_after(0.0, 60) is not None
        service.told("STATUS=", after=1)
        while "no picture: " not in " ".join(service.statuses):  # the film has ended
            assert service.alive
            time.sleep(0.1)
        ended_s = time.monotonic()
        assert service.frame_after(ended_s, QUIET_S) is None
        assert service.alive
        assert service.stop() == 0


def test_edgecls_run_speaks_to_the_manager_too(config: Path) -> None:
    with Service(config, config.with_suffix(".log"), words=RUN) as service:
        assert service.told("READY=1")
        assert service.frame_after(0.0, 60) is not None
        assert service.stop() == 0
        assert service.statuses[-1] == "STOPPING=1"


@pytest.mark.skipif(SYS_SOCKET is None, reason="the number of socket(2) here is not known")
def test_the_encrypted_page_comes_up_with_no_more_sockets_than_the_unit_allows(
    config: Path, repository: Path
) -> None:
    unit = (repository / "firmware_configs/systemd/edgecls.service").read_text()
    allowed = re.search(r"(?m)^RestrictAddressFamilies=(.*)$", unit)
    assert allowed is not None
    change(config, "enabled = false", 'port = 0\ntls = "generated"')
    words = ("-m", "tests.address_families", allowed[1], "edgecls.daemon")
    with Service(config, config.with_suffix(".log"), words=words) as service:
        assert service.told("READY=1"), service.log_text()
        assert service.frame_after(0.0, 60) is not None
        assert service.stop() == 0
    assert "https://127.0.0.1:" in service.log_text()


@pytest.mark.parametrize(
    ("old", "new", "code", "line"),
    [
        ("fps = 8", "fsp = 8", 2, "did you mean"),
        ('bundle = "bundle"', 'bundle = "nothing"', 4, "nothing"),
    ],
)
def test_what_cannot_start_ends_with_its_code_and_is_never_ready(
    config: Path, old: str, new: str, code: int, line: str
) -> None:
    change(config, old, new)
    with Service(config, config.with_suffix(".log")) as service:
        assert service.ended() == code
        assert service.statuses == []
    assert line in service.log_text()
    assert "Traceback" not in service.log_text()
