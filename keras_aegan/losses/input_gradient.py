"""The gradient of a network at its input, once a backend.

Keras has no operation for it (keras-team/keras#22442). It can be
differentiated again, with respect to the network's weights; the inputs
themselves are taken as given, whoever made them.
"""

import keras

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

    def input_gradient(function, inputs):
        """`d sum(function(inputs)) / d inputs`."""
        inputs = tf.stop_gradient(inputs)
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = function(inputs)
        return tape.gradient(outputs, inputs)

elif keras.backend.backend() == "jax":
    import jax

    def input_gradient(function, inputs):
        """`d sum(function(inputs)) / d inputs`."""
        inputs = jax.lax.stop_gradient(inputs)
        return jax.grad(lambda data: function(data).sum())(inputs)

elif keras.backend.backend() == "torch":
    import torch

    def input_gradient(function, inputs):
        """`d sum(function(inputs)) / d inputs`."""
        with torch.enable_grad():
            inputs = inputs.detach().requires_grad_()
            outputs = function(inputs).sum()
            (gradient,) = torch.autograd.grad(
                outputs, inputs, create_graph=True
            )
        return gradient

else:
    raise ImportError(
        "keras_aegan trains on the TensorFlow, JAX and PyTorch backends. "
        f"Received: KERAS_BACKEND={keras.backend.backend()!r}. Set the "
        "environment variable KERAS_BACKEND to 'tensorflow', 'jax' or 'torch'."
    )
