"""Benchmark the variants of a bundle on this machine, each in fresh processes, taking turns."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import edgecls
from edgecls import errors, plugins
from edgecls._lib import proc
from edgecls._lib.validation import suggestion
from edgecls.bundle.images import SUFFIXES, read_image
from edgecls.bundle.manifest import Variant
from edgecls.bundle.open import Bundle
from edgecls.errors import ConfigError, InferenceError, MissingDependencyError
from edgecls.measure.bench_child import Request
from edgecls.measure.bench_result import Benchmark, Configuration, Round
from edgecls.measure.machine import Machine
from edgecls.measure.photographs import MADE, made_jpegs
from edgecls.measure.scores import Report
from edgecls.runtimes import RUNTIMES

IMAGES_MAX = 16
WARM_UP_S, WARM_UP_LEAST_S, WARM_UP_TIMES = 20.0, 2.0, 10.0
"""A process warms up for at most 20 s, and for no more than ten times what it is timed for."""
SUFFIX_RUNTIMES = {".tflite": "tflite", ".onnx": "onnx"}
Run = Callable[[Request], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure and how long.

    Args:    duration_s: of timed loops for each configuration, over all rounds.
             rounds: fresh processes for each configuration, at least 2.
             against: model files without a bundle.   images: a folder, or None for made ones.
    """

    names: tuple[str, ...] | None = None
    threads: tuple[int, ...] = (1,)
    duration_s: float = 10.0
    rounds: int = 5
    against: tuple[Path, ...] = ()
    images: Path | None = None

    def __post_init__(self) -> None:
        if self.rounds < 2:
            raise ConfigError(f"rounds {self.rounds}, expected at least 2")
        if not 0.1 <= self.duration_s <= 3600:
            raise ConfigError(f"duration {self.duration_s} s, expected 0.1 to 3600")
        if not self.threads or min(self.threads) < 1 or max(self.threads) > 64:
            raise ConfigError(f"threads {self.threads}, expected numbers from 1 to 64")


@dataclass(frozen=True, slots=True)
class _Subject:
    """A model to time."""

    name: str
    runtime: str
    precision: str | None
    size_bytes: int
    against: Path | None


def benchmark(
    bundle: Bundle, plan: Plan, *, machine: Machine, report: Report, run: Run | None = None
) -> Benchmark:
    """Time every variant with every thread count.

    The configurations take turns, round by round, so that a machine that grows hot or busy does not
    spoil one of them alone.

    Args:    run: starts the child process; tests pass their own.
    Raises:  ConfigError for an unknown variant; MissingDependencyError for a named variant that
             cannot run here, or when none can; InferenceError when a model fails; ImageError for an
             unreadable picture.
    """
    subjects, missing = _subjects(bundle, plan)
    run = run or run_child
    jobs = [(subject, threads) for subject in subjects for threads in plan.threads]
    rounds: dict[tuple[str, int], list[Round]] = {(item.name, n): [] for item, n in jobs}
    started = machine.state()
    with tempfile.TemporaryDirectory(prefix="edgecls-benchmark-") as folder:
        images, described = _images(plan.images, Path(folder))
        for turn in range(plan.rounds):
            for place, (subject, threads) in enumerate(jobs):
                title = f"{subject.name}, {threads} thread{'s' if threads > 1 else ''}"
                report(title, turn * len(jobs) + place, plan.rounds * len(jobs))
                if subject.name in missing:
                    continue
                request = _request(bundle, subject, threads, images, plan)
                try:
                    rounds[subject.name, threads].append(_one_round(run, request, machine))
                except MissingDependencyError as error:  # hardware, which only running it shows
                    if plan.names is not None:
                        raise
                    missing[subject.name] = error.message
    report("done", plan.rounds * len(jobs), plan.rounds * len(jobs))
    jobs = [(subject, threads) for subject, threads in jobs if subject.name not in missing]
    if not any(subject.against is None for subject, _ in jobs):
        raise MissingDependencyError(f"{bundle.path}: no variant runs here: {_listed(missing)}")
    return Benchmark(
        bundle.manifest.name,
        bundle.manifest.version,
        machine.device(),
        started,
        machine.state(),
        described,
        plan.duration_s,
        tuple(
            Configuration(
                item.name,
                item.runtime,
                item.precision,
                threads,
                item.size_bytes,
                item.against is not None,
                tuple(rounds[item.name, threads]),
            )
            for item, threads in jobs
        ),
        missing,
    )


def run_child(request: Request) -> dict[str, Any]:
    """Measure in a fresh Python; raise what it reports as the error it was."""
    here = str(Path(edgecls.__file__).resolve().parents[1])
    code = (
        f"import sys; sys.path.insert(0, {here!r}); "
        "from edgecls.measure.bench_child import main; main()"
    )
    limit_s = 120 + request.duration_s + 3 * request.warm_up_s
    try:
        done = proc.run([sys.executable, "-c", code, request.as_text()], timeout_s=limit_s)
        answer: dict[str, Any] = json.loads(done.stdout)
    except subprocess.CalledProcessError as error:
        last = (error.stderr or "").strip().splitlines()[-1:] or ["it said nothing"]
        raise InferenceError(
            f"{request.variant}: the measuring process ended with {error.returncode}: {last[0]}",
            hint="less memory than the model needs, or a broken runtime: try it with classify",
        ) from error
    except subprocess.TimeoutExpired as error:
        raise InferenceError(
            f"{request.variant}: no answer within {limit_s:.0f} s", hint="try another variant"
        ) from error
    if "error" in answer:
        kind: type[errors.EdgeclsError] = getattr(errors, answer["kind"], InferenceError)
        raise kind(answer["error"], hint=answer["hint"])
    return answer


def _one_round(run: Run, request: Request, machine: Machine) -> Round:
    before, begun = machine.state(), time.monotonic()
    answer = run(request)
    return Round(answer, before, machine.state(), time.monotonic() - begun)


def _subjects(bundle: Bundle, plan: Plan) -> tuple[list[_Subject], dict[str, str]]:
    variants = bundle.manifest.variants
    known = [item.name for item in variants]
    for name in plan.names or ():
        if name not in known:
            raise ConfigError(
                f"{bundle.path} has no variant {name!r}", hint=suggestion(name, known)
            )
    subjects: list[_Subject] = []
    missing: dict[str, str] = {}
    for item in variants:
        if plan.names is not None and item.name not in plan.names:
            continue
        reason = _why_not(item)
        if reason is None:
            subjects.append(_Subject(item.name, item.runtime, item.precision, item.bytes, None))
        elif plan.names is not None:
            raise reason
        else:
            missing[item.name] = reason.message
    if not subjects:
        raise MissingDependencyError(f"{bundle.path}: no variant runs here: {_listed(missing)}")
    against = list(dict.fromkeys(plan.against))
    names = [*known, *(path.name for path in against)]
    for path in against:
        if path.suffix.lower() not in SUFFIX_RUNTIMES or not path.is_file():
            raise ConfigError(f"{path}: expected a .tflite or .onnx file to measure against")
        runtime = SUFFIX_RUNTIMES[path.suffix.lower()]
        name = path.name if names.count(path.name) == 1 else str(path)
        subjects.append(_Subject(name, runtime, None, path.stat().st_size, path))
    return subjects, missing


def _listed(missing: dict[str, str]) -> str:
    return "; ".join(f"{name}: {reason}" for name, reason in missing.items())


def _why_not(item: Variant) -> errors.EdgeclsError | None:
    try:
        plugins.load("runtime", RUNTIMES, item.runtime)
    except (MissingDependencyError, ConfigError) as error:
        return error
    return None


def _images(source: Path | None, folder: Path) -> tuple[tuple[str, ...], str]:
    """Return files to decode, and what they are."""
    if source is None:
        for place, data in enumerate(made_jpegs(8)):
            (folder / f"{place}.jpg").write_bytes(data)
        return tuple(str(path) for path in sorted(folder.iterdir())), MADE
    if not source.is_dir():
        raise ConfigError(f"{source} is no folder, expected one with images in it")
    found = sorted(path for path in source.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not found:
        raise ConfigError(f"{source} has no image in it")
    step = max(1, len(found) // IMAGES_MAX)
    chosen = found[::step][:IMAGES_MAX]
    for path in chosen:
        read_image(path)  # an unreadable one is named here, where its name is known
    return tuple(str(path) for path in chosen), f"{len(chosen)} images of {source.name}"


def _request(
    bundle: Bundle, subject: _Subject, threads: int, images: Sequence[str], plan: Plan
) -> Request:
    duration_s = plan.duration_s / plan.rounds
    return Request(
        bundle=str(bundle.path),
        variant=subject.name,
        against=str(subject.against) if subject.against else None,
        runtime=subject.runtime,
        threads=threads,
        images=tuple(images),
        duration_s=duration_s,
        warm_up_s=min(WARM_UP_S, max(WARM_UP_LEAST_S, WARM_UP_TIMES * duration_s)),
    )
