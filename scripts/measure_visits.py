"""Hold the watch's visits against clips with notes of what happens in them.

    python scripts/measure_visits.py [--data FOLDER] [--bundle B] [--variant V] [--json]

The clips and their notes are no part of this repository: video/manifest.csv and video/*.mp4 below
the data folder. The real gate, classifier, smoothing and visits run on every clip at 4 frames per
second of the clip's own clock, without waiting. Times are met within 1 s, see measure/visits.py.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from statistics import median
from typing import Any

import av

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from edgecls.bundle.open import open_bundle  # noqa: E402
from edgecls.classifier import Classifier  # noqa: E402
from edgecls.config import Config, from_mapping  # noqa: E402
from edgecls.daemon.main import decider_from_classifier  # noqa: E402
from edgecls.daemon.rehearsal import rehearse  # noqa: E402
from edgecls.daemon.watch import Decider  # noqa: E402
from edgecls.measure.visits import Span, VisitScore, score_visits  # noqa: E402
from edgecls.types import Frame  # noqa: E402

DATA = ROOT.parent / "shared" / "data"
FPS = 4.0
EPOCH = datetime(2026, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True)
class ClipResult:
    """One clip: what was known, what was told, and how they fit."""

    clip: str
    length_s: float
    known: list[tuple[float, float]]
    visits: list[tuple[float, float]]
    score: VisitScore
    classifications_per_frame: float

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "missed": self.score.missed}


def measure_clips(
    data: Path = DATA, *, bundle: Path | None = None, variant: str = "auto"
) -> list[ClipResult] | str:
    """Return a result per clip, or in words why there is none."""
    manifest = data / "video" / "manifest.csv"
    if not manifest.is_file():
        return f"no clips, expected {manifest}"
    config = from_mapping({"camera": {"kind": "replay", "source": "clip"}}, origin="defaults")
    with (
        manifest.open(newline="", encoding="utf-8") as file,
        Classifier(open_bundle(bundle), variant=variant) as classifier,
    ):
        decider = decider_from_classifier(classifier)
        return [_measured(data, row, config, decider) for row in csv.DictReader(file)]


def _measured(data: Path, row: dict[str, str], config: Config, decider: Decider) -> ClipResult:
    known = [Span(*pair) for pair in json.loads(row["person_intervals_s"])]
    result = rehearse(config, decider, frames_of_clip(data / row["file"], fps=FPS))
    visits = [Span(visit.started_s, visit.seen_s) for visit in result.visits]
    return ClipResult(
        clip=Path(row["file"]).stem,
        length_s=round(result.moments[-1].at_s, 1),
        known=[(span.begin_s, span.end_s) for span in known],
        visits=[(round(span.begin_s, 2), round(span.end_s, 2)) for span in visits],
        score=score_visits(visits, known),
        classifications_per_frame=result.counters.classifications / result.counters.frames,
    )


def frames_of_clip(path: Path, *, fps: float) -> Iterator[Frame]:
    """Decode a clip and thin it out to `fps` of its own time."""
    due_s = 0.0
    with av.open(str(path)) as container:
        for number, picture in enumerate(container.decode(video=0)):
            at_s = picture.time or 0.0
            if at_s + 1e-6 < due_s:
                continue
            due_s += 1.0 / fps
            at = EPOCH + timedelta(seconds=at_s)
            yield Frame(picture.to_ndarray(format="rgb24"), at_s, at, number)


def totals(results: Sequence[ClipResult]) -> dict[str, Any]:
    """Return the sums over all clips."""
    delays = [delay for result in results for delay in result.score.delays_s]
    empty_s = sum(
        result.length_s - sum(end - begin for begin, end in result.known) for result in results
    )
    return {
        "expected": sum(result.score.expected for result in results),
        "found": sum(result.score.found for result in results),
        "missed": sum(result.score.missed for result in results),
        "false": sum(result.score.false for result in results),
        "split": sum(result.score.split for result in results),
        "delay_median_s": round(median(delays), 2) if delays else None,
        "delay_max_s": round(max(delays), 2) if delays else None,
        "nobody_minutes": round(empty_s / 60, 1),
    }


def table(results: Sequence[ClipResult]) -> str:
    """Return the results as a Markdown table."""
    lines = [
        "| clip | known | found | missed | false | split | delay s | pictures judged per frame |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for result in results:
        score = result.score
        delays = ", ".join(f"{delay:.1f}" for delay in score.delays_s) or "-"
        lines.append(
            f"| {result.clip} | {score.expected} | {score.found} | {score.missed} | {score.false} "
            f"| {score.split} | {delays} | {result.classifications_per_frame:.1f} |"
        )
    total = totals(results)
    lines.append(
        f"| **all** | {total['expected']} | {total['found']} | {total['missed']} "
        f"| {total['false']} | {total['split']} | median {total['delay_median_s']}, "
        f"most {total['delay_max_s']} | |"
    )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA, help="folder that holds video/")
    parser.add_argument("--bundle", type=Path, help="else the one that ships here")
    parser.add_argument("--variant", default="auto")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    results = measure_clips(arguments.data, bundle=arguments.bundle, variant=arguments.variant)
    if isinstance(results, str):
        print(
            json.dumps({"schema": 1, "skipped": results})
            if arguments.json
            else f"skipped: {results}"
        )
    elif arguments.json:
        clips = [result.as_json() for result in results]
        print(json.dumps({"schema": 1, "clips": clips, "all": totals(results)}, indent=2))
    else:
        print(table(results))


if __name__ == "__main__":
    main()
