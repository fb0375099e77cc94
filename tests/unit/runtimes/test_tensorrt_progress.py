"""A build tells its steps where TensorRT does, and that it lives where it does not."""

from __future__ import annotations

import threading

import pytest

from edgecls.runtimes.tensorrt_build import engine_from_onnx
from edgecls.runtimes.tensorrt_progress import WORDS, BuildProgress
from tests.unit.runtimes.fake_tensorrt import FakeTensorRt

Steps = list[tuple[str, int, int]]


def test_steps_are_passed_on_from_version_10_on() -> None:
    steps: Steps = []
    engine_from_onnx(
        FakeTensorRt("10.3.0"),
        b"model",
        told=lambda what, done, total, seconds: steps.append((what, done, total)),
    )
    assert steps == [("Timing tactics", done, 2) for done in (0, 1, 2)]


def test_version_8_has_no_steps_and_is_asked_for_none() -> None:
    engine, _ = engine_from_onnx(
        FakeTensorRt("8.5.2"), b"model", told=lambda what, done, total, seconds: None
    )
    assert engine


def test_a_silent_build_gives_signs_of_life() -> None:
    heard: list[tuple[str, int, int, float]] = []
    twice = threading.Event()

    def told(what: str, done: int, total: int, seconds: float) -> None:
        heard.append((what, done, total, seconds))
        if len(heard) == 2:
            twice.set()

    ticks = iter(range(0, 1000, 10))
    with BuildProgress(told, every_s=0.001, clock=lambda: next(ticks)):
        assert twice.wait(10)
    assert heard[:2] == [(WORDS, 0, 0, 10), (WORDS, 0, 0, 20)]


def test_ctrl_c_inside_a_step_ends_the_build() -> None:
    trt = FakeTensorRt("10.3.0")

    def told(what: str, done: int, total: int, seconds: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        engine_from_onnx(trt, b"model", told=told)
    assert trt.builds == 0
