import keras
import numpy as np
import pytest
from keras import ops

from keras_aegan.layers import LeakyReLU
from keras_aegan.losses.input_gradient import input_gradient

X = np.array([[-2.0, -0.5, 0.25, 0.5, 3.0]], "float32")


@pytest.mark.parametrize("training", [True, False])
def test_it_is_that_of_keras_and_its_gradient_too(training):
    def leaky(x):
        return LeakyReLU(0.2)(x, training=training)

    found = ops.convert_to_numpy(leaky(X))
    np.testing.assert_allclose(found, [[-0.4, -0.1, 0.25, 0.5, 3]], atol=1e-7)
    weights = ops.convert_to_tensor([[1.0, 2.0, 3.0, 4.0, 5.0]])
    gradient = input_gradient(
        lambda x: ops.multiply(leaky(x), weights), ops.convert_to_tensor(X)
    )
    gradient = ops.convert_to_numpy(ops.stop_gradient(gradient))
    np.testing.assert_allclose(gradient, [[0.2, 0.4, 3, 4, 5]], rtol=1e-6)


if keras.backend.backend() == "tensorflow":

    def test_nothing_is_computed_for_its_second_derivative():
        import tensorflow as tf

        layer = LeakyReLU(0.2)

        @tf.function
        def penalty(x, kernel):
            with tf.GradientTape() as outer:
                outer.watch(kernel)
                with tf.GradientTape() as inner:
                    inner.watch(x)
                    scores = tf.reduce_sum(layer(x @ kernel, training=True))
                gradient = inner.gradient(scores, x)
                total = tf.reduce_sum(gradient**2)
            return outer.gradient(total, kernel)

        graph = penalty.get_concrete_function(
            tf.constant(X), tf.ones((5, 4))
        ).graph
        products = [n for n in graph.as_graph_def().node if n.op == "MatMul"]
        # Forward, to the input, and of that to the kernel. Keras's layer would
        # add two, of zeros.
        assert len(products) == 3

    def test_its_gradient_is_made_of_its_outputs():
        """TensorFlow's remapper fails in graphs where a sum is kept for it."""
        import tensorflow as tf

        layer = LeakyReLU(0.2)

        @tf.function
        def gradient(x):
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = layer(x + 1.0, training=True)
            return tape.gradient(y, x)

        graph = gradient.get_concrete_function(tf.constant(X)).graph
        (made,) = (
            op for op in graph.get_operations() if op.type == "LeakyReluGrad"
        )
        kept = made.inputs[1].op
        while kept.type in ("StopGradient", "Identity"):
            kept = kept.inputs[0].op
        assert kept.type == "LeakyRelu"


def test_it_is_saved(tmp_path):
    inputs = keras.Input((5,))
    model = keras.Model(inputs, LeakyReLU(0.3)(inputs))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    (layer,) = loaded.layers[1:]
    assert type(layer) is LeakyReLU and layer.negative_slope == 0.3
