"""What holds the distribution of codes to the prior, without a critic."""

import math

import keras
from keras import ops

from keras_aegan.losses.loss import Loss, path_of
from keras_aegan.sharing import whole

#: Of the kernel's width, as in Tolstikhin's code.
SCALES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


def kl_to_normal(mean, log_variance):
    """`KL(N(mean, variance) || N(0, 1))` of each sample, over its values.

    Args:
        mean: `(batch, *latent_shape)`.
        log_variance: `(batch, *latent_shape)`.

    Returns:
        `(batch,)`, in nats.
    """
    kl = ops.square(mean) + ops.exp(log_variance) - 1.0 - log_variance
    return 0.5 * ops.sum(kl, axis=tuple(range(1, len(kl.shape))))


@keras.saving.register_keras_serializable(package="keras_aegan")
class KLDivergenceLoss(Loss):
    """`KL(E(z|x) || N(0, 1))`, summed over a code, the mean over the batch.

    It needs an encoder that gives mean and log-variance. In the logs:
    `kl_divergence`, in nats.

    Args:
        weight: what the encoder multiplies the term with.
        players: the seats that pay; by default the encoder.
        name: the term's name, by default `"kl_divergence"`.

    Example:

    ```python
    KLDivergenceLoss(weight=1e-6)
    ```

    Reference:
        - [Auto-Encoding Variational Bayes](https://arxiv.org/abs/1312.6114),
          appendix B
    """

    seats = ("encoder",)
    needs = {"encoder": "log_variance"}

    def __init__(
        self,
        weight: float = 1.0,
        players: tuple[str, ...] | None = ("encoder",),
        name: str = "kl_divergence",
        **kwargs,
    ):
        super().__init__(weight=weight, players=players, name=name, **kwargs)

    @property
    def path(self):
        return path_of("codes")

    def terms(self):
        return {self.name: dict.fromkeys(self.creators, self.weight)}

    def values(self, rollout):
        return {self.name: ops.mean(kl_to_normal(**rollout.encoding("data")))}


@keras.saving.register_keras_serializable(package="keras_aegan")
class CodeNormLoss(Loss):
    """`|E(x)|^2 / 2`, the mean over the code's values and the batch.

    Without it nothing says how large the codes of a mere autoencoder are. In
    the logs: `code_norm`.

    Args:
        weight: what the encoder multiplies the term with.
        players: the seats that pay; by default the encoder.
        name: the term's name, by default `"code_norm"`.

    Example:

    ```python
    CodeNormLoss(weight=1e-3)
    ```

    Reference:
        - [From Variational to Deterministic Autoencoders](
          https://arxiv.org/abs/1903.12436), section 3
    """

    seats = ("encoder",)

    def __init__(
        self,
        weight: float = 1.0,
        players: tuple[str, ...] | None = ("encoder",),
        name: str = "code_norm",
        **kwargs,
    ):
        super().__init__(weight=weight, players=players, name=name, **kwargs)

    @property
    def path(self):
        return path_of("codes")

    def terms(self):
        return {self.name: dict.fromkeys(self.creators, self.weight)}

    def values(self, rollout):
        codes = ops.cast(rollout.codes, "float32")
        return {self.name: 0.5 * ops.mean(ops.square(codes))}


@keras.saving.register_keras_serializable(package="keras_aegan")
class MaximumMeanDiscrepancyLoss(Loss):
    """The distance of encoded codes to prior codes, by kernels (WAE-MMD).

    The unbiased estimate of the squared maximum mean discrepancy between the
    batch's `E(x)` and as many `z`, with inverse multiquadric kernels
    `C / (C + |a - b|^2)`, `C = s 2 d`, `d` the code's size, summed over seven
    scales `s` from 0.1 to 10. It can be below 0. In the logs: `mmd`.

    Args:
        weight: what the encoder multiplies the term with, 10 by default.
        players: the seats that pay; by default the encoder.
        name: the term's name, by default `"mmd"`.

    Example:

    ```python
    MaximumMeanDiscrepancyLoss(weight=10.0)
    ```

    Reference:
        - [Wasserstein Auto-Encoders](https://arxiv.org/abs/1711.01558),
          algorithm 2 and section 4
    """

    seats = ("encoder",)

    def __init__(
        self,
        weight: float = 10.0,
        players: tuple[str, ...] | None = ("encoder",),
        name: str = "mmd",
        **kwargs,
    ):
        super().__init__(weight=weight, players=players, name=name, **kwargs)

    @property
    def path(self):
        return path_of("codes", "prior_codes")

    def terms(self):
        return {self.name: dict.fromkeys(self.creators, self.weight)}

    def values(self, rollout):
        prior, codes = (
            ops.reshape(ops.cast(part, "float32"), (ops.shape(part)[0], -1))
            for part in (whole(rollout.prior_codes), whole(rollout.codes))
        )
        count = ops.cast(ops.shape(codes)[0], "float32")
        base = 2.0 * math.prod(rollout.codes.shape[1:])
        among = _squares(prior, prior), _squares(codes, codes)
        between = _squares(prior, codes)
        total = ops.zeros((), "float32")
        for scale in SCALES:
            c = scale * base
            for squares in among:
                # Without each sample's 1 with itself.
                kernel = ops.sum(c / (c + squares)) - count
                total = total + ops.divide_no_nan(kernel, count * (count - 1))
            total = total - 2.0 * ops.mean(c / (c + between))
        return {self.name: total}


def _squares(a, b):
    """The squared distance of each row of `a` to each of `b`."""
    cross = ops.matmul(a, ops.transpose(b))
    a, b = (ops.sum(ops.square(part), axis=1) for part in (a, b))
    return ops.maximum(a[:, None] + b[None, :] - 2.0 * cross, 0.0)
