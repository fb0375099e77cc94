"""Go on from a bundle: read a network's weights back out of its float ONNX artefact.

Exporting folds BatchNorm away, so what comes back is folded as well: every layer computes what it
did, with a kernel of ordinary size; the rest of the fold becomes BatchNorm's scale and shift.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import onnx
from keras import layers, ops
from onnx import numpy_helper

from edgecls.bundle.open import open_bundle
from edgecls.errors import EdgeclsError

Floats = npt.NDArray[np.float32]
Key = tuple[str, tuple[int, ...]]
_KINDS: dict[type[keras.layers.Layer], str] = {
    layers.DepthwiseConv2D: "depthwise",
    layers.Conv2D: "conv",
    layers.Dense: "dense",
}
MERGED = ("Mul", "Add")


class BundleWeightsError(EdgeclsError, ValueError):
    """Report a bundle whose weights cannot be the start of a network."""


@dataclass(frozen=True, eq=False)
class Affine:
    """One layer of the graph: kernel * input + bias.

    Args:    kernel: as Keras has it: (h, w, in, out), depthwise (h, w, in, 1), dense (in, out).
             bias: shape (out,), depthwise (in,).
    """

    kind: str
    kernel: Floats
    bias: Floats

    @property
    def key(self) -> Key:
        """What a Keras layer must be to take these weights."""
        return self.kind, self.kernel.shape


def is_bundle(path: Path) -> bool:
    """Tell a bundle, folder or .edgecls file, from other files of weights."""
    return path.suffix == ".edgecls" or (path / "manifest.json").is_file()


def load_from_bundle(model: keras.Model, path: Path) -> None:
    """Give a network the weights of a bundle's float ONNX artefact, layer by layer.

    Layers are matched by kind and shape, in the order of the graph.

    Raises:  BundleError for a damaged bundle; BundleWeightsError, naming the layer, where there is
             no float ONNX artefact or it is of another network.
    """
    fill_layers(model, layers_of_bundle(path), origin=str(path))


def layers_of_bundle(path: Path) -> list[Affine]:
    """Read the layers of a bundle's float ONNX artefact, in the order of its graph.

    Raises:  BundleError for a damaged bundle; BundleWeightsError where it has no such artefact.
    """
    bundle = open_bundle(path)
    floats = [
        v for v in bundle.manifest.variants if (v.runtime, v.precision) == ("onnx", "float32")
    ]
    if not floats:
        raise BundleWeightsError(
            f"{path} has no float32 ONNX variant, expected one to read weights from",
            hint="edgecls quantize writes one beside the others",
        )
    return affine_layers(onnx.load_from_string(bundle.artefact(floats[0])).graph)


def fill_layers(model: keras.Model, found: Iterable[Affine], *, origin: str) -> None:
    """Put layers into a network, matched by kind and shape, in their order.

    Args:    origin: where they come from, for errors.
    Raises:  BundleWeightsError, naming the layer, where they are of another network.
    """
    for layer, affine in matched(model, found, origin=origin):
        fill(layer, affine)


def matched(
    model: keras.Model, found: Iterable[Affine], *, origin: str
) -> list[tuple[keras.layers.Layer, Affine]]:
    """Pair a network's layers with what they are to hold, by kind and shape, in their order.

    Args:    origin: where they come from, for errors.
    Raises:  BundleWeightsError, naming the layer, where they are of another network.
    """
    pairs = []
    waiting: dict[Key, deque[Affine]] = defaultdict(deque)
    for one in found:
        waiting[one.key].append(one)
    for layer in model.layers:
        kind = next((name for of, name in _KINDS.items() if isinstance(layer, of)), None)
        if kind is None:
            continue
        key = (kind, tuple(layer.kernel.shape))
        if not waiting[key]:
            raise BundleWeightsError(
                f"{origin} does not fit {model.name}: nothing is left for layer {layer.name}, "
                f"{kind} {key[1]}",
                hint="compare architecture.name and its options with how the bundle was made",
            )
        pairs.append((layer, waiting[key].popleft()))
    left = [queue[0].key for queue in waiting.values() if queue]
    if left:
        raise BundleWeightsError(
            f"{origin} does not fit {model.name}: it has another {left[0][0]} layer {left[0][1]}",
            hint="compare architecture.name and its options with how the bundle was made",
        )
    return pairs


def affine_layers(graph: onnx.GraphProto) -> list[Affine]:
    """Read the convolutions and dense layers of a graph, scale and shift behind them merged."""
    constants = {item.name: numpy_helper.to_array(item) for item in graph.initializer}
    users: dict[str, list[onnx.NodeProto]] = defaultdict(list)
    for node in graph.node:
        for name in node.input:
            users[name].append(node)
    found = []
    for node in graph.node:
        affine = _affine_from_node(node, constants)
        if affine is None:
            continue
        output = node.output[0]
        while len(users[output]) == 1 and users[output][0].op_type in MERGED:
            after = users[output][0]
            given = [constants[name] for name in after.input if name in constants]
            if not given or given[0].size not in (1, len(affine.bias)):
                break
            values = np.broadcast_to(given[0].reshape(-1), affine.bias.shape)
            affine = _merged(affine, after.op_type, values)
            output = after.output[0]
        found.append(affine)
    return found


def _affine_from_node(node: onnx.NodeProto, constants: dict[str, Any]) -> Affine | None:
    if len(node.input) < 2 or node.input[1] not in constants:
        return None
    weights = np.asarray(constants[node.input[1]], dtype=np.float32)
    attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    if node.op_type == "Conv":
        kind = "depthwise" if attributes.get("group", 1) > 1 else "conv"
        order = (2, 3, 0, 1) if kind == "depthwise" else (2, 3, 1, 0)
        kernel = np.transpose(weights, order)
    elif node.op_type in ("Gemm", "MatMul") and weights.ndim == 2:
        kind = "dense"
        kernel = weights.T if attributes.get("transB") else weights
    else:
        return None
    count = kernel.shape[2] if kind == "depthwise" else kernel.shape[-1]
    given = constants.get(node.input[2]) if len(node.input) > 2 else None
    bias = np.zeros(count) if given is None else given  # a Gemm may also add another layer's output
    return Affine(kind, kernel, np.asarray(bias, dtype=np.float32))


def _merged(affine: Affine, operation: str, values: npt.NDArray[Any]) -> Affine:
    if operation == "Add":
        return replace(affine, bias=np.asarray(affine.bias + values, np.float32))
    factor = values[:, None] if affine.kind == "depthwise" else values
    return replace(
        affine,
        kernel=np.asarray(affine.kernel * factor, np.float32),
        bias=np.asarray(affine.bias * values, np.float32),
    )


def fill(layer: keras.layers.Layer, affine: Affine) -> None:
    """Put weights into a layer, and what belongs there into the BatchNorm that follows it."""
    norm = _norm_after(layer)
    if norm is None:
        if not layer.use_bias and np.any(affine.bias):
            raise BundleWeightsError(f"layer {layer.name} has no bias, the bundle gives it one")
        layer.set_weights([affine.kernel, affine.bias] if layer.use_bias else [affine.kernel])
        return
    axes = (0, 1) if affine.kind == "depthwise" else tuple(range(affine.kernel.ndim - 1))
    size = np.sqrt(np.mean(np.square(affine.kernel), axis=axes)).reshape(-1)
    fan_in = affine.kernel.size / len(size)
    scale = np.where(size > 0, size / np.sqrt(2 / fan_in), 1.0).astype(np.float32)
    factor = scale[:, None] if affine.kind == "depthwise" else scale
    kernel = affine.kernel / factor
    layer.set_weights([kernel, np.zeros_like(affine.bias)] if layer.use_bias else [kernel])
    variance = np.full_like(scale, 1 - norm.epsilon)
    norm.set_weights([scale, affine.bias, np.zeros_like(scale), variance])


def _norm_after(layer: keras.layers.Layer) -> keras.layers.Layer | None:
    users = [node.operation for node in layer._outbound_nodes]  # Keras offers no public way
    return users[0] if users and isinstance(users[0], layers.BatchNormalization) else None


def settle_statistics(model: keras.Model, batches: Iterable[Floats]) -> None:
    """Measure the statistics that BatchNorm needs to go on learning; the answers stay the same.

    Args:    batches: normalised images, (N, S, S, 3) each, drawn as in training.
    """
    norms = [layer for layer in model.layers if isinstance(layer, layers.BatchNormalization)]
    moments = [
        moment
        for norm in norms
        for moment in (ops.mean(norm.input, (0, 1, 2)), ops.mean(ops.square(norm.input), (0, 1, 2)))
    ]
    probe = keras.Model(model.inputs, moments)
    seen = [[np.asarray(part) for part in probe.predict_on_batch(batch)] for batch in batches]
    means = [np.mean([one[index] for one in seen], axis=0) for index in range(len(moments))]
    for index, norm in enumerate(norms):
        mean, variance = means[2 * index], means[2 * index + 1] - np.square(means[2 * index])
        variance = np.maximum(variance, 0.0)
        scale, shift, old_mean, old_variance = norm.get_weights()
        gain = scale / np.sqrt(old_variance + norm.epsilon)
        new_scale = gain * np.sqrt(variance + norm.epsilon)
        norm.set_weights([new_scale, shift + gain * (mean - old_mean), mean, variance])
