"""Watch recorded clips and hold what was told against what is known: to compare settings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from edgecls.config import Config
from edgecls.daemon.rehearsal import config_of_clip, frames_of_clip, rehearse
from edgecls.daemon.watch import Decider
from edgecls.errors import CameraError
from edgecls.measure.notes import ClipNote, note_for
from edgecls.measure.rates import DailyRate, daily_rate
from edgecls.measure.visits import Span, VisitScore, score_visits
from edgecls.sections.camera import ReplayCameraSection
from edgecls.vision.tamper import Told


@dataclass(frozen=True, slots=True)
class ClipResult:
    """One clip: what was known, what was told, and how they fit.

    Args:    known, score: None where there are no notes of the clip.
             night: part of the frames without colour, 0 to 1.
             tamperings: what began or was over, and at which second.
    """

    clip: Path
    length_s: float
    known: tuple[Span, ...] | None
    visits: tuple[Span, ...]
    score: VisitScore | None
    tamperings: tuple[tuple[float, Told], ...]
    night: float
    frames: int
    classifications: int

    @property
    def nobody_s(self) -> float:
        """Return for how long nobody is there, by the notes; 0 without any."""
        if self.known is None:
            return 0.0
        return max(0.0, self.length_s - sum(span.length_s for span in self.known))

    def as_json(self) -> dict[str, Any]:
        return {
            "clip": str(self.clip),
            "length_s": round(self.length_s, 2),
            "known": None if self.known is None else [_pair(span) for span in self.known],
            "visits": [_pair(span) for span in self.visits],
            "score": None
            if self.score is None
            else {**asdict(self.score), "missed": self.score.missed},
            "tamperings": [[round(at_s, 2), told] for at_s, told in self.tamperings],
            "night": round(self.night, 3),
            "frames": self.frames,
            "classifications": self.classifications,
        }


@dataclass(frozen=True, slots=True)
class Totals:
    """All clips with notes together.

    Args:    false_per_day: None where the notes leave no time with nobody there.
    """

    expected: int
    found: int
    false: int
    split: int
    delay_median_s: float | None
    delay_max_s: float | None
    nobody_s: float
    false_per_day: DailyRate | None
    classifications_per_frame: float

    @property
    def missed(self) -> int:
        return self.expected - self.found

    def as_json(self) -> dict[str, Any]:
        rate = self.false_per_day
        return {
            **{name: getattr(self, name) for name in ("expected", "found", "missed")},
            "false": self.false,
            "split": self.split,
            "delay_median_s": self.delay_median_s,
            "delay_max_s": self.delay_max_s,
            "nobody_s": round(self.nobody_s, 1),
            "false_per_day": None if rate is None else rate.as_json(),
            "classifications_per_frame": round(self.classifications_per_frame, 2),
        }


def watch_clips(
    config: Config,
    decider: Decider,
    clips: Sequence[Path],
    notes: Sequence[ClipNote] = (),
    *,
    report: Callable[[int], None] = lambda _: None,
) -> tuple[ClipResult, ...]:
    """Watch each clip from its start to its end, as the daemon would, without waiting.

    Args:    config: its camera's masks, zones and frames per second are used.
             report: is told how many clips are done.
    Raises:  CameraError naming the clip that cannot be played.
    """
    results = []
    for number, clip in enumerate(clips):
        report(number)
        results.append(_watched(config, decider, clip, note_for(clip, notes)))
    return tuple(results)


def totals(results: Sequence[ClipResult]) -> Totals:
    """Return the sums over the clips that have notes."""
    noted = [result for result in results if result.score is not None]
    scores = [result.score for result in noted if result.score is not None]
    delays = [delay for score in scores for delay in score.delays_s]
    nobody_s = sum(result.nobody_s for result in noted)
    false = sum(score.false for score in scores)
    return Totals(
        expected=sum(score.expected for score in scores),
        found=sum(score.found for score in scores),
        false=false,
        split=sum(score.split for score in scores),
        delay_median_s=round(median(delays), 2) if delays else None,
        delay_max_s=round(max(delays), 2) if delays else None,
        nobody_s=nobody_s,
        false_per_day=daily_rate(false, nobody_s),
        classifications_per_frame=sum(r.classifications for r in results)
        / max(1, sum(r.frames for r in results)),
    )


def _watched(config: Config, decider: Decider, clip: Path, note: ClipNote | None) -> ClipResult:
    playing = config_of_clip(config, clip)
    assert isinstance(playing.camera, ReplayCameraSection)  # noqa: S101 - made just above
    found = rehearse(playing, decider, frames_of_clip(playing.camera))
    if not found.moments:
        raise CameraError(f"{clip} holds no picture", hint="give a video, or a folder of images")
    visits = tuple(Span(visit.started_s, visit.seen_s) for visit in found.visits)
    known = None if note is None else note.known
    return ClipResult(
        clip=clip,
        length_s=found.moments[-1].at_s,
        known=known,
        visits=visits,
        score=None if known is None else score_visits(visits, known),
        tamperings=found.tamperings,
        night=sum(moment.light == "night" for moment in found.moments) / len(found.moments),
        frames=found.counters.frames,
        classifications=found.counters.classifications,
    )


def _pair(span: Span) -> list[float]:
    return [round(span.begin_s, 2), round(span.end_s, 2)]
