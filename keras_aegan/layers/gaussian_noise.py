"""Noise that many devices draw as one does."""

import keras
from keras import ops

from keras_aegan.sharing import drawn


@keras.saving.register_keras_serializable(package="keras_aegan")
class GaussianNoise(keras.layers.GaussianNoise):
    """Keras's `GaussianNoise`, each device with the numbers of its own rows.

    Keras's layer draws the same numbers on each device of PyTorch's and
    TensorFlow's, whose samples would be disturbed alike. On one device, and on
    JAX, it is the same layer.

    Args:
        stddev: standard deviation of the noise, 0 or more.
        seed: integer, random by default.

    Call arguments:
        inputs: tensor of any shape.
        training: whether noise is added.

    Returns:
        A tensor of the same shape.

    Example:

    ```python
    noisy = GaussianNoise(0.1)(images, training=True)
    ```
    """

    def call(self, inputs, training=False):
        if not training or not self.stddev:
            return inputs

        def draw(shape):
            return keras.random.normal(
                shape,
                stddev=self.stddev,
                dtype=self.compute_dtype,
                seed=self.seed_generator,
            )

        return inputs + drawn(draw, ops.shape(inputs))
