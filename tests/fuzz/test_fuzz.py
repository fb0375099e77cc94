"""The fast profile of the fuzzing: the same inputs every time, a few hundred for each target.

`scripts/measure --daemon` tries hundreds of thousands, other ones each time.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

from tests.fuzz.targets import TARGETS

CASES = 150


@pytest.mark.parametrize("name", TARGETS)
def test_nothing_that_others_wrote_breaks_it(name: str) -> None:
    target = TARGETS[name]()

    @settings(
        max_examples=CASES,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(target.inputs)
    def try_it(value: object) -> None:
        target.check(value)

    try_it()
