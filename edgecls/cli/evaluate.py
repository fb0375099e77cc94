"""edgecls evaluate: accuracy of every variant, each with n and interval, against float32."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import RenderableType

from edgecls.cli import measuring, output

if TYPE_CHECKING:
    from edgecls.measure.evaluate import Evaluation

DATA_HELP = "A folder with a folder of images per label, or a CSV with the columns file and label."


def evaluate(
    bundle: Annotated[
        Path | None, typer.Argument(metavar="BUNDLE", help=measuring.BUNDLE_HELP)
    ] = None,
    data: Annotated[Path | None, typer.Argument(metavar="DATA", help=DATA_HELP)] = None,
    variant: Annotated[
        list[str] | None, typer.Option(help="Only these; repeat it or use commas.")
    ] = None,
    reference: Annotated[
        str | None, typer.Option(help="Compare with this variant, not the first float32 one.")
    ] = None,
    split: Annotated[str | None, typer.Option(help="Only the images of this split.")] = None,
    skip_label: Annotated[
        list[str] | None, typer.Option(help="Leave images with this label out.")
    ] = None,
    slices: Annotated[
        bool, typer.Option("--slices", help="Figures by every column of the CSV that suits.")
    ] = False,
    slice_by: Annotated[
        list[str] | None, typer.Option(help="Figures by these columns; numbers are binned.")
    ] = None,
    robustness: Annotated[
        int,
        typer.Option(
            min=0, metavar="IMAGES", help="Also spoil so many images in 10 ways at 5 severities."
        ),
    ] = 0,
    adversarial: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Also show the pictures that edgecls adversarial made."),
    ] = None,
    max_drop_pp: Annotated[
        float | None,
        typer.Option(min=0, max=100, help="Exit 1 when a variant loses more than this."),
    ] = None,
    gate: Annotated[
        str,
        typer.Option(help='"bound": the whole 95 % interval must hold; "point": the difference.'),
    ] = "bound",
    report: Annotated[Path | None, typer.Option(help="Write an HTML report here.")] = None,
    markdown: Annotated[Path | None, typer.Option(help="Write a Markdown table here.")] = None,
    record: Annotated[
        bool,
        typer.Option("--record", help="Write the accuracies into the bundle's manifest; a folder."),
    ] = False,
    threads: Annotated[int, typer.Option(min=1, max=64, help="Threads of the runtime.")] = 1,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Use about so many images, by label.")
    ] = None,
    max_unreadable: Annotated[
        int, typer.Option(min=0, help="Unreadable images that do not stop it.")
    ] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Measure what each variant gets right, how sure that is, and what int8 costs against float32.

    Runs on any machine that has the runtime, the device itself included.
    """
    from edgecls.measure.adversarial import load_adversarial
    from edgecls.measure.dataset import load_dataset
    from edgecls.measure.evaluate import evaluate_bundle
    from edgecls.measure.record import check_recordable
    from edgecls.measure.record import record as record_in
    from edgecls.measure.report.evaluation import evaluation_page
    from edgecls.measure.report.markdown import evaluation_markdown

    measuring.check_places(report, markdown)
    opened, images = measuring.bundle_and_data(bundle, data)
    if record:
        check_recordable(opened)
    dataset = load_dataset(
        images, opened.manifest.labels, split=split, skip_labels=skip_label or (), limit=limit
    )
    misleading = load_adversarial(adversarial, opened.manifest) if adversarial else None
    columns = measuring.words(slice_by) or (None if slices else ())
    with measuring.progress() as told:
        evaluation = evaluate_bundle(
            opened,
            dataset,
            names=measuring.words(variant),
            reference=reference,
            slice_columns=columns,
            robustness_images=robustness,
            adversarial=misleading,
            threads=threads,
            unreadable_max=max_unreadable,
            max_drop_pp=max_drop_pp,
            gate_rule=gate,
            report=told,
        )
    if record:
        record_in(opened, evaluation)
    if report:
        measuring.write(report, evaluation_page(evaluation))
    if markdown:
        measuring.write(markdown, evaluation_markdown(evaluation))
    output.emit(EvaluateResult(evaluation), as_json=as_json)


@dataclass(frozen=True)
class EvaluateResult:
    """What `edgecls evaluate` prints."""

    evaluation: Evaluation

    @property
    def exit_code(self) -> int:
        return self.evaluation.exit_code

    def as_json(self) -> dict[str, Any]:
        return self.evaluation.as_json()

    def as_text(self) -> RenderableType:
        from edgecls.cli.evaluate_text import evaluation_text

        return evaluation_text(self.evaluation)
