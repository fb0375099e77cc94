"""Hold the watch's visits against clips with notes of what happens in them.

    python scripts/measure_visits.py [--data FOLDER] [--bundle B] [--variant V] [--json]

The clips and their notes are no part of this repository: video/manifest.csv and video/*.mp4 below
the data folder. Clips of your own: edgecls watch CLIPS --notes NOTES, which does the same.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from edgecls.bundle.open import open_bundle  # noqa: E402
from edgecls.classifier import Classifier  # noqa: E402
from edgecls.config import from_mapping  # noqa: E402
from edgecls.daemon.clips import ClipResult, totals, watch_clips  # noqa: E402
from edgecls.daemon.main import decider_from_classifier  # noqa: E402
from edgecls.measure.notes import read_notes  # noqa: E402

DATA = ROOT.parent / "shared" / "data"
FPS = 4.0


def measure_clips(
    data: Path = DATA, *, bundle: Path | None = None, variant: str = "auto"
) -> tuple[ClipResult, ...] | str:
    """Return a result per clip, or in words why there is none."""
    manifest = data / "video" / "manifest.csv"
    if not manifest.is_file():
        return f"no clips, expected {manifest}"
    notes = read_notes(manifest)
    camera = {"kind": "replay", "source": "clip", "fps": FPS}
    config = from_mapping({"camera": camera}, origin="defaults")
    with Classifier(open_bundle(bundle), variant=variant) as classifier:
        clips = [data / note.file for note in notes]
        return watch_clips(config, decider_from_classifier(classifier), clips, notes)


def table(results: Sequence[ClipResult]) -> str:
    """Return the results as a Markdown table."""
    lines = [
        "| clip | known | found | missed | false | split | delay s | pictures judged per frame |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for result in results:
        score = result.score
        if score is None:
            continue
        delays = ", ".join(f"{delay:.1f}" for delay in score.delays_s) or "-"
        lines.append(
            f"| {result.clip.stem} | {score.expected} | {score.found} | {score.missed} "
            f"| {score.false} | {score.split} | {delays} "
            f"| {result.classifications / result.frames:.1f} |"
        )
    total = totals(results)
    lines.append(
        f"| **all** | {total.expected} | {total.found} | {total.missed} "
        f"| {total.false} | {total.split} | median {total.delay_median_s}, "
        f"most {total.delay_max_s} | |"
    )
    return "\n".join(lines)


def false_alarms(results: Sequence[ClipResult]) -> str:
    """Return the false alarms per camera-day in words."""
    rate = totals(results).false_per_day
    return "not known: no clip shows nobody" if rate is None else rate.words()


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
        print(json.dumps({"schema": 1, "clips": clips, "all": totals(results).as_json()}, indent=2))
    else:
        print(f"{table(results)}\n\nFalse alarms per camera-day: {false_alarms(results)}.")


if __name__ == "__main__":
    main()
