"""The receiver that docs/notify.md shows: it takes what we sign, and nothing else."""

from __future__ import annotations

import contextlib
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from edgecls.errors import SinkError
from edgecls.sections.sinks import WebhookSinkSection
from edgecls.sinks.webhook import WebhookSink
from edgecls.testing.door import NOON
from edgecls.types import Event
from tests.mosquitto import free_port

PAGE = Path(__file__).resolve().parents[2] / "docs" / "notify.md"
SECRET = "0123456789abcdef0123456789abcdef"
EVENT = Event(7, "pressed", "door", NOON, 3, 0.91, None, True)


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run the page's Python as it stands there, but for the port; return it and its address."""
    (found,) = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text("utf-8"), re.M | re.S)
    port = free_port()
    program = tmp_path / "receiver.py"
    program.write_text(found.replace("8099", str(port)))
    (tmp_path / "webhook-secret").write_text(f"{SECRET}\n")
    with subprocess.Popen(
        [sys.executable, str(program)], cwd=tmp_path, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        for _ in range(400):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            time.sleep(0.05)
        yield process, f"http://127.0.0.1:{port}/"
        process.terminate()


def sink(url: str, *, secret: str = SECRET, late: timedelta = timedelta(0)) -> WebhookSink:
    section = WebhookSinkSection(kind="webhook", url=url, secret=secret)
    return WebhookSink(section, now=lambda: datetime.now(timezone.utc) - late)


def test_the_receiver_of_the_page(receiver: tuple[subprocess.Popen[str], str]) -> None:
    process, url = receiver
    with sink(url) as genuine:
        genuine.deliver(EVENT, None)
    assert process.stdout is not None
    assert process.stdout.readline() == "7 pressed door True\n"
    for forged in (sink(url, secret=SECRET[::-1]), sink(url, late=timedelta(minutes=6))):
        with forged, pytest.raises(SinkError, match="answered 401"):
            forged.deliver(EVENT, None)
