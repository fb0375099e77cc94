"""The doctor on brokers, web addresses and the unit."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

from edgecls.doctor.network import check_sinks
from edgecls.doctor.patient import connect
from edgecls.doctor.service import PROPERTIES, UNIT, check_service
from tests.patients import patient_of, states, told
from tests.recorded_boards import PI_4

SHOW = f"systemctl show {UNIT} --property={PROPERTIES}"


def config_with(**tables: Any) -> dict[str, Any]:
    return {"camera": {"kind": "demo"}, **tables}


def test_a_broker_that_answers_and_one_that_does_not(tmp_path: Path) -> None:
    def connect_to(host: str, port: int, timeout_s: float) -> None:
        assert timeout_s <= 5
        if host == "away":
            raise TimeoutError
        if host == "closed":
            raise ConnectionRefusedError(111, "Connection refused")
        assert (host, port) in {("home", 1883), ("home.example", 443)}

    sinks = [
        {"kind": "mqtt", "name": "here", "host": "home"},
        {"kind": "mqtt", "name": "gone", "host": "away", "tls": True},
        {"kind": "mqtt", "name": "off", "host": "closed", "port": 1},
        {"kind": "webhook", "name": "hook", "url": "https://home.example/x", "secret": "s" * 16},
    ]
    config = config_with(sinks=sinks)
    found = told(check_sinks(patient_of(tmp_path, PI_4, config=config, connect=connect_to)))
    assert [finding.state.value for finding in found.values()] == ["ok", "fail", "fail", "ok"]
    assert found["sink gone"].text == "MQTT broker at away:8883 does not answer within 3 s"
    assert found["sink off"].text == "MQTT broker at closed:1: Connection refused"


def test_without_sinks_there_is_nobody_to_reach(tmp_path: Path) -> None:
    assert states(check_sinks(patient_of(tmp_path, PI_4))) == {"sinks": "skip"}
    assert states(check_sinks(patient_of(tmp_path, PI_4, config=config_with()))) == {
        "sinks": "skip"
    }


def test_a_real_port_is_reached_and_a_closed_one_is_not() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        connect("127.0.0.1", port, 5)
    with pytest.raises(OSError, match="refused"):
        connect("127.0.0.1", port, 5)


def unit(**changed: str) -> dict[str, str]:
    state = {
        "LoadState": "loaded",
        "ActiveState": "active",
        "SubState": "running",
        "UnitFileState": "enabled",
        "NRestarts": "0",
        "Result": "success",
    }
    text = "".join(f"{key}={value}\n" for key, value in {**state, **changed}.items())
    return {SHOW: text}


@pytest.mark.parametrize(
    ("says", "state"),
    [
        (unit(), "ok"),
        (unit(LoadState="not-found", ActiveState="inactive"), "skip"),
        (unit(ActiveState="failed", SubState="failed", Result="watchdog"), "fail"),
        (unit(ActiveState="inactive", SubState="dead"), "warn"),
        (unit(ActiveState="activating", SubState="auto-restart", NRestarts="7"), "fail"),
        (unit(UnitFileState="disabled"), "warn"),
        (unit(NRestarts="2"), "warn"),
        ({}, "skip"),
    ],
)
def test_the_unit_is_told_as_systemd_tells_it(
    tmp_path: Path, says: dict[str, str], state: str
) -> None:
    assert states(check_service(patient_of(tmp_path, PI_4, says=says)))["service"] == state
