"""Tell a model file's precision by what is stored in it: inputs and outputs are float32 in most.

A TFLite file is a FlatBuffer and an ONNX file a protocol buffer; of either only the few fields that
tell a tensor's type are read, without the library that runs it.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Callable, Iterator, Mapping

_FLOAT16, _INT8, _UINT8, _INT16 = "float16", "int8", "uint8", "int16"
_TFLITE_TYPES = {0: "float32", 1: _FLOAT16, 3: _UINT8, 7: _INT16, 9: _INT8}
_INTEGER_OPS = (b"DynamicQuantizeLinear", b"ConvInteger", b"MatMulInteger")
_QUANTIZED_OPS = (b"DequantizeLinear", b"QLinearConv", b"QLinearMatMul")
_ONNX_GRAPH, _GRAPH_WEIGHT, _WEIGHT_TYPE = 7, 5, 2
_ONNX_FLOAT, _ONNX_FLOAT16 = 1, 10


def precision_inside(runtime: str, model: bytes) -> str | None:
    """Return int8, int16x8, dynamic-int8, float16 or float32; None where the file does not tell.

    Args:    runtime: "tflite" or "onnx"; of other runtimes' files nothing is known.
    """
    try:
        return _READERS[runtime](model) if runtime in _READERS else None
    except (struct.error, IndexError, UnicodeDecodeError):  # of another layout than is read here
        return None


def _of_tflite(model: bytes) -> str:
    stored, computed = Counter[str](), Counter[str]()
    for kind, constant in _tflite_tensors(model):
        (stored if constant else computed)[kind] += 1
    if computed[_INT16] and stored[_INT8]:
        return "int16x8"
    if computed[_INT8] or computed[_UINT8]:
        return "int8"
    if stored[_INT8] or stored[_UINT8]:
        return "dynamic-int8"
    return "float16" if stored[_FLOAT16] else "float32"


def _of_onnx(model: bytes) -> str:
    if any(name in model for name in _INTEGER_OPS):
        return "dynamic-int8"
    if any(name in model for name in _QUANTIZED_OPS):
        return "int8"
    kinds = Counter(
        kind
        for graph in _messages(model, _ONNX_GRAPH)
        for weight in _messages(graph, _GRAPH_WEIGHT)
        for kind in _numbers(weight, _WEIGHT_TYPE)
    )
    return "float16" if kinds[_ONNX_FLOAT16] > kinds[_ONNX_FLOAT] else "float32"


_READERS: Mapping[str, Callable[[bytes], str]] = {"tflite": _of_tflite, "onnx": _of_onnx}


def _tflite_tensors(model: bytes) -> Iterator[tuple[str, bool]]:
    """Yield the type of every tensor, and whether its values are stored in the file.

    Of TFLite's schema: Model.subgraphs is field 2, .buffers 4; SubGraph.tensors 0; Tensor.type 1,
    .buffer 2; Buffer.data 0, .offset 1.
    """
    (root,) = struct.unpack_from("<I", model, 0)
    filled = [
        bool(_vector(model, buffer, 0)) or _field(model, buffer, 1) is not None
        for buffer in _tables(model, root, 4)
    ]
    for graph in _tables(model, root, 2):
        for tensor in _tables(model, graph, 0):
            kind, buffer = _field(model, tensor, 1), _field(model, tensor, 2)
            number = model[kind] if kind is not None else 0
            index = struct.unpack_from("<I", model, buffer)[0] if buffer is not None else 0
            yield _TFLITE_TYPES.get(number, "other"), filled[index]


def _field(model: bytes, table: int, number: int) -> int | None:
    """Return where a table's field lies; None where it has its default."""
    (back,) = struct.unpack_from("<i", model, table)
    (size,) = struct.unpack_from("<H", model, table - back)
    if 4 + 2 * number >= size:
        return None
    (offset,) = struct.unpack_from("<H", model, table - back + 4 + 2 * number)
    return table + offset if offset else None


def _vector(model: bytes, table: int, number: int) -> range:
    """Return the places of a vector's entries, each of 4 bytes; empty where there is none."""
    place = _field(model, table, number)
    if place is None:
        return range(0)
    place += struct.unpack_from("<I", model, place)[0]
    (count,) = struct.unpack_from("<I", model, place)
    return range(place + 4, place + 4 + 4 * count, 4)


def _tables(model: bytes, table: int, number: int) -> Iterator[int]:
    for place in _vector(model, table, number):
        yield place + struct.unpack_from("<I", model, place)[0]


def _messages(message: bytes, number: int) -> Iterator[bytes]:
    """Yield every field of bytes with this number."""
    for tag, start, end in _fields(message):
        if tag >> 3 == number and tag & 7 == 2:
            yield message[start:end]


def _numbers(message: bytes, number: int) -> Iterator[int]:
    """Yield every field with this number that is a whole number."""
    for tag, start, _ in _fields(message):
        if tag >> 3 == number and tag & 7 == 0:
            yield _varint(message, start)[0]


def _fields(message: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield every field's tag, and where its value begins and ends."""
    place = 0
    while place < len(message):
        tag, start = _varint(message, place)
        if tag & 7 == 2:
            length, start = _varint(message, start)
            place = start + length
        elif tag & 7 == 0:
            place = _varint(message, start)[1]
        else:
            place = start + (8 if tag & 7 == 1 else 4)
        yield tag, start, place


def _varint(message: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[place]
        value |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80:
            return value, place
