"""What a model may come as, and what is said of one that cannot be quantized."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="needs the lab extra: pip install 'edgecls[lab]'")
tf = pytest.importorskip("tensorflow", reason="needs the lab extra (tensorflow)")
pytest.importorskip("tf2onnx", reason="needs the lab extra (tf2onnx)")

from edgecls.errors import CalibrationError, ConfigError  # noqa: E402
from edgecls.lab.export import onnx_from_keras, tflite_from_keras  # noqa: E402
from edgecls.lab.quantization.float_graphs import graphs_from_file, improved, load_keras  # noqa: E402
from edgecls.lab.quantization.pipeline import sha256_of  # noqa: E402
from edgecls.runtimes.onnx import OnnxRuntime  # noqa: E402
from edgecls.runtimes.tflite import TFLiteRuntime  # noqa: E402

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.timeout(400)]
GOLDEN = Path(__file__).parents[3] / "golden" / "models"
FLOAT_TOLERANCE = 1e-4
"""Two float engines order their sums differently."""


def small_net(side: int | None = 12) -> keras.Model:
    keras.utils.set_random_seed(2)
    image = keras.Input((side, side, 3))
    x = keras.layers.Conv2D(4, 3, name="stem", use_bias=False)(image)
    x = keras.layers.BatchNormalization(name="stem_bn")(x)
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.ReLU(6.0)(x))
    return keras.Model(image, keras.layers.Dense(2, name="logits")(x))


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> tuple[keras.Model, Path]:
    net = small_net()
    path = tmp_path_factory.mktemp("saved") / "model"
    net.export(path, format="tf_saved_model", verbose=False)
    return net, path


def test_a_saved_model_gives_both_files_with_its_own_answers(
    saved: tuple[keras.Model, Path],
) -> None:
    net, path = saved
    graphs = graphs_from_file(path, ("fold",))
    assert graphs.tflite is not None
    image = np.random.default_rng(1).uniform(-1, 1, (1, 12, 12, 3)).astype(np.float32)
    expected = np.asarray(net(image))
    with TFLiteRuntime(graphs.tflite, threads=1) as loaded:
        assert np.abs(loaded.infer(image) - expected).max() < FLOAT_TOLERANCE
    with OnnxRuntime(graphs.onnx.SerializeToString(), threads=1) as loaded:
        laid = np.ascontiguousarray(image.transpose(0, 3, 1, 2))
        assert np.abs(loaded.infer(laid) - expected).max() < FLOAT_TOLERANCE
    again = graphs_from_file(path, ("fold",))
    assert [again.sha256(kind) for kind in ("tflite", "onnx")] == [
        graphs.sha256(kind) for kind in ("tflite", "onnx")
    ]
    assert not [node for node in graphs.onnx.graph.node if node.op_type == "BatchNormalization"]


def test_a_saved_model_is_known_by_its_content(saved: tuple[keras.Model, Path]) -> None:
    _, path = saved
    first = sha256_of(path)
    assert sha256_of(path) == first
    (path / "assets").mkdir(exist_ok=True)
    (path / "assets" / "note.txt").write_text("more")
    assert sha256_of(path) != first
    (path / "assets" / "note.txt").unlink()


class Module(tf.Module):  # type: ignore[misc]
    @tf.function(
        autograph=False, input_signature=[tf.TensorSpec((None, None, None, 3), tf.float32)]
    )
    def any_size(self, image: tf.Tensor) -> tf.Tensor:
        return tf.reduce_mean(image, (1, 2))

    @tf.function(
        autograph=False, input_signature=[tf.TensorSpec((1, 4), tf.float32), tf.TensorSpec((1, 4))]
    )
    def two(self, a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
        return a + b


def test_saved_models_that_cannot_be_quantized_are_refused_in_words(tmp_path: Path) -> None:
    module = Module()
    tf.saved_model.save(module, tmp_path / "any", signatures=module.any_size)
    with pytest.raises(
        CalibrationError, match=r"float32 \(None, None, None, 3\), expected .* fixed"
    ):
        graphs_from_file(tmp_path / "any", ())
    tf.saved_model.save(module, tmp_path / "two", signatures=module.two)
    with pytest.raises(CalibrationError, match="2 inputs and 1 outputs, expected one image"):
        graphs_from_file(tmp_path / "two", ())
    tf.saved_model.save(module, tmp_path / "none")
    with pytest.raises(CalibrationError, match="no signature 'serving_default', it has none"):
        graphs_from_file(tmp_path / "none", ())
    (tmp_path / "empty").mkdir()
    with pytest.raises(CalibrationError, match="cannot be loaded as a SavedModel"):
        graphs_from_file(tmp_path / "empty", ())


def test_an_operation_that_a_format_lacks_is_named_with_its_layer() -> None:
    image = keras.Input((8, 8, 3))
    x = keras.ops.erfinv(keras.layers.Conv2D(2, 3, name="stem")(image))
    net = keras.Model(image, keras.layers.GlobalAveragePooling2D()(x))
    with pytest.raises(CalibrationError, match=r"TFLite has no operation for Erfinv, at .*erfinv"):
        tflite_from_keras(net)
    with pytest.raises(CalibrationError, match=r"ONNX has no operation for Erfinv, at .*erfinv"):
        onnx_from_keras(net)


def test_an_input_without_fixed_size_is_refused(tmp_path: Path) -> None:
    small_net(None).save(tmp_path / "any.keras")
    with pytest.raises(CalibrationError, match=r"\(None, None, None, 3\), expected .* all fixed"):
        graphs_from_file(tmp_path / "any.keras", ())
    with pytest.raises(CalibrationError, match=r"the input .*side1.* expected 4 axes"):
        graphs_from_file(GOLDEN / "changing_size.onnx", ())
    with pytest.raises(CalibrationError, match="2 inputs, expected one image"):
        graphs_from_file(GOLDEN / "two_inputs.onnx", ())


def test_a_keras_file_of_two_images_is_refused(tmp_path: Path) -> None:
    images = [keras.Input((8, 8, 3)), keras.Input((8, 8, 3))]
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.Concatenate()(images))
    keras.Model(images, keras.layers.Dense(2)(x)).save(tmp_path / "two.keras")
    with pytest.raises(CalibrationError, match="2 inputs and 1 outputs, expected one image"):
        graphs_from_file(tmp_path / "two.keras", ())


def test_a_changing_number_of_images_becomes_one() -> None:
    graph = graphs_from_file(GOLDEN / "nchw.onnx", ()).onnx.graph
    for item in (graph.input[0], graph.output[0]):
        assert item.type.tensor_type.shape.dim[0].dim_value == 1


def test_what_works_on_keras_layers_is_refused_elsewhere(saved: tuple[keras.Model, Path]) -> None:
    for path in (saved[1], GOLDEN / "nhwc.onnx"):
        with pytest.raises(ConfigError, match="'equalize' works on Keras layers"):
            graphs_from_file(path, ("fold", "equalize"))
    with pytest.raises(ConfigError, match="unknown improvement 'folded'"):
        graphs_from_file(GOLDEN / "nhwc.onnx", ("folded",))


def test_a_sequential_model_is_one_like_others(tmp_path: Path) -> None:
    layers = [keras.layers.Conv2D(2, 3, name="stem"), keras.layers.GlobalMaxPooling2D()]
    keras.Sequential([keras.Input((8, 8, 3)), *layers]).save(tmp_path / "net.keras")
    net = improved(load_keras(tmp_path / "net.keras"), ("fold",))
    assert net.input.shape == (None, 8, 8, 3)
    keras.Sequential(layers).save(tmp_path / "open.keras")
    with pytest.raises(CalibrationError, match="has no input size"):
        load_keras(tmp_path / "open.keras")


def test_files_of_another_kind_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"received \.h5"):
        graphs_from_file(tmp_path / "model.h5", ())
    (tmp_path / "broken.keras").write_bytes(b"no zip")
    with pytest.raises(CalibrationError, match="cannot be loaded as a Keras 3 model"):
        load_keras(tmp_path / "broken.keras")
    (tmp_path / "broken.onnx").write_bytes(b"no protobuf")
    with pytest.raises(CalibrationError, match="not a"):
        graphs_from_file(tmp_path / "broken.onnx", ())
