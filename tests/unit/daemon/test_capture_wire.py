"""The wire between parent and capture process: frames in memory, orders, messages."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import pytest
from pydantic import SecretStr

from edgecls.daemon.capture_wire import (
    FRAME_BYTES_MAX,
    TEXT_CHARS_MAX,
    GarbledError,
    SlotReader,
    SlotWriter,
    message_bytes,
    message_from_line,
    order_from_section,
    section_from_order,
)
from edgecls.sections.camera import HttpCameraSection, ReplayCameraSection
from edgecls.testing.camera import picture
from edgecls.types import Frame

NOW = datetime(2026, 11, 20, 12, 30, 5, 250_000, tzinfo=timezone.utc)


@pytest.fixture
def memory() -> Iterator[int]:
    descriptor = os.memfd_create("test")
    yield descriptor
    os.close(descriptor)


def frame(number: int, *, width: int = 64, height: int = 48) -> Frame:
    return Frame(picture(number, width=width, height=height), 12.5, NOW, number)


def test_a_frame_comes_back_as_it_was(memory: int) -> None:
    SlotWriter(memory).publish(frame(7, width=65, height=33), 7, published_s=13.25)
    found = SlotReader(memory).newest(after=6)
    assert found is not None
    got, published_s = found
    assert (got.pixels == 7).all()
    assert got.pixels.shape == (33, 65, 3)
    assert (got.captured_s, got.captured_at, got.sequence) == (12.5, NOW, 7)
    assert published_s == 13.25


def test_only_the_newest_frame_is_read_and_only_once(memory: int) -> None:
    writer, reader = SlotWriter(memory), SlotReader(memory)
    assert reader.newest(after=-1) is None
    for number in range(5):
        writer.publish(frame(number), number, published_s=0.0)
    found = reader.newest(after=-1)
    assert found is not None
    assert found[0].sequence == 4
    assert reader.newest(after=4) is None


def test_a_view_that_is_not_contiguous_is_written_as_seen(memory: int) -> None:
    whole = np.arange(48 * 64 * 3, dtype=np.uint8).reshape(48, 64, 3)
    SlotWriter(memory).publish(Frame(whole[::2, ::-1], 0.0, NOW, 0), 0, published_s=0.0)
    found = SlotReader(memory).newest(after=-1)
    assert found is not None
    assert (found[0].pixels == whole[::2, ::-1]).all()


def test_the_memory_is_no_larger_than_the_frames_in_it(memory: int) -> None:
    writer = SlotWriter(memory)
    for number in range(9):
        writer.publish(frame(number, width=1280, height=720), number, published_s=0.0)
    assert os.fstat(memory).st_blocks * 512 < 2.2 * 1280 * 720 * 3


def test_a_frame_larger_than_a_slot_is_refused(memory: int) -> None:
    pixels = np.broadcast_to(np.uint8(0), (FRAME_BYTES_MAX // 3 + 1, 1, 3))
    with pytest.raises(ValueError, match="expected at most 7680x4320"):
        SlotWriter(memory).publish(Frame(pixels, 0.0, NOW, 0), 0, published_s=0.0)


@pytest.mark.parametrize("nonsense", [b"x" * 64, b"edgecls1" + b"\xff" * 56], ids=["magic", "size"])
def test_nonsense_in_the_memory_is_noticed(memory: int, nonsense: bytes) -> None:
    os.pwrite(memory, nonsense, 0)
    with pytest.raises(GarbledError):
        SlotReader(memory).newest(after=-1)


def test_memory_that_is_cut_short_is_noticed(memory: int) -> None:
    SlotWriter(memory).publish(frame(1), 1, published_s=0.0)
    os.ftruncate(memory, os.fstat(memory).st_size // 2 + 5000)
    with pytest.raises(GarbledError, match="less than a frame"):
        SlotReader(memory).newest(after=-1)


WRITER = """
import sys
from datetime import datetime, timezone
from edgecls.daemon.capture_wire import SlotWriter
from edgecls.testing.camera import picture
from edgecls.types import Frame
writer = SlotWriter(int(sys.argv[1]))
now = datetime.now(timezone.utc)
number = 0
while True:
    scale = 1 + number % 5
    pixels = picture(number, width=160 * scale, height=90 * scale)
    writer.publish(Frame(pixels, 0.0, now, number), number, published_s=0.0)
    number += 1
"""


def test_no_frame_is_torn_while_both_sides_go_as_fast_as_they_can(
    memory: int, repository: Path
) -> None:
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(memory)],
        pass_fds=[memory],
        cwd=repository,
        stderr=subprocess.PIPE,
    )
    try:
        reader = SlotReader(memory)
        seen, count = -1, 0
        end_s = time.monotonic() + 60
        while count < 100:
            assert time.monotonic() < end_s
            found = reader.newest(after=seen)
            if found is None:
                assert writer.poll() is None
                continue
            got = found[0]
            assert got.sequence > seen
            assert got.pixels.shape == (
                90 * (1 + got.sequence % 5),
                160 * (1 + got.sequence % 5),
                3,
            )
            assert got.pixels.min() == got.pixels.max() == got.sequence % 256
            seen, count = got.sequence, count + 1
        assert writer.poll() is None
    finally:
        writer.kill()
        _, complaint = writer.communicate()
    assert complaint == b""


def test_an_order_carries_paths_and_secrets_but_shows_no_secret() -> None:
    section = HttpCameraSection(
        kind="http",
        source="http://camera/shot",
        password=SecretStr("hunter2"),
        password_file=Path("/run/secret"),
    )
    line = order_from_section(section, "some.module:Leaf")
    assert line.count(b"\n") == 1
    got, leaf = section_from_order(line)
    assert leaf == "some.module:Leaf"
    assert (got.kind, got.source, got.fps) == ("http", "http://camera/shot", section.fps)
    assert got.password_file == Path("/run/secret")
    assert got.password.get_secret_value() == "hunter2"
    assert "hunter2" not in repr(got)


def test_an_order_leaves_nothing_out() -> None:
    section = ReplayCameraSection(kind="replay", source=Path("clips"), loop=False)
    got, leaf = section_from_order(order_from_section(section, None))
    assert leaf is None
    lists = {"masks": [], "zones": []}  # as they travel
    assert vars(got) == section.model_dump() | lists


def test_a_message_fits_into_one_atomic_write_whatever_it_says() -> None:
    text = "\x00\n\U0001f6aa\udcff" * 5000
    line = message_bytes("failed", error=text, hint=text)
    assert len(line) <= 4096  # PIPE_BUF on Linux
    assert line.count(b"\n") == 1
    assert message_from_line(line)["error"] == text[:TEXT_CHARS_MAX].replace("\udcff", "?")


@pytest.mark.parametrize("line", [b"\xff\x00", b"[]", b"{}", b'{"kind": 3}', b"", b"NaN"])
def test_a_line_that_is_no_message_is_noticed(line: bytes) -> None:
    with pytest.raises(GarbledError):
        message_from_line(line)
