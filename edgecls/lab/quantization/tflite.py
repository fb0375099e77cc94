"""Quantize a float TFLite graph with ranges of our own, by AI Edge Quantizer."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping
from typing import Any

import numpy as np
from ai_edge_quantizer import qtyping, quantizer, recipe, recipe_manager
from ai_edge_quantizer.algorithm_manager import AlgorithmName

from edgecls.errors import CalibrationError, ConfigError
from edgecls.lab.quantization.ranges import Range


def _float16() -> list[dict[str, Any]]:
    config = qtyping.OpQuantizationConfig(
        weight_tensor_config=qtyping.TensorQuantizationConfig(
            num_bits=16, dtype=qtyping.TensorDataType.FLOAT
        ),
        compute_precision=qtyping.ComputePrecision.FLOAT,
        explicit_dequantize=True,
    )
    return [
        {
            "regex": ".*",
            "operation": qtyping.TFLOperationName.ALL_SUPPORTED,
            "algorithm_key": AlgorithmName.FLOAT_CASTING,
            "op_config": config.to_dict(),
        }
    ]


def _per_tensor() -> list[Any]:
    manager = recipe_manager.RecipeManager()
    manager.add_static_config(
        regex=".*",
        operation_name=qtyping.TFLOperationName.ALL_SUPPORTED,
        activation_num_bits=8,
        weight_num_bits=8,
        weight_granularity=qtyping.QuantGranularity.TENSORWISE,
    )
    return list(manager.get_quantization_recipe())


RECIPES: Mapping[str, Any] = {  # Any: the library's own recipe type
    "float16": _float16,
    "dynamic_wi8_afp32": recipe.dynamic_wi8_afp32,
    "static_wi8_ai8": recipe.static_wi8_ai8,
    "static_wi8_ai16": recipe.static_wi8_ai16,
}
"""Our recipe word -> the library's recipe; the words are the library's too."""
NAIVE: Mapping[str, Any] = {"static_wi8_ai8": _per_tensor}  # Any: the library's own recipe type
"""The same with one scale per weight tensor: what a careless conversion does, to measure it."""


def tflite_quantized_from_float(
    model: bytes,
    recipe_name: str,
    ranges: Mapping[str, Range] | None = None,
    *,
    per_channel: bool = True,
) -> bytes:
    """Return the quantized flatbuffer; int8 recipes take and give int8.

    Args:    ranges: tensor name -> (low, high), for the static recipes.
             per_channel: scales of the weights; False, one per tensor, exists for NAIVE's recipes.
    Raises:  CalibrationError when a static recipe lacks ranges; ConfigError for an unknown recipe.
    """
    recipes = RECIPES if per_channel else NAIVE
    if recipe_name not in recipes:
        raise ConfigError(f"unknown recipe {recipe_name!r}, expected one of {', '.join(recipes)}")
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        tool = quantizer.Quantizer(bytearray(model), recipes[recipe_name]())
        if not tool.need_calibration:
            return bytes(tool.quantize().quantized_model)
        if not ranges:
            raise CalibrationError(
                f"{recipe_name} needs activation ranges, received none",
                hint="edgecls calibrate makes them",
            )
        return bytes(tool.quantize(_statistics(ranges)).quantized_model)


def _statistics(ranges: Mapping[str, Range]) -> dict[str, dict[str, Any]]:
    shape = (1, 1, 1, 1)
    return {
        name: {
            "min": np.full(shape, low, np.float32),
            "max": np.full(shape, high, np.float32),
        }
        for name, (low, high) in ranges.items()
    }
