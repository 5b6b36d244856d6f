"""Differentiable augmentation of what a discriminator sees."""

import math

import keras
from keras import ops

from keras_aegan.sharing import drawn

_POLICIES = ("color", "translation", "cutout")


@keras.saving.register_keras_serializable(package="keras_aegan")
class DiffAugment(keras.layers.Layer):
    """Random changes of each sample that gradients pass through.

    Put before a discriminator, so that it sees real and generated data through
    the same kinds of changes, in its own step and in the generator's. It then
    cannot learn few data by heart, and the generator does not learn to make
    changed data, as it would if only the real ones were changed. Outside of
    training it does nothing.

    `"color"` (images only) adds -0.5 to 0.5 to all of a sample (brightness),
    multiplies each pixel's distance from its mean over the channels with 0 to
    2 (saturation; nothing for one channel), and each value's distance from the
    sample's mean with 0.5 to 1.5 (contrast). These amounts are meant for data
    in -1 to 1. Nothing is clipped: where it was, no gradient would pass.
    `"translation"` moves the sample by whole positions along each axis.
    `"cutout"` empties a box whose centre may lie anywhere, so that a part of
    the box may lie outside.

    What was moved in and what was cut out are zeros, as in the authors' code:
    mid-grey for images in -1 to 1, not black.

    Args:
        policy: tuple of some of `"color"`, `"translation"` and `"cutout"`, done
            in the order given. All by default; signals have no `"color"`.
        translation: the largest move, as a part of each side, between 0 and 1.
            Defaults to `1/8`.
        cutout: the box's sides, as a part of the sample's, between 0 and 1.
            Defaults to `1/2`.
        seed: integer seed; random by default.

    Call arguments:
        inputs: images `(batch, height, width, channels)` or signals
            `(batch, length, channels)`.
        training: whether to change anything.

    Returns:
        A tensor of the inputs' shape and dtype.

    Raises:
        ValueError: for an unknown policy, a part that is not between 0 and 1,
            data that are neither images nor signals, or the color of signals.

    Example:

    ```python
    discriminator = keras.Sequential([
        keras.Input((32, 32, 3)),
        DiffAugment(("color", "translation")),
        networks.residual_discriminator((32, 32, 3)),
    ], name="discriminator")
    ```

    Reference:
        - [Differentiable Augmentation for Data-Efficient GAN Training](
          https://arxiv.org/abs/2006.10738), section 3.2 and appendix
    """

    def __init__(
        self,
        policy: tuple[str, ...] = _POLICIES,
        translation: float = 1 / 8,
        cutout: float = 1 / 2,
        seed: int | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if isinstance(policy, str) or not policy or set(policy) - {*_POLICIES}:
            raise ValueError(
                f"Expected policy to be a tuple of some of {_POLICIES}. "
                f"Received: policy={policy!r}"
            )
        for name, part in (("translation", translation), ("cutout", cutout)):
            if not 0 < part < 1:
                raise ValueError(
                    f"Expected {name} to be a part of each side, between 0 and "
                    f"1. Received: {name}={part}"
                )
        self.policy = tuple(policy)
        self.translation = float(translation)
        self.cutout = float(cutout)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def build(self, input_shape):
        shape = tuple(input_shape[1:])
        if len(shape) not in (2, 3) or None in shape:
            raise ValueError(
                "Expected images (height, width, channels) or signals "
                "(length, channels) of known sizes. Received: samples of shape "
                f"{shape}"
            )
        if "color" in self.policy and len(shape) == 2:
            raise ValueError(
                "Only images have a color. Received: signals of shape "
                f"{shape} and policy={self.policy}. Leave 'color' away: "
                "policy=('translation', 'cutout')."
            )
        super().build(input_shape)

    def call(self, inputs, training=None):
        if not training:
            return inputs
        changes = {
            "color": self._color,
            "translation": self._translate,
            "cutout": self._cut_out,
        }
        for name in self.policy:
            inputs = changes[name](inputs)
        return inputs

    def _color(self, x):
        x = x + self._uniform(x, -0.5, 0.5)
        if x.shape[-1] > 1:
            grey = ops.mean(x, axis=-1, keepdims=True)
            x = (x - grey) * self._uniform(x, 0.0, 2.0) + grey
        mean = ops.mean(x, axis=(1, 2, 3), keepdims=True)
        return (x - mean) * self._uniform(x, 0.5, 1.5) + mean

    def _uniform(self, x, low, high):
        """A number for each sample."""

        def draw(shape):
            return keras.random.uniform(
                shape, low, high, dtype=x.dtype, seed=self.seed_generator
            )

        return drawn(draw, (ops.shape(x)[0], 1, 1, 1))

    def _translate(self, x):
        # One gather of positions from the padded samples: exact, where a
        # product with a matrix would be rounded on a GPU, and fast on each
        # backend, as shifting along one axis after the other is not.
        batch, sides, channels = ops.shape(x)[0], x.shape[1:-1], x.shape[-1]
        moves = [_rounded(side * self.translation) for side in sides]
        padded = ops.pad(x, [(0, 0), *((m, m) for m in moves), (0, 0)])
        places = self._along(ops.arange(batch), 0, x)
        for axis, (side, move) in enumerate(zip(sides, moves, strict=True), 1):
            start = self._integers(x, 2 * move + 1)
            place = start + self._along(ops.arange(side), axis, x)
            places = places * (side + 2 * move) + place
        return ops.take(
            ops.reshape(padded, (-1, channels)),
            ops.squeeze(places, axis=-1),
            axis=0,
        )

    def _cut_out(self, x):
        inside = True
        for axis, side in enumerate(x.shape[1:-1], 1):
            size = _rounded(side * self.cutout)
            # Of an even box the centre is the position after its middle.
            centre = self._integers(x, side + 1 - size % 2)
            place = self._along(ops.arange(side), axis, x) - centre + size // 2
            inside = ops.logical_and(
                inside, ops.logical_and(place >= 0, place < size)
            )
        return x * (1 - ops.cast(inside, x.dtype))

    def _integers(self, x, count):
        """A number from 0 to below `count` for each sample."""

        def draw(shape):
            return keras.random.randint(
                shape, 0, count, dtype="int32", seed=self.seed_generator
            )

        return drawn(draw, (ops.shape(x)[0], *(1,) * (len(x.shape) - 1)))

    @staticmethod
    def _along(values, axis, x):
        """Values laid along an axis of `x`."""
        shape = [1] * len(x.shape)
        shape[axis] = -1
        return ops.reshape(ops.cast(values, "int32"), shape)

    def get_config(self):
        config = super().get_config()
        config.update(
            policy=self.policy,
            translation=self.translation,
            cutout=self.cutout,
            seed=self.seed,
        )
        return config


def _rounded(number):
    """To the nearest whole number, halves up (Python's go to the even)."""
    return math.floor(number + 0.5)
