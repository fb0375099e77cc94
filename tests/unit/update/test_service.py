"""The daemon's health, as a fake systemctl and a small page on loopback tell it."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edgecls.errors import UpdateError
from edgecls.update.service import Service

CONFIG = '[camera]\nkind = "demo"\n[web]\n'


@contextmanager
def _page(*statuses: int) -> Iterator[int]:
    """Answer with each status in turn, the last one for ever; give the port."""
    left = list(statuses)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            assert self.path == "/healthz"
            self.send_response(left.pop(0) if len(left) > 1 else left[0])
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            """Stay silent."""

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join(5)


def _service(folder: Path, web: str, *, active: bool = True) -> tuple[Service, list[float]]:
    config, ctl, pauses = folder / "doorbell.toml", folder / "systemctl", list[float]()
    config.write_text(CONFIG + web)
    ctl.write_text(f"#!/bin/sh\nexit {0 if active else 3}\n")
    ctl.chmod(0o755)
    return Service(config, ctl=str(ctl), pause=pauses.append), pauses


def test_an_active_unit_without_a_page_is_well(tmp_path: Path) -> None:
    service, pauses = _service(tmp_path, "enabled = false\n")
    assert service.restart()
    assert service.wait_healthy(60) is None
    assert len(pauses) == 2  # three good answers in a row


def test_an_inactive_unit_is_not_well(tmp_path: Path) -> None:
    service, _ = _service(tmp_path, "enabled = false\n", active=False)
    assert not service.restart()
    assert service.wait_healthy(0) == "edgecls.service is not active"


@pytest.mark.parametrize(
    ("statuses", "seconds", "fault"),
    [((200,), 60, None), ((503, 503, 200), 60, None), ((503,), 0, "/healthz answers 503")],
)
def test_the_page_has_its_say(
    statuses: tuple[int, ...], seconds: float, fault: str | None, tmp_path: Path
) -> None:
    with _page(*statuses) as port:
        service, _ = _service(tmp_path, f"port = {port}\n")
        assert service.wait_healthy(seconds) == fault


def test_a_page_that_comes_and_goes_is_not_well(tmp_path: Path) -> None:
    with _page(200, 200, 503, 200, 200, 200) as port:
        service, pauses = _service(tmp_path, f"port = {port}\n")
        assert service.wait_healthy(60) is None
        assert len(pauses) == 5


def test_a_page_that_does_not_answer_and_a_faulty_file_are_told(tmp_path: Path) -> None:
    with _page(200) as port:
        pass
    service, _ = _service(tmp_path, f"port = {port}\n")
    assert "the page does not answer" in str(service.fault())
    service, _ = _service(tmp_path, "port = 99999999\n")
    assert "1 error" in str(service.fault())


def test_unit_files_are_put_back_and_newer_ones_go(tmp_path: Path) -> None:
    root, kept, left = tmp_path / "root", tmp_path / "1/system", tmp_path / "2/system"
    unit, change = "etc/systemd/system/edgecls.service", "etc/systemd/system.conf.d/50-x.conf"
    for folder, names in ((kept, [unit]), (left, [unit, change]), (root, [unit, change])):
        for name in names:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(folder.parent.name)
    service = Service(tmp_path / "doorbell.toml", root=root)
    assert service.place_units(kept, left)
    assert (root / unit).read_text() == "1"
    assert (root / unit).stat().st_mode & 0o777 == 0o644
    assert not (root / change).exists()
    assert not service.place_units(tmp_path / "3/system", left)
    assert (root / unit).read_text() == "1"


def test_kept_unit_files_that_a_power_cut_emptied_are_refused(tmp_path: Path) -> None:
    root, kept = tmp_path / "root", tmp_path / "1/system"
    for folder, texts in ((kept, ("1", "")), (root, ("2", "2"))):
        folder.mkdir(parents=True)
        for name, text in zip(("a.service", "b.service"), texts, strict=True):
            (folder / name).write_text(text)
    with pytest.raises(UpdateError, match=r"1/system/b\.service is empty"):
        Service(tmp_path / "doorbell.toml", root=root).place_units(kept)
    assert [(root / name).read_text() for name in ("a.service", "b.service")] == ["2", "2"]


def test_a_unit_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    root, kept = tmp_path / "root", tmp_path / "1/system"
    (kept / "b.d").mkdir(parents=True)
    (kept / "a.service").write_text("1")
    (kept / "b.d/c.conf").write_text("1")
    root.mkdir()
    (root / "b.d").write_text("a file where a folder should be")
    with pytest.raises(UpdateError, match=r"root/b.d/c.conf: File exists"):
        Service(tmp_path / "doorbell.toml", root=root).place_units(kept)


def test_the_kept_configuration_comes_back_whole(tmp_path: Path) -> None:
    folder, kept = tmp_path / "edgecls", tmp_path / "edgecls.before"
    for place, word in ((folder, "new"), (kept, "old")):
        place.mkdir()
        (place / "doorbell.toml").write_text(word)
    service = Service(folder / "doorbell.toml")
    assert service.restore_config()
    assert (folder / "doorbell.toml").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["edgecls"]
    assert not service.restore_config()
