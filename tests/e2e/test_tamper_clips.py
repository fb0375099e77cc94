"""Tampering over real clips, where they are: none by themselves, and one when it is made."""

from __future__ import annotations

import functools
from pathlib import Path

import cv2
import numpy as np
import pytest

from edgecls.config import from_mapping
from edgecls.daemon.rehearsal import config_of_clip, frames_of_clip
from edgecls.sections.camera import ReplayCameraSection
from edgecls.sections.judging import TamperSection
from edgecls.types import Pixels
from edgecls.vision.motion import small_grey
from edgecls.vision.tamper import TamperWatch

VIDEO = Path(__file__).resolve().parents[3] / "shared" / "data" / "video"
CLIPS = sorted(VIDEO.glob("*.mp4"))
USUAL_S, DONE_S = 120, 100

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CLIPS, reason=f"no clips in {VIDEO}"),
]


@functools.cache
def frames(clip: Path) -> list[Pixels]:
    """Return a clip's pictures, one a second, at most 20."""
    base = from_mapping({"camera": {"kind": "replay", "source": "x", "fps": 1}}, origin="test")
    camera = config_of_clip(base, clip).camera
    assert isinstance(camera, ReplayCameraSection)
    return [frame.pixels for frame, _ in zip(frames_of_clip(camera), range(20), strict=False)]


def told(clip: Path, after: list[Pixels] | None = None) -> list[str]:
    """Watch the clip in a loop, then `after` in a loop; return what was told, and when."""
    watch = TamperWatch(TamperSection())
    changes = []
    usual = [small_grey(pixels) for pixels in frames(clip)]
    later = usual if after is None else [small_grey(pixels) for pixels in after]
    for second in range(USUAL_S + DONE_S):
        shown = usual if second < USUAL_S else later
        grey = shown[second % len(shown)]
        change = watch.look(grey, float(second), light="day", frozen=False, somebody=False)
        if change is not None:
            changes.append(change)
    return changes


# from straight above an empty road there is nothing whose absence would tell
TELLING = [clip for clip in CLIPS if clip.stem != "cars_top_view"]


@pytest.mark.parametrize("clip", CLIPS, ids=lambda clip: clip.stem)
def test_people_cars_and_shops_are_no_tampering(clip: Path) -> None:
    assert told(clip) == []


@pytest.mark.parametrize("clip", TELLING, ids=lambda clip: clip.stem)
def test_a_hand_a_smear_and_another_view_are(clip: Path) -> None:
    own = frames(clip)
    height, width = own[0].shape[:2]
    hand = np.tile(np.linspace(20, 60, width).astype(np.uint8)[None, :, None], (height, 1, 3))
    assert told(clip, [hand]) == ["covered"]
    smeared = [
        np.asarray(cv2.GaussianBlur(pixels, (0, 0), 0.015 * width), np.uint8) for pixels in own
    ]
    assert told(clip, smeared) == ["blurred"]
    turned = [np.ascontiguousarray(np.roll(pixels, width // 2, axis=1)) for pixels in own]
    # a street full of people looks different every time: no view that stays the same
    assert told(clip, turned) == ([] if clip.stem == "people_walking_street" else ["turned"])
