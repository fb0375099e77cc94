"""Runtimes: each loads a model from bytes and runs it. Constructor: (model, *, threads=1)."""

RUNTIMES = {
    "tflite": "edgecls.runtimes.tflite:TFLiteRuntime",
    "onnx": "edgecls.runtimes.onnx:OnnxRuntime",
    "tensorrt": "edgecls.runtimes.tensorrt:TensorRtRuntime",
}

BARE_LOOPS = {
    "tflite": "edgecls.runtimes.bare_tflite:BareTFLite",
    "onnx": "edgecls.runtimes.bare_onnx:BareOnnx",
    "tensorrt": "edgecls.runtimes.tensorrt:BareTensorRt",
}
"""The same engines with nothing of ours around them: what a benchmark measures us against."""

TAPS = {
    "tflite": "edgecls.runtimes.tap_tflite:TapTFLite",
    "onnx": "edgecls.runtimes.tap_onnx:TapOnnx",
}
"""The same engines, showing every tensor inside: slow, for finding where an error enters."""
