"""The drop-in names whom the file names: each once, loopback left out."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from edgecls.cli.config_network import HOME, NetworkResult, peers_of
from edgecls.cli.main import run
from edgecls.config import from_mapping

CAMERA = {"name": "door", "kind": "rtsp", "source": "rtsp://viewer@192.168.1.20:554/stream"}
KNOWN = {"broker.home": ["192.168.1.5", "fd00::5"], "hook.example": ["203.0.113.7"]}


def peers(*, resolvers: tuple[str, ...] = ("192.168.1.1",), **tables: Any) -> dict[str, str]:
    config = from_mapping({"cameras": [CAMERA], **tables}, origin="test")
    found = peers_of(config, KNOWN.__getitem__, resolvers)
    return {peer.what: " ".join(peer.addresses) for peer in found}


def test_a_camera_by_its_address_needs_no_name_server() -> None:
    assert peers() == {"camera door": "192.168.1.20"}


def test_brokers_and_webhooks_are_looked_up() -> None:
    found = peers(
        sinks=[
            {"name": "home", "kind": "mqtt", "host": "broker.home"},
            {
                "name": "hook",
                "kind": "webhook",
                "url": "https://hook.example/x",
                "secret": "s" * 32,
            },
        ]
    )
    assert found == {
        "camera door": "192.168.1.20",
        "sink home: broker.home": "192.168.1.5 fd00::5",
        "sink hook: hook.example": "203.0.113.7",
        "name servers": "192.168.1.1",
    }


def test_this_machine_is_allowed_anyway() -> None:
    found = peers(
        resolvers=("127.0.0.53",),
        triggers=[{"name": "bell", "kind": "mqtt", "host": "127.0.0.1", "topic": "bell"}],
    )
    assert found == {"camera door": "192.168.1.20"}


def test_a_page_for_the_home_is_open_to_the_home() -> None:
    assert peers(web={"host": "0.0.0.0"})["who opens the page"] == " ".join(HOME)


def test_a_device_file_names_nobody(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "doorbell.toml"
    path.write_text('[camera]\nkind = "v4l2"\n')
    assert run(["config", "network", str(path)]) == 0
    assert capsys.readouterr().out == "[Service]\nIPAddressAllow=\nIPAddressAllow=localhost\n"


def test_systemd_takes_it(tmp_path: Path, repository: Path) -> None:
    config = from_mapping({"cameras": [CAMERA], "web": {"host": "0.0.0.0"}}, origin="test")
    drop_in = str(NetworkResult(peers_of(config, KNOWN.__getitem__, ())).as_text())
    unit = (repository / "firmware_configs/systemd/edgecls.service").read_text()
    path = tmp_path / "edgecls.service"
    path.write_text(unit.replace("/opt/edgecls/current/bin/edgecls-daemon", "/bin/true") + drop_in)
    try:
        done = subprocess.run(
            ["systemd-analyze", "verify", "--man=no", str(path)],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    except FileNotFoundError:
        pytest.skip("systemd-analyze is not installed")
    assert done.stderr == ""
