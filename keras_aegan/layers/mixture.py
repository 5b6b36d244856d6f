"""A mixture of normal distributions, as a layer that noise goes through."""

import math

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_aegan")
class GaussianMixture(keras.layers.Layer):
    """Normal noise to draws from a mixture of normal distributions.

    The first of a sample's values chooses the component, the others are scaled
    and shifted by it. What the mixture is stands in the weights, none of them
    trainable; a fresh layer's is the standard normal distribution.
    `keras_aegan.samplers.fit_prior` fits one to codes.

    Args:
        components: number of normal distributions.
        latent_shape: shape of one draw; `d` is the number of its values.

    Call arguments:
        noise: `(batch, d + 1)`, from the standard normal distribution.

    Returns:
        `(batch, *latent_shape)`, in float32 under every precision policy.

    Example:

    ```python
    layer = GaussianMixture(2, (1,))
    layer.build((None, 2))
    # With a probability of 0.3 normal around -1, else around 1.
    weights = [0.3, 0.7], [[-1.0], [1.0]], [[[0.1]], [[0.2]]]
    layer.set_weights([np.array(w) for w in weights])
    ```
    """

    def __init__(
        self, components: int, latent_shape: tuple[int, ...], **kwargs
    ):
        kwargs.setdefault("dtype", "float32")
        super().__init__(**kwargs)
        self.components = components
        self.latent_shape = tuple(latent_shape)
        sizes = (components, *self.latent_shape)
        if len(sizes) < 2 or any(
            not isinstance(size, int) or size < 1 for size in sizes
        ):
            raise ValueError(
                "Expected components to be a whole number, 1 or more, and "
                "latent_shape to be a tuple of such. Received: components="
                f"{components!r}, latent_shape={latent_shape!r}"
            )

    def build(self, input_shape):
        k, d = self.components, math.prod(self.latent_shape)
        if tuple(input_shape[1:]) != (d + 1,):
            raise ValueError(
                f"Expected noise of shape (batch, {d + 1}): one value to "
                f"choose the component and {d} for codes of shape "
                f"{self.latent_shape}. Received: shape {tuple(input_shape)}"
            )

        def identities(shape, dtype):
            return ops.tile(ops.eye(d, dtype=dtype)[None], (k, 1, 1))

        # Not their sums, of which a preset in bfloat16 would keep two digits.
        self.probabilities = self.add_weight(
            (k,), "ones", trainable=False, name="probabilities"
        )
        self.means = self.add_weight(
            (k, d), "zeros", trainable=False, name="means"
        )
        self.cholesky_factors = self.add_weight(
            (k, d, d), identities, trainable=False, name="cholesky_factors"
        )

    def call(self, noise):
        uniform = 0.5 * (1.0 + ops.erf(noise[:, :1] / math.sqrt(2.0)))
        bounds = ops.cumsum(self.probabilities)
        # The last bound, 1, may be missed by a rounding error: it is no bound.
        passed = uniform > bounds[:-1] / bounds[-1]
        chosen = ops.sum(ops.cast(passed, "int32"), axis=-1)
        # Drawn from every component: to gather each sample's own factor would
        # take the memory of a d x d matrix a sample.
        draws = self.means + ops.einsum(
            "bj,kij->bki", noise[:, 1:], self.cholesky_factors
        )
        is_chosen = ops.one_hot(chosen, self.components, dtype=draws.dtype)
        codes = ops.sum(is_chosen[:, :, None] * draws, axis=1)
        return ops.reshape(codes, (-1, *self.latent_shape))

    def get_config(self):
        config = super().get_config()
        config.update(
            components=self.components, latent_shape=self.latent_shape
        )
        return config
