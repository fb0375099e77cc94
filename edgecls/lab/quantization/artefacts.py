"""The files of every recipe, for every runtime that has it, from float graphs and a recording."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgecls.errors import CalibrationError, ConfigError
from edgecls.lab.quantization.float_graphs import FloatGraphs
from edgecls.lab.quantization.onnx import onnx_quantized_from_float
from edgecls.lab.quantization.recording import Recording
from edgecls.lab.quantization.tflite import NAIVE, tflite_quantized_from_float
from edgecls.plugins import unknown_key

RECIPES = ("float32", "float16", "dynamic_wi8_afp32", "static_wi8_ai8", "static_wi8_ai16")
"""What `--recipe` takes. The word says: static or dynamic, bits of weights, bits of activations."""
WEIGHTS = ("per_channel", "per_tensor")
"""Scales of int8 weights. per_tensor is there to show what a careless conversion costs."""
PRECISIONS = {
    "float32": "float32",
    "float16": "float16",
    "dynamic_wi8_afp32": "dynamic-int8",
    "static_wi8_ai8": "int8",
    "static_wi8_ai16": "int16x8",
}
QDQ_FLAVOURS = (("onnx", "cpu"), ("tensorrt", "tensorrt"))


def check_words(recipes: Sequence[str], weights: str) -> None:
    """Refuse unknown words before the work begins. Raises: ConfigError with the nearest one."""
    for recipe in recipes:
        if recipe not in RECIPES:
            raise unknown_key("recipe", RECIPES, recipe)
    if weights not in WEIGHTS:
        raise unknown_key("weights", WEIGHTS, weights)
    for recipe in recipes:
        if weights == "per_tensor" and recipe.startswith("static") and recipe not in NAIVE:
            raise ConfigError(
                f"per_tensor exists for {', '.join(NAIVE)} only, received {recipe}",
                hint="leave that recipe out, or --weights per_tensor",
            )


@dataclass(frozen=True)
class Artefact:
    """One quantized file and what it is."""

    runtime: str
    precision: str
    recipe: str
    data: bytes

    @property
    def name(self) -> str:
        return f"{self.runtime}-{self.precision}"

    @property
    def suffix(self) -> str:
        return ".tflite" if self.runtime == "tflite" else ".onnx"


@dataclass(frozen=True)
class Sources:
    """What files are made from.

    Args:    plain: the model as it came: float files.   base: improved: what is quantized.
             recording: made with `base`, None if no recipe is static.
    """

    plain: FloatGraphs
    base: FloatGraphs
    recording: Recording | None

    def artefacts(
        self, recipes: Sequence[str], method: str, *, weights: str = "per_channel"
    ) -> list[Artefact]:
        """Make the files.

        Args:    method: ranges.METHODS.   weights: of the static recipes, WEIGHTS.
        """
        per_channel = weights == "per_channel"
        made: list[Artefact] = []
        for recipe in recipes:
            static = recipe.startswith("static")
            found = (
                self._static(recipe, method, per_channel=per_channel)
                if static
                else self._others(recipe)
            )
            if not found:
                raise ConfigError(
                    f"{recipe} exists for TFLite only, and TFLite cannot be made from an ONNX file",
                    hint="give the .keras file or the SavedModel",
                )
            made += found
        return made

    def _others(self, recipe: str) -> list[Artefact]:
        plain, precision, made = self.plain, PRECISIONS[recipe], []
        if plain.tflite is not None:
            whole = recipe == "float32"
            data = plain.tflite if whole else tflite_quantized_from_float(plain.tflite, recipe)
            made.append(Artefact("tflite", precision, recipe, data))
        if recipe == "float32":
            made.append(Artefact("onnx", precision, recipe, plain.onnx.SerializeToString()))
        return made

    def _static(self, recipe: str, method: str, *, per_channel: bool) -> list[Artefact]:
        base, seen, precision, made = self.base, self.recording, PRECISIONS[recipe], []
        if seen is None:
            raise CalibrationError(
                f"{recipe} needs a calibration, received none", hint="give --calibration"
            )
        if base.tflite is not None:
            ranges = seen.graphs["tflite"].ranges(method)
            data = tflite_quantized_from_float(base.tflite, recipe, ranges, per_channel=per_channel)
            made.append(Artefact("tflite", precision, recipe, data))
        if recipe == "static_wi8_ai8":
            ranges = seen.graphs["onnx"].ranges(method)
            for runtime, flavour in QDQ_FLAVOURS:
                quantized = onnx_quantized_from_float(
                    base.onnx, flavour, ranges, per_channel=per_channel
                )
                made.append(Artefact(runtime, precision, recipe, quantized.SerializeToString()))
        return made
