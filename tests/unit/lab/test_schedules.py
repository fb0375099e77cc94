"""Rates: a plateau schedule warms up as the others do."""

from __future__ import annotations

import pytest

pytest.importorskip("keras", reason="the lab extra is not installed")

from edgecls.lab.recipe import Phase
from edgecls.lab.schedules import rate_from, warming


def test_a_plateau_schedule_warms_up_as_a_constant_one_does() -> None:
    warm = {"name": "a", "epochs": 5, "rate": 0.2, "warmup_epochs": 1.5}
    plateau = Phase.model_validate({**warm, "schedule": "plateau"})
    constant = Phase.model_validate({**warm, "schedule": "constant"})
    course = rate_from(constant, steps=4)
    rates = [warming(plateau, step=step, steps=4) for step in range(8)]
    assert rates[:7] == pytest.approx([float(course(step)) for step in range(7)], rel=1e-5)
    assert rates[6] == pytest.approx(0.2)
    assert rates[7] is None  # from here on the validation loss decides
    assert warming(constant, step=0, steps=4) is None
    cold = Phase.model_validate({**warm, "warmup_epochs": 0, "schedule": "plateau"})
    assert warming(cold, step=0, steps=4) is None
