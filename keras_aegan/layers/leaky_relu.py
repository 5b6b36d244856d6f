"""A leaky ReLU of which nothing is computed that is always zero.

Its second derivative is zero. TensorFlow does not know, and carries a tensor of
zeros on through all layers before it when an input gradient is differentiated,
as penalties ask: two of six passes over the network.

Nor does it need its inputs for a gradient, whose signs the outputs have.
TensorFlow's does, and of a residual sum that is kept for it the optimizer of
graphs thinks that it is gone: it gives up (`remapper failed` in the log).
"""

import keras

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf


@keras.saving.register_keras_serializable(package="keras_aegan")
class LeakyReLU(keras.layers.LeakyReLU):
    """`keras.layers.LeakyReLU` without the zeros of its second derivative.

    Results, gradients and config are those of Keras's layer. A penalty on a
    critic's input gradient is a third cheaper with it on TensorFlow. On the
    other backends it is Keras's layer: JAX knows by itself, and PyTorch's
    functions in Python cost as much as this one saves.

    Args:
        negative_slope: as in `keras.layers.LeakyReLU`.
        **kwargs: as in `keras.layers.LeakyReLU`.

    Call arguments:
        inputs: tensor of any shape.
        training: in training alone are gradients differentiated again.

    Example:

    ```python
    features = LeakyReLU(0.2)(features)
    ```
    """

    if keras.backend.backend() == "tensorflow":

        def call(self, inputs, training=None):
            if not training:
                return super().call(inputs)

            @tf.custom_gradient
            def leaky(features):
                outputs = tf.nn.leaky_relu(features, self.negative_slope)

                def backward(gradients):
                    return tf.raw_ops.LeakyReluGrad(
                        gradients=gradients,
                        features=tf.stop_gradient(outputs),
                        alpha=self.negative_slope,
                    )

                return outputs, backward

            return leaky(inputs)
