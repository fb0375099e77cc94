"""Runtimes: each loads a model from bytes and runs it. Constructor: (model, *, threads=1)."""

RUNTIMES = {
    "tflite": "edgecls.runtimes.tflite:TFLiteRuntime",
    "onnx": "edgecls.runtimes.onnx:OnnxRuntime",
}
