"""Make every inner tensor of an ONNX model an output, without the onnx package.

A protocol-buffer message that holds a field of message type twice is read as both merged (the
encoding guide says so under "last one wins"). So a model's bytes followed by another `graph` field
that holds outputs only is the same model with more outputs.
"""

from __future__ import annotations

from collections.abc import Iterator

_MODEL_GRAPH = 7
_GRAPH_NODE, _GRAPH_OUTPUT = 1, 12
_NODE_OUTPUT, _NODE_OP_TYPE = 2, 4
_VALUE_NAME = 1
_BYTES_FIELD = 2


def inner_outputs(model: bytes) -> list[tuple[str, str]]:
    """Return (tensor, operation that makes it) in the graph's order; constants are left out."""
    found = []
    for graph in _fields(model, _MODEL_GRAPH):
        for node in _fields(graph, _GRAPH_NODE):
            kind = b"".join(_fields(node, _NODE_OP_TYPE)).decode()
            if kind != "Constant":
                found += [(name.decode(), kind) for name in _fields(node, _NODE_OUTPUT) if name]
    return found


def with_outputs(model: bytes, names: list[str]) -> bytes:
    """Return the model with these tensors as further outputs; those it has already are kept."""
    known = {
        name
        for graph in _fields(model, _MODEL_GRAPH)
        for output in _fields(graph, _GRAPH_OUTPUT)
        for name in _fields(output, _VALUE_NAME)
    }
    outputs = b"".join(
        _field(_GRAPH_OUTPUT, _field(_VALUE_NAME, name.encode()))
        for name in names
        if name.encode() not in known
    )
    return model + _field(_MODEL_GRAPH, outputs)


def _fields(message: bytes, number: int) -> Iterator[bytes]:
    """Yield every field of bytes with this number.

    Raises:  ValueError when these are not the bytes of a message.
    """
    place = 0
    while place < len(message):
        tag, place = _varint(message, place)
        kind = tag & 7
        if kind == 0:
            _, place = _varint(message, place)
        elif kind in (1, 5):
            place += 8 if kind == 1 else 4
        elif kind == _BYTES_FIELD:
            length, place = _varint(message, place)
            if tag >> 3 == number:
                yield message[place : place + length]
            place += length
        else:
            raise ValueError("not an ONNX model")


def _varint(message: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if place >= len(message):
            raise ValueError("not an ONNX model")
        byte = message[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
        shift += 7


def _field(number: int, content: bytes) -> bytes:
    return _number(number << 3 | _BYTES_FIELD) + _number(len(content)) + content


def _number(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
