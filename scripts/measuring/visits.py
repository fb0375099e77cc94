"""Visits found, missed and false in real clips with notes of what happens."""

from __future__ import annotations

from edgecls.daemon.clips import totals
from scripts.measure_visits import FPS, false_alarms, measure_clips, table
from scripts.measuring.section import NotMeasured, Section


def measure() -> Section:
    """Run the watch over every clip; see scripts/measure_visits.py."""
    results = measure_clips()
    if isinstance(results, str):
        raise NotMeasured(results)
    total = totals(results)
    about = (
        f"The bundle that ships in the package and the default configuration, at {FPS:g} frames "
        "per second of the clip's own clock. A visit may begin or end 1 s outside the noted "
        "interval. A split is a second visit for one interval; the delay is from the noted begin "
        f"to the arrival that was told. {total.nobody_s / 60:.1f} minutes of the clips show "
        f"nobody. False alarms per camera-day, with the 95 % interval: {false_alarms(results)}."
    )
    return Section("Visits in real clips", f"{about}\n\n{table(results)}")
