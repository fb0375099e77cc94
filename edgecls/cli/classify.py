"""edgecls classify: label and scores per image."""

from __future__ import annotations

import glob
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console, Group, RenderableType
from rich.text import Text

from edgecls.cli import output
from edgecls.errors import ConfigError, ImageError

if TYPE_CHECKING:
    from edgecls.bundle.manifest import Manifest
    from edgecls.types import Classification

PROGRESS_FROM = 20
PLOTTED = 5
NOTHING_HINT = "give image files, a folder of them, or a pattern in quotes"


def classify(
    images: Annotated[list[str], typer.Argument(metavar="IMAGE...", help="Files, folders, globs.")],
    bundle: Annotated[
        Path | None, typer.Option(help="Folder or .edgecls file; the one that ships if left out.")
    ] = None,
    variant: Annotated[str, typer.Option(help='A variant\'s name, or "auto".')] = "auto",
    top: Annotated[int | None, typer.Option(min=1, help="Show the K best scores only.")] = None,
    threads: Annotated[int, typer.Option(min=1, max=16, help="Threads of the runtime.")] = 1,
    plot: Annotated[
        Path | None, typer.Option(help="Draw one image and its best scores as a PNG (lab extra).")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Say what is on each image: the label and the scores.

    An image that cannot be read is told, the others are still answered, and the exit code is 4.
    """
    from edgecls.bundle.images import read_image
    from edgecls.bundle.open import open_bundle
    from edgecls.classifier import Classifier

    paths, unmatched = images_from_arguments(images)
    if plot is not None and len(paths) != 1:
        raise ConfigError(
            f"--plot draws one image, received {len(paths)}", hint="name a single image file"
        )
    if plot is not None and plot.resolve() == paths[0].resolve():
        raise ConfigError(
            f"--plot {plot} would overwrite the picture", hint="choose another file with --plot"
        )
    answers = [Answer(word, _no_match(word)) for word in unmatched]
    with Classifier(open_bundle(bundle), variant=variant, threads=threads) as classifier:

        def outcome(path: Path) -> Classification | ImageError:
            try:
                return classifier.classify(read_image(path))
            except ImageError as error:
                return error

        answers += [Answer(str(path), outcome(path)) for path in _with_progress(paths)]
        manifest, used = classifier.bundle.manifest, classifier.variant.name
    if plot is not None:
        _draw(answers[-1], plot, top or PLOTTED)
    output.emit(ClassifyResult(manifest, used, answers, top), as_json=as_json)


def _draw(answer: Answer, file: Path, count: int) -> None:
    """Write a PNG: the picture under its name, beside it a bar for each of its best scores."""
    from edgecls._lib.files import write_atomic
    from edgecls.bundle.images import read_image
    from edgecls.lab.plots import top_scores_png

    if isinstance(answer.outcome, ImageError):
        return
    path = Path(answer.file)
    title = f"{path.name}: {answer.outcome.label}"
    png = top_scores_png(read_image(path), answer.scores(count), title=title)
    try:
        write_atomic(file, png)
    except OSError as error:
        raise ConfigError(
            f"cannot write {file}: {error.strerror}", hint="choose another file with --plot"
        ) from error


@dataclass(frozen=True)
class Answer:
    """One image's outcome."""

    file: str
    outcome: Classification | ImageError

    def scores(self, top: int | None) -> dict[str, float]:
        """Return the `top` best scores, the best first; all of them for None."""
        if isinstance(self.outcome, ImageError):
            return {}
        ranked = sorted(self.outcome.scores.items(), key=lambda item: -item[1])
        return dict(ranked[:top])

    def as_json(self, top: int | None) -> dict[str, Any]:
        if isinstance(self.outcome, ImageError):
            return {
                "file": self.file,
                "error": self.outcome.message,
                "hint": self.outcome.hint,
            }
        return {
            "file": self.file,
            "label": self.outcome.label,
            "scores": {label: round(score, 6) for label, score in self.scores(top).items()},
            "latency_ms": round(self.outcome.latency_ms, 3),
        }


@dataclass(frozen=True)
class ClassifyResult:
    """What `edgecls classify` prints."""

    manifest: Manifest
    variant: str
    answers: Sequence[Answer]
    top: int | None

    @property
    def exit_code(self) -> int:
        failed = any(isinstance(answer.outcome, ImageError) for answer in self.answers)
        return ImageError.exit_code if failed else 0

    def as_json(self) -> dict[str, Any]:
        return {
            "bundle": {"name": self.manifest.name, "version": self.manifest.version},
            "variant": self.variant,
            "results": [answer.as_json(self.top) for answer in self.answers],
        }

    def as_text(self) -> RenderableType:
        rows = [("image", "label", "scores", "ms")]
        failures: list[Text] = []
        for answer in self.answers:
            if isinstance(answer.outcome, ImageError):
                failures.append(Text(f"error: {answer.outcome.message}", style="red"))
                failures.append(Text(f"hint:  {answer.outcome.hint}", style="dim"))
                continue
            scores = "  ".join(f"{k} {v:.3f}" for k, v in answer.scores(self.top).items())
            latency = f"{answer.outcome.latency_ms:.1f}"
            rows.append((answer.file, answer.outcome.label, scores, latency))
        return Group(*(output.aligned(rows) if len(rows) > 1 else []), *failures)


def images_from_arguments(arguments: Sequence[str]) -> tuple[list[Path], list[str]]:
    """Find the files that the command line names, each once, in its order.

    A folder gives the images directly inside it, in name order; hidden files are left out.

    Returns: the files, and the folders and patterns in which there is nothing.
    Raises:  ConfigError when there is no file at all.
    """
    from edgecls.bundle.images import images_in

    found: dict[Path, None] = {}
    unmatched: list[str] = []
    for word in arguments:
        path = Path(word)
        if path.is_dir():
            matches = images_in(path)
        elif path.exists() or not glob.has_magic(word):
            matches = [path]
        else:
            names = glob.glob(word, recursive=True)  # noqa: PTH207 - Path.glob refuses absolute ones
            matches = sorted(match for name in names if (match := Path(name)).is_file())
        found.update(dict.fromkeys(matches))
        if not matches:
            unmatched.append(word)
    if not found:
        raise ConfigError(f"no image in {', '.join(arguments)}", hint=NOTHING_HINT)
    return list(found), unmatched


def _no_match(word: str) -> ImageError:
    return ImageError(f"{word}: no image there", hint=NOTHING_HINT)


def _with_progress(paths: Sequence[Path]) -> Iterable[Path]:
    """Show a bar on a terminal while a long list is worked on."""
    from rich.progress import track

    console = Console(stderr=True)
    if len(paths) < PROGRESS_FROM or not console.is_terminal:
        return paths
    return track(paths, description="classify", console=console, transient=True)
