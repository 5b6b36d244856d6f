"""Keras's transposed convolution, as fast on JAX and PyTorch as it can be.

On a CPU the weight gradient of `lax.conv_transpose` takes ten times as long as
that of a convolution, or more. A transposed convolution is the gradient of a
convolution, and its own gradients can be written as that convolution's.

On PyTorch Keras computes margins and cuts them off, with channels first: with
kernels of 4x4 and strides of 2 that takes 1.6 times as long.
"""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_aegan")
class Conv2DTranspose(keras.layers.Conv2DTranspose):
    """`keras.layers.Conv2DTranspose`, faster on JAX and PyTorch.

    Arguments, config, variables and results are those of Keras's layer, so
    that the weights of the one fit the other; on TensorFlow it is Keras's
    layer. On JAX it can be differentiated backwards, as often as you like, but
    not forwards (`jax.jvp`).

    Args:
        *args: as in `keras.layers.Conv2DTranspose`.
        **kwargs: as in `keras.layers.Conv2DTranspose`.

    Example:

    ```python
    layer = Conv2DTranspose(64, 4, strides=2, padding="same")
    ```
    """

    if keras.backend.backend() != "tensorflow":

        def call(self, inputs):
            outputs = self._transposed(
                inputs, ops.convert_to_tensor(self.kernel)
            )
            if self.use_bias:
                shape = [1, 1, 1, 1]
                shape[self._axes[-1]] = self.filters
                outputs = outputs + ops.reshape(self.bias, shape)
            return self.activation(outputs)

    if keras.backend.backend() == "jax":

        def _transposed(self, inputs, kernel):
            return _transpose_of(
                lambda images, kernel: self._convolution(
                    images, kernel, inputs.shape
                ),
                self.compute_output_shape(inputs.shape),
            )(inputs, kernel)

    if keras.backend.backend() == "torch":

        def _transposed(self, inputs, kernel):
            """Without the margins that Keras computes and cuts off."""
            from torch import channels_last, contiguous_format
            from torch.nn.functional import conv_transpose2d

            is_last = self.data_format == "channels_last"
            order = channels_last if is_last else contiguous_format
            shape = self.compute_output_shape(inputs.shape)
            crops = self._crops(inputs.shape, shape)
            if is_last:
                inputs = inputs.permute(0, 3, 1, 2)
            outputs = conv_transpose2d(
                inputs.contiguous(memory_format=order),
                kernel.permute(3, 2, 0, 1).contiguous(memory_format=order),
                stride=self.strides,
                padding=[before for before, _ in crops],
                output_padding=[
                    max(before - after, 0) for before, after in crops
                ],
                dilation=self.dilation_rate,
            )
            if any(after > before for before, after in crops):
                height, width = (shape[axis] for axis in self._axes[:2])
                outputs = outputs[:, :, :height, :width]
            return outputs.permute(0, 2, 3, 1) if is_last else outputs

    @property
    def _axes(self):
        """Which axes are the height, the width and the channels."""
        return (1, 2, 3) if self.data_format == "channels_last" else (2, 3, 1)

    def _crops(self, inputs, outputs):
        """What a full transposed convolution has too much, before and after.

        Args:
            inputs: the shape of the inputs.
            outputs: the shape that is wanted.
        """
        crops = []
        for axis, size, stride, dilation in zip(
            self._axes,
            self.kernel_size,
            self.strides,
            self.dilation_rate,
            strict=False,
        ):
            full = (inputs[axis] - 1) * stride + (size - 1) * dilation + 1
            missing = full - outputs[axis]
            before = max(missing // 2, 0) if self.padding == "same" else 0
            crops.append((before, missing - before))
        return crops

    def _convolution(self, images, kernel, shape):
        """The convolution from the outputs to inputs of this shape, on JAX."""
        import jax

        layout = "NHWC" if self.data_format == "channels_last" else "NCHW"
        return jax.lax.conv_general_dilated(
            images,
            kernel,
            self.strides,
            self._crops(shape, images.shape),
            rhs_dilation=self.dilation_rate,
            dimension_numbers=(layout, "HWIO", layout),
        )


def _transpose_of(convolution, shape):
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
