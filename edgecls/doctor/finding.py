"""What a check finds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class State(str, Enum):
    """How it stands with one thing: SKIP where it could not be looked at, or does not matter."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report.

    Args:    subject: what was looked at, a word or two.   text: what was found.
             fix: what to type or do; given with WARN and FAIL.
    """

    subject: str
    state: State
    text: str
    fix: str | None = None


def ok(subject: str, text: str) -> Finding:
    return Finding(subject, State.OK, text)


def warn(subject: str, text: str, *, fix: str) -> Finding:
    return Finding(subject, State.WARN, text, fix)


def fail(subject: str, text: str, *, fix: str) -> Finding:
    return Finding(subject, State.FAIL, text, fix)


def skip(subject: str, text: str) -> Finding:
    return Finding(subject, State.SKIP, text)
