"""Keras's transposed convolution, as fast on JAX as its backward pass can be.

On a CPU the weight gradient of `lax.conv_transpose` takes ten times as long as
that of a convolution, or more. A transposed convolution is the gradient of a
convolution, and its own gradients can be written as that convolution's.
"""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_aegan")
class Conv2DTranspose(keras.layers.Conv2DTranspose):
    """`keras.layers.Conv2DTranspose` with a fast weight gradient on JAX.

    Arguments, config, variables and results are those of Keras's layer, so
    that the weights of the one fit the other; on TensorFlow and PyTorch it is
    Keras's layer. On JAX it can be differentiated backwards, as often as you
    like, but not forwards (`jax.jvp`).

    Args:
        *args: as in `keras.layers.Conv2DTranspose`.
        **kwargs: as in `keras.layers.Conv2DTranspose`.

    Example:

    ```python
    layer = Conv2DTranspose(64, 4, strides=2, padding="same")
    ```
    """

    if keras.backend.backend() == "jax":

        def call(self, inputs):
            outputs = _transposed(
                lambda images, kernel: self._convolution(
                    images, kernel, inputs.shape
                ),
                self.compute_output_shape(inputs.shape),
            )(inputs, ops.convert_to_tensor(self.kernel))
            if self.use_bias:
                shape = [1, 1, 1, 1]
                shape[self._axes[-1]] = self.filters
                outputs = outputs + ops.reshape(self.bias, shape)
            return self.activation(outputs)

    @property
    def _axes(self):
        """Which axes are the height, the width and the channels."""
        return (1, 2, 3) if self.data_format == "channels_last" else (2, 3, 1)

    def _convolution(self, images, kernel, shape):
        """The convolution from the outputs to inputs of this shape."""
        import jax

        padding = []
        for axis, size, stride, dilation in zip(
            self._axes,
            self.kernel_size,
            self.strides,
            self.dilation_rate,
            strict=False,
        ):
            missing = (
                (shape[axis] - 1) * stride
                + (size - 1) * dilation
                + 1
                - images.shape[axis]
            )
            before = max(missing // 2, 0) if self.padding == "same" else 0
            padding.append((before, missing - before))
        layout = "NHWC" if self.data_format == "channels_last" else "NCHW"
        return jax.lax.conv_general_dilated(
            images,
            kernel,
            self.strides,
            padding,
            rhs_dilation=self.dilation_rate,
            dimension_numbers=(layout, "HWIO", layout),
        )


def _transposed(convolution, shape):
    """The transpose of a convolution of images of this shape.

    Its gradients are written down as that convolution's: JAX's own would be
    those of the transpose.
    """
    import jax

    @jax.custom_vjp
    def transposed(inputs, kernel):
        (images,) = jax.linear_transpose(
            lambda images: convolution(images, kernel),
            jax.ShapeDtypeStruct(shape, inputs.dtype),
        )(inputs)
        return images

    def forward(inputs, kernel):
        return transposed(inputs, kernel), (inputs, kernel)

    def backward(kept, gradient):
        inputs, kernel = kept
        _, pull = jax.vjp(lambda kernel: convolution(gradient, kernel), kernel)
        return convolution(gradient, kernel), *pull(inputs)

    transposed.defvjp(forward, backward)
    return transposed
