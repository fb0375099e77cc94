"""From pixels to scores: one variant of one bundle, loaded and ready."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from types import TracebackType

from typing_extensions import Self

from edgecls import plugins
from edgecls._lib.validation import suggestion
from edgecls.bundle.choice import read_choice
from edgecls.bundle.manifest import Variant
from edgecls.bundle.open import Bundle
from edgecls.bundle.preprocess import Preprocessor
from edgecls.bundle.scores import Scorer
from edgecls.errors import (
    ConfigError,
    IncompleteDependencyError,
    InferenceError,
    MissingDependencyError,
)
from edgecls.ports import Runtime
from edgecls.runtimes import RUNTIMES
from edgecls.types import Classification, Pixels

AUTO = "auto"

log = logging.getLogger(__name__)


class Classifier:
    """Classify pictures with one variant of a bundle. Loads at once; used by one thread.

    Args:    variant: a name in the manifest, or "auto": see `open_runtime`.
             threads: of the runtime.   runtimes: the plug-in table; tests pass their own.
    Raises:  ConfigError, MissingDependencyError, BundleError, InferenceError.
    """

    def __init__(
        self,
        bundle: Bundle,
        *,
        variant: str = AUTO,
        threads: int = 1,
        runtimes: Mapping[str, str] = RUNTIMES,
    ) -> None:
        self.bundle = bundle
        self.variant, self._runtime = open_runtime(
            bundle, variant, threads=threads, runtimes=runtimes
        )
        manifest = bundle.manifest
        self._preprocess = Preprocessor(manifest.input, self._runtime.input)
        self._score = Scorer(manifest.output, manifest.labels, self._runtime.output)

    def classify(self, pixels: Pixels) -> Classification:
        """Judge one picture: RGB uint8, shape (H, W, 3), any size.

        The label is the one with the highest score. With two labels and a decision in the bundle,
        it is the decision's label from its threshold on, and the other one below.

        Raises:  ImageError for other pixels, InferenceError when the model fails.
        """
        begun_ns = time.perf_counter_ns()
        scores = self._score(self._runtime.infer(self._preprocess(pixels)))
        manifest = self.bundle.manifest
        winner = scores.index(max(scores))
        decision = manifest.decision
        if decision is not None and len(manifest.labels) == 2:
            index = manifest.labels.index(decision.label)
            winner = index if scores[index] >= decision.threshold else 1 - index
        return Classification(
            label=manifest.labels[winner],
            scores=dict(zip(manifest.labels, scores, strict=True)),
            latency_ms=(time.perf_counter_ns() - begun_ns) / 1e6,
        )

    @property
    def output_step(self) -> float:
        """Return what one step of the model's quantized output is worth; 1/256 for a float one."""
        return self._runtime.output.scale or 1 / 256

    def close(self) -> None:
        self._runtime.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def open_runtime(
    bundle: Bundle, variant: str, *, threads: int, runtimes: Mapping[str, str] = RUNTIMES
) -> tuple[Variant, Runtime]:
    """Load the variant that is asked for.

    "auto" takes the one that `edgecls select` chose on this device; without a choice, the first
    one, in the manifest's order, whose runtime this edgecls knows and whose library and hardware
    are there.

    Raises:  ConfigError for an unknown name; MissingDependencyError when no library or hardware is
             there; InferenceError, naming the artefact, when the engine refuses the model.
    """
    missing: MissingDependencyError | None = None
    for candidate in _candidates(bundle, variant):
        if variant == AUTO and candidate.runtime not in runtimes:
            continue
        try:
            runtime_class = plugins.load("runtime", runtimes, candidate.runtime)
            return candidate, runtime_class(bundle.artefact(candidate), threads=threads)
        except MissingDependencyError as error:  # a library, or hardware such as int8 units
            broken = isinstance(error, IncompleteDependencyError)  # what is there should work
            level = logging.WARNING if broken else logging.INFO
            log.log(level, "variant %s cannot run here: %s", candidate.name, error.message)
            missing = missing or error
        except InferenceError as error:
            raise InferenceError(
                f"{bundle.path}: {candidate.file}: {error.message}", hint=error.hint
            ) from error
    if missing is not None:
        raise missing
    wanted = ", ".join(sorted({candidate.runtime for candidate in bundle.manifest.variants}))
    raise ConfigError(
        f"{bundle.path}: its variants need the runtimes {wanted}; this edgecls has "
        f"{', '.join(runtimes)}",
        hint="pip install --upgrade edgecls",
    )


def _candidates(bundle: Bundle, variant: str) -> tuple[Variant, ...]:
    variants = bundle.manifest.variants
    if variant == AUTO:
        chosen = read_choice(bundle.manifest)
        return tuple(sorted(variants, key=lambda candidate: candidate.name != chosen))
    named = tuple(candidate for candidate in variants if candidate.name == variant)
    if not named:
        names = [candidate.name for candidate in variants]
        raise ConfigError(
            f"{bundle.path} has no variant {variant!r}", hint=suggestion(variant, names)
        )
    return named
