"""A choice that lets gradients through."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_aegan")
class StraightThrough(keras.layers.Layer):
    """The most probable class as one-hot, with the probabilities' gradient.

    Forwards it is the one-hot of the largest value along the last axis (the
    first one, where several are equal), backwards the identity. A
    discriminator then sees the same kind of data from the generator as from
    the user, and cannot tell them apart by how sharp they are.

    Call arguments:
        probabilities: tensor `(..., classes)`.

    Returns:
        A tensor of the same shape and dtype, of zeros and ones.

    Example:

    ```python
    one_hot = StraightThrough()(keras.ops.softmax(logits))
    ```

    Reference:
        - [Estimating or Propagating Gradients Through Stochastic Neurons for
          Conditional Computation](https://arxiv.org/abs/1308.3432), section 4
    """

    def call(self, probabilities):
        one_hot = ops.one_hot(
            ops.argmax(probabilities, axis=-1),
            probabilities.shape[-1],
            dtype=probabilities.dtype,
        )
        # The difference is exactly zero, so that ones stay ones.
        return one_hot + (probabilities - ops.stop_gradient(probabilities))
