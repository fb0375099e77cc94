"""Make a bundle of a finished run: what `edgecls quantize` does, with the run's own images."""

from __future__ import annotations

from pathlib import Path

from edgecls.bundle.manifest import Manifest
from edgecls.bundle.write import write_bundle
from edgecls.lab.quantization import calibration_set, pipeline
from edgecls.lab.quantization.manifest import manifest_from_artefacts
from edgecls.lab.run_folder import RunFolder

RECIPES = ("float32", "static_wi8_ai8")
IMPROVEMENTS = ("fold",)
METHOD = "mse"


def bundle_from_run(folder: RunFolder, out: Path, *, version: str = "1") -> Manifest:
    """Quantize the run's network on its training images and write the bundle.

    Args:    out: a folder or a .edgecls file that does not exist yet.
    Raises:  ConfigError, CalibrationError, BundleError as `edgecls quantize`.
    """
    wanted = calibration_set.load_calibration_set(folder.calibration)
    selected = calibration_set.select(wanted, folder.path)
    recording = pipeline.calibrated(folder.model, wanted, selected, IMPROVEMENTS, bias=False)
    made = pipeline.artefacts(folder.model, recording, RECIPES, METHOD)
    manifest = manifest_from_artefacts(
        made, wanted, recording, name=wanted.name, version=version, model=folder.model,
        method=METHOD,
    )  # fmt: skip
    write_bundle(manifest, {a.name + a.suffix: a.data for a in made}, out)
    return manifest
