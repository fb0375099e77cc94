"""Write what was measured into the bundle itself, so that its figures travel with it."""

from __future__ import annotations

from edgecls._lib.files import write_atomic
from edgecls.bundle.manifest import MANIFEST_NAME, Accuracy, Manifest, Variant
from edgecls.bundle.open import Bundle
from edgecls.errors import BundleError, ConfigError
from edgecls.measure.evaluate import Evaluation, VariantFigures


def record(bundle: Bundle, evaluation: Evaluation) -> Manifest:
    """Replace the accuracies in a bundle's manifest by those of `evaluation`.

    Variants that were not evaluated keep what is written there.

    Raises:  ConfigError for a bundle that is one file; BundleError when it cannot be written.
    """
    check_recordable(bundle)
    measured = {figures.variant.name: figures for figures in evaluation.variants}
    variants = tuple(
        _with_accuracy(variant, measured[variant.name], evaluation)
        if variant.name in measured
        else variant
        for variant in bundle.manifest.variants
    )
    manifest = bundle.manifest.model_copy(update={"variants": variants})
    try:
        write_atomic(bundle.path / MANIFEST_NAME, manifest.as_bytes())
    except OSError as error:
        raise BundleError(
            f"{bundle.path}: cannot be written: {error.strerror or error}",
            hint="check the free space and the rights of the folder",
        ) from error
    return manifest


def check_recordable(bundle: Bundle) -> None:
    """Check before measuring that figures can be recorded. Raises: ConfigError."""
    if not bundle.path.is_dir():
        raise ConfigError(
            f"{bundle.path} is one file, expected a folder to record figures in",
            hint="edgecls quantize --out with a name without .edgecls writes a folder",
        )


def _with_accuracy(variant: Variant, figures: VariantFigures, evaluation: Evaluation) -> Variant:
    decision = evaluation.manifest.decision
    found = figures.metrics.accuracy
    accuracy = Accuracy(
        dataset=evaluation.dataset.name,
        dataset_sha256=evaluation.table.sha256,
        metric="accuracy",
        value=round(found.value, 4),
        n=found.n,
        ci95=(round(found.low, 4), round(found.high, 4)),
        threshold=decision.threshold if decision else None,
    )
    return variant.model_copy(update={"accuracy": accuracy})
