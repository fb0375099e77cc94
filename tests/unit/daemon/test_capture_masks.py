"""A privacy mask is drawn in the capture process: the daemon never has what is below it."""

from __future__ import annotations

import numpy as np

from edgecls.daemon.capture import Capture
from edgecls.sections.camera import DemoCameraSection

RIGHT = [[0.5, 0.0], [1.0, 0.0], [1.0, 1.0], [0.5, 1.0]]


def test_what_comes_out_of_the_capture_process_is_masked() -> None:
    section = DemoCameraSection.model_validate({"kind": "demo", "fps": 60, "masks": [RIGHT]})
    with Capture(section, leaf="edgecls.testing.camera:LargeCamera") as capture:
        frames = [capture.read(20.0) for _ in range(4)]
    assert max(frame.pixels[0, 0, 0] for frame in frames) > 0  # grey levels that count up
    for frame in frames:
        width = frame.pixels.shape[1]
        assert not frame.pixels[:, width // 2 :].any()
        assert np.unique(frame.pixels[:, : width // 2]).size == 1


def test_a_mask_that_is_added_while_it_runs_holds_from_the_next_frame_on() -> None:
    before = DemoCameraSection.model_validate({"kind": "demo", "fps": 60})
    after = before.model_copy(update={"masks": (tuple(map(tuple, RIGHT)),)})
    with Capture(before, leaf="edgecls.testing.camera:LargeCamera") as capture:
        first = [capture.read(20.0) for _ in range(3)]
        assert max(frame.pixels[0, -1, 0] for frame in first) > 0
        capture.change(after)
        for _ in range(4):
            frame = capture.read(20.0)
            assert not frame.pixels[:, frame.pixels.shape[1] // 2 :].any()
            assert frame.sequence > first[-1].sequence
        assert (capture.counters.failures, capture.counters.restarts) == (0, 1)
