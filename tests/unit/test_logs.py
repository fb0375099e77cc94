"""The log: an error that repeats costs two lines, not thousands."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta, timezone

import pytest

from edgecls.logs import RepeatedError

NOON = datetime(2026, 11, 20, 12, tzinfo=timezone.utc)


def test_a_repeated_error_is_told_at_first_and_counted_at_its_end(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    times = iter(NOON + timedelta(minutes=10 * step) for step in range(9))
    trouble = RepeatedError(logging.getLogger("test"), "cannot write", now=lambda: next(times))
    for _ in range(4):
        trouble.failed(OSError("full"))
    trouble.recovered()
    trouble.recovered()  # nothing failed since
    trouble.failed(OSError("full"))
    assert caplog.messages == [
        "cannot write: full",
        "cannot write: works again after 4 failures, the first at 2026-11-20 12:00:00, "
        "the last at 2026-11-20 12:30:00",
        "cannot write: full",
    ]
