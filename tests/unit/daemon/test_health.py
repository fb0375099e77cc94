"""/healthz: every reason that it is not well, and only those."""

from __future__ import annotations

from edgecls.daemon.health import Health


def health(
    ages_s: dict[str, float | None], *, model: str | None = None, store: str | None = None
) -> Health:
    return Health(
        ages_s=lambda: ages_s,
        limits_s=dict.fromkeys(ages_s, 20.0),
        model_problem=lambda: model,
        store_problem=lambda: store,
    )


def test_all_is_well() -> None:
    state = health({"door": 0.2, "yard": 20.0}).state()
    assert state.ok
    assert state.reasons == ()


def test_each_reason_is_told() -> None:
    state = health(
        {"door": 20.6, "yard": None, "shed": 3.0},
        model="the model gives 'person' 0.1",
        store="disk full",
    ).state()
    assert not state.ok
    assert state.reasons == (
        "camera door: newest frame is 21 s old, expected at most 20 s",
        "camera yard: no frame yet",
        "the model gives 'person' 0.1",
        "disk full",
    )
