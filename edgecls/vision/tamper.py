"""Tell when somebody has done something to the camera: covered, blurred, turned, or it is frozen.

Works on the motion gate's small grey picture, once a second. What is usual is learnt slowly, for
day and for infra-red apart, and not while something seems wrong. What the house does by itself is
told apart like this: nightfall and lamps change how strong edges are, not where they run; rain
leaves most of them; a person close by covers them for a while, but never stands so still that the
picture stays the same.

A camera that cannot see anything on purpose (a flat wall, a black night without infra-red) has no
edges to miss: there, only "frozen" is told.
"""

from __future__ import annotations

import logging
from typing import Literal

import numpy as np
import numpy.typing as npt

from edgecls.sections.judging import TamperSection
from edgecls.vision.light import Light
from edgecls.vision.scene import Grey, Likeness, Scene

log = logging.getLogger(__name__)

Tamper = Literal["covered", "blurred", "frozen", "turned"]
Told = Literal["covered", "blurred", "frozen", "turned", "over"]

EVERY_S = 1.0
GONE = 0.25
"""Below this agreement the scene is not there."""
BACK = 0.35
"""From this on it is there again."""
BARE = 0.25
"""Less detail than this part of the usual: nothing is to be seen at all."""
DULL = 0.4
"""Less sharpness than this part of the usual: so blurred that a model sees less."""
CRISP = 0.6
OVER_AFTER_S = 3.0
SOMEBODY = 6.0
"""While somebody is there, it takes so many times longer: a person close by is no tampering."""
STEADY_S = 15.0
"""A turned camera sees the same thing as so long ago; who stands in front of one moves."""
STEADY = 0.5
ADOPT_S = 3600.0
"""After so long the new view of a turned camera is its usual one: its owner turned it."""
GLARE = 250
"""Grey value of a dazzled pixel: with half of them, a low sun or a torch, nothing can be told."""


class TamperWatch:
    """Say once when tampering begins, and once when it is over.

    Args:    hidden: what privacy masks cover of a small picture; is given its shape.
    """

    def __init__(self, section: TamperSection) -> None:
        self._after_s: dict[Tamper, float] = {
            "covered": section.covered_after_s,
            "blurred": section.blurred_after_s,
            "turned": section.turned_after_s,
        }
        self._enabled = section.enabled
        self._scenes: dict[Light, Scene] = {}
        self._light: Light = "day"
        self._state: Tamper | None = None
        self._since_s: dict[Tamper, float] = {}
        self._well_s: float | None = None
        self._looked_s = -EVERY_S
        self._earlier: Scene | None = None
        self._earlier_s = 0.0

    @property
    def state(self) -> Tamper | None:
        """Return what is wrong now, if anything."""
        return self._state

    def look(
        self,
        grey: Grey,
        at_s: float,
        *,
        light: Light,
        frozen: bool,
        somebody: bool,
        hidden: npt.NDArray[np.bool_] | None = None,
    ) -> Told | None:
        """Take in a frame; return what changed by it.

        Args:    grey: the small picture, uint8 (h, w); not kept.   at_s: monotonic seconds.
                 frozen: the camera repeats itself.   somebody: a visit lasts.
                 hidden: bool of the same shape, what privacy masks cover.
        """
        if not self._enabled:
            return None
        if frozen or self._state == "frozen":
            return self._frozen(frozen)
        if 0 <= at_s - self._looked_s < EVERY_S:
            return None
        self._looked_s = at_s
        known = [s for s in self._scenes.values() if s.shape == grey.shape]
        if len(known) < len(self._scenes):  # another resolution: another camera, or its other mode
            self._scenes, self._since_s = {}, {}
        scene = self._scenes.get(self._light)
        if scene is None:
            self._light = light
            self._scenes[light] = Scene(grey, at_s, hidden=hidden)
            return None
        likeness = scene.likeness(grey)
        if light != self._light and self._state is None and likeness.detail >= BARE:
            self._switch(light, grey, at_s, hidden)
            return None
        dazzled = float(np.mean(grey >= GLARE)) > 0.5
        if not scene.telling and self._state is None:
            scene.learn(grey, at_s)
            return None
        seems = None if dazzled else self._seems(likeness)
        if seems is None and not dazzled:
            return self._fine(scene, likeness, grey, at_s)
        self._well_s = None
        if seems is None:
            return None
        return self._wrong(seems, grey, at_s, somebody=somebody, hidden=hidden)

    def _frozen(self, frozen: bool) -> Told | None:
        """Begin or end "frozen"; a covered lens may be so black that it repeats itself."""
        if frozen and self._state is None:
            return self._begin("frozen")
        if not frozen and self._state == "frozen":
            return self._end()
        return None

    def _seems(self, likeness: Likeness) -> Tamper | None:
        """Say what one picture looks like; stricter about being well while something is wrong."""
        wrong = self._state is not None
        if likeness.agreement < (BACK if wrong else GONE):
            return "covered" if likeness.detail < BARE else "turned"
        if likeness.sharpness < (CRISP if self._state == "blurred" else DULL):
            return "blurred"
        return None

    def _fine(self, scene: Scene, likeness: Likeness, grey: Grey, at_s: float) -> Told | None:
        self._since_s = {}
        if self._state is None:
            if likeness.agreement >= BACK:
                scene.learn(grey, at_s)
            return None
        if self._well_s is None:
            self._well_s = at_s
        return self._end() if at_s - self._well_s >= OVER_AFTER_S else None

    def _wrong(
        self,
        seems: Tamper,
        grey: Grey,
        at_s: float,
        *,
        somebody: bool,
        hidden: npt.NDArray[np.bool_] | None,
    ) -> Told | None:
        unsteady = seems == "turned" and not self._is_steady(grey, at_s, hidden)
        lasts_s = self._lasts_s(seems, at_s, anew=unsteady)
        if seems == self._state:
            if seems == "turned" and lasts_s >= ADOPT_S:
                log.info("what a turned camera sees is taken for its usual view from now on")
                self._scenes = {self._light: Scene(grey, at_s, hidden=hidden)}
                return self._end()
            return None
        if lasts_s < self._after_s[seems] * (SOMEBODY if somebody else 1.0):
            return None
        return self._begin(seems)

    def _lasts_s(self, seems: Tamper, at_s: float, *, anew: bool) -> float:
        """Return for how long it has seemed so, in seconds.

        A covered camera whose cover has some pattern may look turned now and then: what counts for
        "covered" counts for "turned" as well, until it has been told.
        """
        wanted: set[Tamper] = {seems}
        if seems == "covered" and self._state != "covered":
            wanted.add("turned")
        self._since_s = {
            kind: at_s if anew else self._since_s.get(kind, at_s) for kind in sorted(wanted)
        }
        return at_s - self._since_s[seems]

    def _is_steady(self, grey: Grey, at_s: float, hidden: npt.NDArray[np.bool_] | None) -> bool:
        """Tell whether the picture is like the one of STEADY_S ago; True before there is one."""
        earlier = self._earlier
        if earlier is None or not self._since_s or earlier.shape != grey.shape:
            self._earlier, self._earlier_s = Scene(grey, at_s, hidden=hidden), at_s
            return True
        if at_s - self._earlier_s < STEADY_S:
            return True
        self._earlier, self._earlier_s = Scene(grey, at_s, hidden=hidden), at_s
        return earlier.likeness(grey).agreement >= STEADY

    def _switch(
        self, light: Light, grey: Grey, at_s: float, hidden: npt.NDArray[np.bool_] | None
    ) -> None:
        """Go on with what is usual in the other light; begin to learn it when it is new."""
        self._light, self._since_s = light, {}
        if light not in self._scenes:
            self._scenes[light] = Scene(grey, at_s, hidden=hidden)

    def _begin(self, kind: Tamper) -> Told:
        self._state, self._well_s = kind, None
        return kind

    def _end(self) -> Told:
        self._state, self._since_s, self._well_s = None, {}, None
        return "over"
