"""The harness of `scripts/measure --daemon`, small: what it measures holds, and it can tell."""

from __future__ import annotations

import pytest

from scripts.measuring.years.fault_camera import FaultCamera
from scripts.measuring.years.faults import LIMIT_S, inject
from scripts.measuring.years.soak import play
from tests.streams import why_no_rtsp


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif(why_no_rtsp() is not None, reason=str(why_no_rtsp()))
def test_every_kind_of_camera_fault_is_recovered_from() -> None:
    results = inject(30)
    outcomes = [outcome for result in results for outcome in result.outcomes]
    assert len(outcomes) == 30
    assert len({outcome.kind for outcome in outcomes}) == 7
    late = [its for its in outcomes if its.back_s is None or its.back_s > LIMIT_S]
    assert late == []
    assert all(result.same_process and result.exit_code == 0 for result in results)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_short_soak_leaves_files_and_memory_as_they_were() -> None:
    soak = play(4000)
    assert soak.code == 0
    assert soak.frames >= 4000
    assert soak.visits >= 100
    assert len({sample.capture_files for sample in soak.steady}) == 1
    files = [sample.files for sample in soak.steady]
    assert max(files) - min(files) <= 4  # a journal's files come and go
    grown = soak.steady[-1].bytes - soak.steady[0].bytes
    assert grown < 8e6  # a leak of a frame in a hundred would be 2 MB more in 4,000


def test_the_camera_that_fails_is_well_in_between() -> None:
    import urllib.request

    with FaultCamera(1) as camera:
        sizes = []
        for fault in ("closed", "changed size", "refused", "garbage"):
            camera.fail(fault)
            camera.mend()
            with urllib.request.urlopen(camera.url, timeout=20) as answer:
                sizes.append(len(answer.read()))
        assert min(sizes) > 1000
