"""The golden picture: the same everywhere, asked for rarely, and a wrong answer is noticed."""

from __future__ import annotations

import hashlib

import pytest

from edgecls.bundle.open import open_bundle
from edgecls.classifier import Classifier
from edgecls.daemon.golden import GoldenCheck, golden_picture
from edgecls.errors import InferenceError
from edgecls.types import Classification, Pixels

DIGEST = "9a551e83d89427732ec6fe1befb402a57e89c77773378f933ac9f317e6243c2e"


class Judge:
    """Say what a test wants to hear."""

    def __init__(self, score: float = 0.25) -> None:
        self.score = score
        self.asked = 0
        self.broken = False

    def classify(self, pixels: Pixels) -> Classification:
        self.asked += 1
        if self.broken:
            raise InferenceError("the engine failed")
        return Classification("person", {"no_person": 1 - self.score, "person": self.score}, 2.0)


class Clock:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def check_of(judge: Judge, clock: Clock) -> GoldenCheck:
    return GoldenCheck(judge, side_px=16, step=1 / 256, every_s=300.0, clock=clock)


def asked_again(check: GoldenCheck, clock: Clock) -> str | None:
    clock.seconds += 300
    check.tick()
    return check.problem


def test_the_picture_is_the_same_to_the_bit_everywhere() -> None:
    picture = golden_picture(96)
    assert picture.shape == (96, 96, 3)
    assert hashlib.sha256(picture.tobytes()).hexdigest() == DIGEST
    assert golden_picture(8).shape == (8, 8, 3)


def test_it_is_asked_at_the_start_and_then_rarely() -> None:
    judge, clock = Judge(), Clock()
    check = check_of(judge, clock)
    for _ in range(1201):
        check.tick()
        clock.seconds += 1
    assert judge.asked == 1 + 4
    assert check.right()


@pytest.mark.parametrize(
    ("score", "right"),
    [(0.25 + 1 / 256, True), (0.25 + 2 / 256, False), (0.23, False), (float("nan"), False)],
)
def test_one_step_of_the_output_is_forgiven_and_two_are_not(score: float, right: bool) -> None:
    judge, clock = Judge(), Clock()
    check = check_of(judge, clock)
    judge.score = score
    problem = asked_again(check, clock)
    assert check.right() is right
    assert (problem is None) is right


def test_a_model_that_fails_is_told_and_forgiven_once_it_answers_right() -> None:
    judge, clock = Judge(), Clock()
    check = check_of(judge, clock)
    judge.broken = True
    assert asked_again(check, clock) == (
        "the model failed on the golden picture: the engine failed"
    )
    judge.broken = False
    assert asked_again(check, clock) is None


def test_a_model_that_fails_at_the_start_is_an_error() -> None:
    judge = Judge()
    judge.broken = True
    with pytest.raises(InferenceError):
        check_of(judge, Clock())


def test_the_bundle_that_ships_answers_the_same_twice() -> None:
    clock = Clock()
    bundle = open_bundle()
    with Classifier(bundle) as classifier:
        side_px = max(bundle.manifest.input.width, bundle.manifest.input.height)
        check = GoldenCheck(
            classifier, side_px=side_px, step=classifier.output_step, every_s=300, clock=clock
        )
        clock.seconds += 300
        check.tick()
        assert check.right()
