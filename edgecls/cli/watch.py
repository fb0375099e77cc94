"""`edgecls watch`: what the daemon would have told of recorded clips, and whether it was right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import RenderableType

from edgecls.cli import measuring, output
from edgecls.errors import ConfigError

if TYPE_CHECKING:
    from edgecls.config import Config
    from edgecls.daemon.clips import ClipResult
    from edgecls.measure.scores import Report

VIDEOS = frozenset({".mp4", ".mkv", ".avi", ".mov", ".webm", ".ts", ".m4v", ".mpg", ".mjpeg"})


@dataclass(frozen=True)
class SettingResult:
    """One configuration with one bundle on all clips. Args: bundle: name, version, variant."""

    name: str
    bundle: str
    clips: tuple[ClipResult, ...]

    def as_json(self) -> dict[str, Any]:
        from edgecls.daemon.clips import totals

        return {
            "name": self.name,
            "bundle": self.bundle,
            "clips": [clip.as_json() for clip in self.clips],
            "all": totals(self.clips).as_json(),
        }


@dataclass(frozen=True)
class WatchResult:
    """What `edgecls watch` prints."""

    settings: tuple[SettingResult, ...]
    exit_code: int = 0

    def as_json(self) -> dict[str, Any]:
        return {"settings": [setting.as_json() for setting in self.settings]}

    def as_text(self) -> RenderableType:
        from edgecls.cli.watch_text import watch_text

        return watch_text(self.settings)


def watch(
    videos: Annotated[
        list[Path], typer.Argument(help="Video files, or folders of them; or a folder of images.")
    ],
    notes: Annotated[
        Path | None,
        typer.Option(
            help="What happens in them: a CSV with the columns file and person_intervals_s."
        ),
    ] = None,
    config: Annotated[
        list[Path] | None,
        typer.Option("-c", "--config", help="The device's TOML file; repeat it to compare."),
    ] = None,
    bundle: Annotated[
        list[Path] | None,
        typer.Option(help="Folder or .edgecls file; repeat it to compare."),
    ] = None,
    variant: Annotated[str | None, typer.Option(help='One of the bundle\'s, or "auto".')] = None,
    camera: Annotated[
        str | None, typer.Option(help="Name of the file's camera whose masks and zones count.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Watch clips at full speed, as the daemon would: edgecls watch clips/ --notes notes.csv

    With notes it says what was found, missed, told falsely or twice, and how late. Several
    --config or --bundle are compared side by side.
    """
    from edgecls._lib.allocator import return_freed_memory
    from edgecls.bundle.open import open_bundle
    from edgecls.classifier import Classifier
    from edgecls.daemon.clips import watch_clips
    from edgecls.daemon.main import decider_from_classifier
    from edgecls.measure.notes import read_notes

    clips = clips_from_paths(videos)
    noted = read_notes(notes) if notes else ()
    bundles: list[Path | None] = [*(bundle or ())]
    plans = [
        (name, checked, chosen)
        for name, checked in _configs(config or [], camera)
        for chosen in bundles or [checked.model.bundle]
    ]
    return_freed_memory()
    results = []
    with measuring.progress() as told:
        for place, (name, checked, chosen) in enumerate(plans):
            opened = open_bundle(chosen)
            with Classifier(
                opened, variant=variant or checked.model.variant, threads=checked.model.threads
            ) as classifier:
                manifest, used = opened.manifest, classifier.variant.name
                found = watch_clips(
                    checked,
                    decider_from_classifier(classifier),
                    clips,
                    noted,
                    report=partial(_tell, told, place * len(clips), len(plans) * len(clips)),
                )
            label = f"{manifest.name} {manifest.version}, {used}"
            if chosen is not None and chosen != checked.model.bundle:
                name = f"{name}, {chosen.name}" if config else chosen.name
            results.append(SettingResult(name, label, found))
    output.emit(WatchResult(tuple(results)), as_json=as_json)


def _tell(told: Report, before: int, total: int, done: int) -> None:
    told("clips", before + done, total)


def clips_from_paths(paths: Sequence[Path]) -> list[Path]:
    """Return the clips that are meant: a folder stands for its videos, else itself.

    Raises:  ConfigError for a path that is not there.
    """
    clips: list[Path] = []
    for path in paths:
        if not path.exists():
            raise ConfigError(
                f"{path}: no such file or folder, expected a video",
                hint="edgecls watch clip.mp4 --notes notes.csv",
            )
        inside = sorted(p for p in path.iterdir() if p.suffix.lower() in VIDEOS) \
            if path.is_dir() else []  # fmt: skip
        clips += inside or [path]
    return clips


def _configs(paths: Sequence[Path], camera: str | None) -> list[tuple[str, Config]]:
    """Return each configuration, of the chosen camera alone, with a name for the tables."""
    from edgecls import config as configuration

    if not paths:
        if camera is not None:
            raise ConfigError("--camera names a camera of a file, expected --config as well")
        nothing = {"camera": {"kind": "replay", "source": "clip"}}
        return [("defaults", configuration.from_mapping(nothing, origin="defaults"))]
    names = [
        path.stem if len({p.stem for p in paths}) == len(paths) else str(path) for path in paths
    ]
    return [
        (name, _of_camera(configuration.load(path), camera, path))
        for name, path in zip(names, paths, strict=True)
    ]


def _of_camera(config: Config, name: str | None, path: Path) -> Config:
    wanted = [one for one in config.of_each_camera() if name in (None, one.camera.name)]
    if not wanted:
        names = ", ".join(one.name for one in config.cameras)
        raise ConfigError(f"{path} has no camera {name!r}, expected one of {names}")
    return wanted[0]
