"""Inputs that are almost right: valid ones with a few things changed.

Hypothesis draws a number, and what is changed follows from it: drawing each change by itself would
take ten times as long as trying it.
"""

from __future__ import annotations

import copy
import math
import random
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from hypothesis import strategies as st

T = TypeVar("T")

WORDS = (
    "",
    "auto",
    "rtsp://",
    "http://a",
    "/dev/null",
    "..",
    "23:00-01:00",
    "door",
    "\0",
    "ü",
    "*",
)
NUMBERS = (0, 1, -1, 2**31, 2**63, -(2**63), 10**40, 0.5, 1e300, -0.0, math.inf, math.nan)


def made(build: Callable[[random.Random], T]) -> st.SearchStrategy[T]:
    """Return inputs that `build` makes of random numbers; the same number makes the same input."""
    return st.integers(0, 2**64 - 1).map(lambda seed: build(random.Random(seed)))


def mutated_bytes(originals: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    """Change, drop, double or insert a few bytes of a valid input, or cut it off."""
    return made(lambda chance: _edited(chance, chance.choice(originals)))


def mutated_tables(originals: Sequence[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """Replace, remove or add a few values anywhere inside a nested mapping."""

    def build(chance: random.Random) -> dict[str, Any]:
        data = copy.deepcopy(chance.choice(originals))
        for _ in range(chance.randint(1, 4)):
            _change_one(chance, data)
        return data

    return made(build)


def any_value(chance: random.Random, depth: int = 2) -> Any:
    """Return some value that JSON or TOML may hold."""
    kinds = 7 if depth else 5
    kind = chance.randrange(kinds)
    if kind == 0:
        return chance.choice((None, True, False))
    if kind in (1, 2):
        return chance.choice((chance.choice(NUMBERS), chance.randint(-99, 99), chance.random()))
    if kind in (3, 4):
        return chance.choice((chance.choice(WORDS), some_text(chance)))
    if kind == 5:
        return [any_value(chance, depth - 1) for _ in range(chance.randrange(4))]
    return {some_text(chance): any_value(chance, depth - 1) for _ in range(chance.randrange(4))}


def some_text(chance: random.Random) -> str:
    """Return a few characters from anywhere in Unicode, lone surrogates left out."""
    codes = (chance.choice((chance.randrange(32, 127), chance.randrange(0xD800)))
             for _ in range(chance.randrange(12)))  # fmt: skip
    return "".join(map(chr, codes))


def _edited(chance: random.Random, original: bytes) -> bytes:
    data = bytearray(original)
    for _ in range(chance.randint(1, 5)):
        at, length = chance.randrange(len(data) + 1), chance.randint(1, 40)
        _EDITS[chance.randrange(len(_EDITS))](chance, data, at, length)
    return bytes(data)


def _set(chance: random.Random, data: bytearray, at: int, length: int) -> None:
    data[at : at + length % 6 + 1] = chance.randbytes(length % 6 + 1)


def _drop(chance: random.Random, data: bytearray, at: int, length: int) -> None:
    del data[at : at + length]


def _double(chance: random.Random, data: bytearray, at: int, length: int) -> None:
    data[at:at] = data[at : at + length]


def _flip(chance: random.Random, data: bytearray, at: int, length: int) -> None:
    if at < len(data):
        data[at] ^= 1 << length % 8


def _cut(chance: random.Random, data: bytearray, at: int, length: int) -> None:
    if length > 30:  # not too often: little is left to go wrong
        del data[at:]


_EDITS = (_set, _flip, _drop, _double, _cut)


def _change_one(chance: random.Random, data: dict[str, Any]) -> None:
    place: Any = data
    while True:
        keys = list(place) if isinstance(place, dict) else range(len(place))
        if not keys:
            return
        key = chance.choice(keys)
        inner = place[key]
        if isinstance(inner, dict | list) and inner and chance.random() < 0.8:
            place = inner
            continue
        change = chance.randrange(5)
        if change == 0:
            del place[key]
        elif change == 1 and isinstance(place, dict):
            place[some_text(chance)] = any_value(chance)
        else:
            place[key] = any_value(chance)
        return
