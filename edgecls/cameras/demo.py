"""The built-in door: real photographs that come with scikit-image, played as a camera.

Nobody, a visitor, nobody, a cat, nobody, another visitor, nobody. The empty garden path is put
together from its grey photographs of bricks and grass. The files are read from the installed
library with OpenCV: importing scikit-image's own reader would cost 46 MB.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from types import TracebackType

import cv2
import numpy as np
import numpy.typing as npt
import skimage
from typing_extensions import Self

from edgecls.errors import CameraEndedError, CameraError, MissingDependencyError
from edgecls.sections.camera import DemoCameraSection
from edgecls.types import Frame, Pixels

WIDTH_PX, HEIGHT_PX = 960, 720
NOISE_LEVELS = 2.5  # standard deviation, of 255: what a small sensor shows by day
_NOISE_MARGIN_PX = 64
_NO_NOISE = np.empty((0, 0, 1), dtype=np.int16)


@dataclass(frozen=True, slots=True)
class Scene:
    """A photograph and how the camera looks at it.

    Args:    shows: for people.   file: in scikit-image's data folder, or PATH.
             person: what is true.   centre_y: middle of the view, 0 to 1 of the photograph.
             approach: how much larger the picture is at the scene's end: 0.06 is 6 %.
    """

    shows: str
    file: str
    person: bool
    centre_y: float = 0.5
    approach: float = 0.0


PATH = "path"
BRICK = ((70, 44, 38), (126, 82, 68), (142, 94, 78), (196, 186, 172))  # the last is mortar
GRASS = ((38, 58, 26), (60, 86, 38), (82, 110, 52), (132, 156, 92))
EMPTY = Scene("nobody", PATH, person=False)
STORY: tuple[Scene, ...] = (
    EMPTY,
    Scene("the astronaut", "astronaut.png", person=True, centre_y=0.4, approach=0.03),
    EMPTY,
    Scene("Chelsea the cat", "chelsea.png", person=False, approach=0.03),
    EMPTY,
    Scene("the cameraman", "camera.png", person=True, centre_y=0.46, approach=0.03),
    EMPTY,
)
VISITS_PER_PASS = sum(scene.person for scene in STORY)


class DemoCamera:
    """Play the story at the section's frame rate.

    Args:    clock: seconds, monotonic.   sleep: waits so many seconds; tests pass their own.
    """

    def __init__(
        self,
        section: DemoCameraSection,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._section = section
        self._clock = clock
        self._sleep = sleep
        self._frames_per_scene = max(1, round(section.scene_s * section.fps))
        self._photographs: dict[str, Pixels] = {}
        self._noise: npt.NDArray[np.int16] = _NO_NOISE
        self._due_s = 0.0
        self._next = 0

    def __enter__(self) -> Self:
        """Read the photographs. Raises: MissingDependencyError when the library lacks one."""
        folder = Path(skimage.__file__).parent / "data"
        self._photographs = {
            scene.file: _path(folder) if scene.file == PATH else _photograph(folder / scene.file)
            for scene in STORY
        }
        noise = np.random.default_rng(2).normal(
            0, NOISE_LEVELS, (HEIGHT_PX + _NOISE_MARGIN_PX, WIDTH_PX + _NOISE_MARGIN_PX, 1)
        )
        self._noise = noise.round().astype(np.int16)
        self._due_s, self._next = self._clock(), 0
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let the pictures go."""
        self._photographs, self._noise = {}, _NO_NOISE

    def read(self, timeout_s: float) -> Frame:
        """Return the story's next frame, at the earliest when it is due.

        The story waits for a reader that is late, so that no visitor is missed on a busy machine.
        """
        if not self._photographs:
            raise CameraError("the demo camera is closed, expected an open one")
        wait_s = self._due_s - self._clock()
        if wait_s > timeout_s:
            self._sleep(timeout_s)
            raise CameraError(
                f"the demo camera has no frame within {timeout_s:g} s, "
                f"the next is due in {wait_s:g} s",
                hint="raise fps or frame_timeout_s in the [camera] section",
            )
        if wait_s > 0:
            self._sleep(wait_s)
        if not self._section.loop and self._next >= self._frames_per_scene * len(STORY):
            raise CameraEndedError("the demo has played all its scenes")
        sequence, interval_s = self._next, 1 / self._section.fps
        late_s = self._clock() - self._due_s
        self._due_s += interval_s if late_s < interval_s else late_s + interval_s
        self._next += 1
        return Frame(
            pixels=self._render(sequence),
            captured_s=self._clock(),
            captured_at=datetime.now(timezone.utc),
            sequence=sequence,
        )

    def _render(self, sequence: int) -> Pixels:
        """Draw frame `sequence`: the scene's view of its photograph, and the sensor's noise."""
        index, step = divmod(sequence, self._frames_per_scene)
        scene = STORY[index % len(STORY)]
        zoom = 1 + scene.approach * step / self._frames_per_scene
        picture = _view(self._photographs[scene.file], scene, zoom)
        shift = np.random.default_rng(sequence).integers(0, _NOISE_MARGIN_PX, 2)
        noise = self._noise[shift[0] :, shift[1] :][:HEIGHT_PX, :WIDTH_PX]
        noisy: Pixels = np.clip(picture + noise, 0, 255).astype(np.uint8)
        return noisy


def _photograph(path: Path) -> Pixels:
    """Read one of scikit-image's pictures as RGB, grey ones too."""
    image = cv2.imread(str(path), cv2.IMREAD_COLOR) if path.is_file() else None
    if image is None:
        raise MissingDependencyError(
            f"the installed scikit-image lacks the photograph {path.name}",
            hint='pip install --upgrade "edgecls[demo]"',
        )
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), dtype=np.uint8)


def _path(folder: Path) -> Pixels:
    """Lay a brick path, narrower where it is far, across a lawn. Returns a full frame."""
    size = (WIDTH_PX, HEIGHT_PX)
    bricks = _coloured(_photograph(folder / "brick.png"), BRICK)
    lawn = _coloured(_photograph(folder / "grass.png"), GRASS)
    edges = np.array([[0.32, 0], [0.68, 0], [0.9, 1], [0.1, 1]]) * size
    mask = cv2.fillConvexPoly(np.zeros(size[::-1], np.float32), edges.astype(np.int32), 1.0)
    mask = cv2.GaussianBlur(mask, (0, 0), 2)
    picture = cv2.blendLinear(cv2.resize(bricks, size), cv2.resize(lawn, size), mask, 1 - mask)
    return np.asarray(picture, dtype=np.uint8)


def _coloured(grey: Pixels, colours: Sequence[tuple[int, int, int]]) -> Pixels:
    """Colour a grey photograph: its tones from dark to light become `colours`, evenly spaced."""
    tones = np.percentile(grey, np.linspace(1, 99, len(colours)))
    channels = [np.interp(np.arange(256), tones, channel) for channel in zip(*colours, strict=True)]
    table: Pixels = np.stack(channels, axis=-1).astype(np.uint8)
    return np.asarray(table[grey[..., 0]], dtype=np.uint8)


def _view(photograph: Pixels, scene: Scene, zoom: float) -> Pixels:
    """Return a full frame: the largest 4:3 cut of `photograph`, enlarged by `zoom`."""
    height, width = photograph.shape[:2]
    scale = max(WIDTH_PX / width, HEIGHT_PX / height) * zoom
    offset = [
        float(np.clip(size / 2 - centre * length * scale, size - length * scale, 0))
        for size, centre, length in (
            (WIDTH_PX, 0.5, width),
            (HEIGHT_PX, scene.centre_y, height),
        )
    ]
    matrix = np.array([[scale, 0, offset[0]], [0, scale, offset[1]]], dtype=np.float64)
    view = cv2.warpAffine(
        photograph,
        matrix,
        (WIDTH_PX, HEIGHT_PX),
        flags=cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(view, dtype=np.uint8)
