"""`edgecls tune`: thresholds for a wished rate of false alarms, and what they will be worth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import RenderableType

from edgecls.cli import measuring, output
from edgecls.errors import ConfigError

if TYPE_CHECKING:
    from edgecls.bundle.open import Bundle
    from edgecls.measure.tuning import Occasion, Tuning

MOVES_PER_DAY = 100.0


@dataclass(frozen=True)
class TuneResult:
    """What `edgecls tune` prints. Args: source: what it rests on, in words.   notes: doubts."""

    tuning: Tuning
    source: str
    notes: tuple[str, ...]
    exit_code: int = 0

    def as_json(self) -> dict[str, Any]:
        from edgecls.cli.tune_text import toml_lines

        return {
            "source": self.source,
            **self.tuning.as_json(),
            "toml": "\n".join(toml_lines(self.tuning)),
            "notes": list(self.notes),
        }

    def as_text(self) -> RenderableType:
        from edgecls.cli.tune_text import tune_text

        return tune_text(self.tuning, self.source, self.notes)


def tune(
    data: Annotated[
        Path | None,
        typer.Argument(help="Labelled frames: a folder per label, or a CSV with file and label."),
    ] = None,
    false_alarms_per_day: Annotated[
        float, typer.Option(help="The wish: at most so many, for each camera.")
    ] = 1.0,
    store: Annotated[
        Path | None, typer.Option(help="Rather than frames: a store with corrected visits.")
    ] = None,
    moves_per_day: Annotated[
        float | None,
        typer.Option(help="How often a day something moves with nobody there; a store knows."),
    ] = None,
    camera: Annotated[str | None, typer.Option(help="Only this camera's visits.")] = None,
    config: Annotated[
        Path | None, typer.Option("-c", "--config", help="The device's TOML file.")
    ] = None,
    bundle: Annotated[Path | None, typer.Option(help=measuring.BUNDLE_HELP)] = None,
    variant: Annotated[str, typer.Option(help='One of the bundle\'s, or "auto".')] = "auto",
    split: Annotated[str | None, typer.Option(help="Only the images of this split.")] = None,
    skip_label: Annotated[
        list[str] | None, typer.Option(help="Leave images with this label out.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Pick thresholds for day and night: edgecls tune frames/ --false-alarms-per-day 1

    It prints lines for the configuration, and what to expect of new visitors with them.
    """
    from edgecls import config as configuration
    from edgecls.bundle.open import open_bundle
    from edgecls.daemon.watch import bounds_by_light
    from edgecls.errors import BundleError
    from edgecls.measure.tuning import tuned
    from edgecls.sections.judging import VisitSection

    if (data is None) == (store is None):
        raise ConfigError(
            "expected either labelled frames or --store",
            hint="edgecls tune FRAMES --false-alarms-per-day 1",
        )
    if false_alarms_per_day <= 0 or (moves_per_day is not None and moves_per_day <= 0):
        raise ConfigError("--false-alarms-per-day and --moves-per-day must be above 0")
    checked = None if config is None else configuration.load(config)
    opened = open_bundle(bundle or (checked.model.bundle if checked else None))
    decision = opened.manifest.decision
    if decision is None:
        raise BundleError(
            f"bundle {opened.manifest.name!r} has no decision, expected one to tune",
            hint="make the bundle anew with a decision: edgecls bundle create --help",
        )
    if data is not None:
        occasions, source, notes = _from_frames(opened, variant, data, split, skip_label or [])
        floors = {"day": decision.threshold, "night": decision.threshold}
    else:
        assert store is not None  # noqa: S101 - one of the two was given
        occasions, source, notes, seen_per_day = _from_store(store, camera)
        moves_per_day = moves_per_day or seen_per_day
        visit = VisitSection() if checked is None else checked.visit
        floors = {
            light: round(bounds.enter, 3)
            for light, bounds in bounds_by_light(visit, decision.threshold).items()
        }
    if moves_per_day is None:
        moves_per_day = MOVES_PER_DAY
        notes.append(
            f"taken for granted: {MOVES_PER_DAY:g} times a day something moves with nobody there; "
            "--moves-per-day says how often it is at your door"
        )
    found = tuned(
        occasions, wished=false_alarms_per_day, moves_per_day=moves_per_day, floors=floors
    )
    output.emit(TuneResult(found, source, tuple(notes)), as_json=as_json)


def _from_frames(
    opened: Bundle, variant: str, data: Path, split: str | None, skip_labels: list[str]
) -> tuple[list[Occasion], str, list[str]]:
    """Judge labelled frames. The light is the CSV's column of that name, else the pixels'."""
    from edgecls.classifier import Classifier
    from edgecls.measure.dataset import load_dataset

    manifest = opened.manifest
    dataset = load_dataset(data, manifest.labels, split=split, skip_labels=skip_labels)
    with Classifier(opened, variant=variant) as classifier, measuring.progress() as told:
        occasions = []
        for number, one in enumerate(_judged(classifier, dataset.samples), start=1):
            occasions.append(one)
            told("images", number, len(dataset.samples))
        used = classifier.variant.name
    source = (
        f"{len(occasions)} images of {dataset.name}, {manifest.name} {manifest.version}, {used}"
    )
    alone = "each picture was judged alone and whole; the daemon also looks where something moved, "
    return occasions, source, [f"{alone}and smooths over about a second"]


def _judged(classifier: Any, samples: Any) -> Iterator[Occasion]:  # Any: types of heavy imports
    from edgecls.bundle.images import read_image
    from edgecls.measure.tuning import Occasion
    from edgecls.vision.light import light_of

    label = classifier.bundle.manifest.decision.label
    for sample in samples:
        pixels = read_image(sample.path)
        light = sample.facts.get("light")
        yield Occasion(
            score=classifier.classify(pixels).scores[label],
            somebody=sample.label == label,
            light=light if light in ("day", "night") else light_of(pixels),
            group=sample.facts.get("group") or str(sample.path),
        )


def _from_store(
    store: Path, camera: str | None
) -> tuple[list[Occasion], str, list[str], float | None]:
    """Take the corrected visits with the scores they had.

    Returns: also how many a day and camera were nobody; None where nothing tells.
    """
    from edgecls.measure.corrections import all_visits
    from edgecls.measure.false_alarms import false_alarms
    from edgecls.measure.rates import span_words
    from edgecls.measure.tuning import Occasion
    from edgecls.store.reader import StoreReader

    with StoreReader(store) as reader:
        visits = [one for one in all_visits(reader) if camera in (None, one.camera)]
        alarms = false_alarms(reader.tallies(), camera=camera)
    corrected = [one for one in visits if one.correction is not None]
    if not corrected:
        raise ConfigError(
            f"{store} holds {len(visits)} visits and no correction, expected some",
            hint='say "nobody" or "a person" to visits on the page first',
        )
    notes = [
        "the scores are those of the model that watched then",
        "a visit that was never told because its score was too low is not in a store",
    ]
    if len(corrected) < len(visits):
        notes.append(
            f"{len(visits) - len(corrected)} of {len(visits)} visits are not corrected: false "
            "alarms among them are not counted"
        )
    occasions = [
        Occasion(one.peak_score, one.correction == "person", one.light, f"{one.camera} {one.id}")
        for one in corrected
    ]
    together = f" of {alarms.cameras} cameras together" if alarms.cameras > 1 else ""
    watched = f"{span_words(alarms.watched_s)}{together}"
    source = f"{len(corrected)} corrected visits of {watched}, {store}"
    rate = alarms.per_camera_day
    return occasions, source, notes, rate.per_day if rate is not None and rate.count else None
