"""The encoder as the discriminator: it judges by its own evidence bound.

With `x~ = G(E(x))`, `x^ = G(z)`, `R(a, b)` the squared error summed over a
sample's values, `KL(a)` that of `E(a)` to the prior, and `s` one over the
number of values in a sample.
"""

import math

import keras
from keras import ops

from keras_aegan.losses.codes import kl_to_normal
from keras_aegan.losses.loss import Loss, check_has_none

_FAKES = ("reconstructed", "generated")


def _squared_error(a, b):
    """Of each sample, summed over its values."""
    error = ops.square(ops.cast(a, "float32") - ops.cast(b, "float32"))
    return ops.sum(error, axis=tuple(range(1, len(error.shape))))


def _scale(rollout):
    return 1.0 / math.prod(rollout.data.shape[1:])


class _Introspective(Loss):
    seats = ("encoder", "generator")
    needs = {"encoder": "log_variance"}
    player: str

    def __init__(self, weights: dict, name: str | None = None, **kwargs):
        remedies = {
            "weight": f"Its parts have weights of their own: {[*weights]}.",
            "players": f"The {self.player} pays.",
        }
        check_has_none(self, kwargs, remedies)
        super().__init__(name=name or f"introspective_{self.player}", **kwargs)
        for argument, value in weights.items():
            if not value >= 0:
                raise ValueError(
                    f"Expected a {argument} of 0 or more. Received: "
                    f"{argument}={value}"
                )
            setattr(self, argument, float(value))
        self._arguments = tuple(weights)

    def get_config(self):
        config = super().get_config()
        del config["weight"], config["players"]
        config.update({name: getattr(self, name) for name in self._arguments})
        return config


@keras.saving.register_keras_serializable(package="keras_aegan")
class IntrospectiveEncoderLoss(_Introspective):
    """The encoder explains data and refuses to explain fakes.

        s (b_rec mean R(x, x~) + b_kl mean KL(x))
        + 1/4 sum over v in (x~, x^) of
              mean exp(-2 s (b_rec R(v, G(E(v))) + b_neg KL(v)))

    The fakes are given to the encoder, as data are. In the logs:
    `introspective_encoder`, and `kl_real` and `kl_fake` (the mean over both
    kinds of fakes), of which the second should be the larger.

    Args:
        reconstruction_weight: `b_rec`, 1 by default.
        kl_weight: `b_kl`, 1 by default.
        negative_kl_weight: `b_neg`, 256 by default; raise it where `kl_fake`
            stays below `kl_real`, or where NaN comes up.
        name: the term's name.

    Example:

    ```python
    [IntrospectiveEncoderLoss(), IntrospectiveGeneratorLoss()]
    ```

    Reference:
        - [Soft-IntroVAE](https://arxiv.org/abs/2012.13253), equation 2
    """

    player = "encoder"

    def __init__(
        self,
        reconstruction_weight: float = 1.0,
        kl_weight: float = 1.0,
        negative_kl_weight: float = 256.0,
        **kwargs,
    ):
        weights = {
            "reconstruction_weight": reconstruction_weight,
            "kl_weight": kl_weight,
            "negative_kl_weight": negative_kl_weight,
        }
        super().__init__(weights, **kwargs)

    def terms(self):
        return {self.name: {"encoder": 1.0}, "kl_real": {}, "kl_fake": {}}

    def values(self, rollout):
        scale = _scale(rollout)
        error = ops.mean(_squared_error(rollout.data, rollout.reconstructed))
        kl_real = ops.mean(kl_to_normal(**rollout.encoding("data")))
        explained, kls = [], []
        for what in _FAKES:
            fake = ops.stop_gradient(getattr(rollout, what))
            encoding = rollout.encode(fake)
            again = rollout.call("generator", rollout.sample(**encoding))
            kl = kl_to_normal(**encoding)
            bound = (
                self.reconstruction_weight * _squared_error(fake, again)
                + self.negative_kl_weight * kl
            )
            explained.append(ops.mean(ops.exp(-2.0 * scale * bound)))
            kls.append(ops.mean(kl))
        bound = self.reconstruction_weight * error + self.kl_weight * kl_real
        return {
            self.name: scale * bound + 0.25 * sum(explained),
            "kl_real": kl_real,
            "kl_fake": 0.5 * sum(kls),
        }


@keras.saving.register_keras_serializable(package="keras_aegan")
class IntrospectiveGeneratorLoss(_Introspective):
    """The generator reconstructs data, and its fakes should be explained.

        s (b_rec mean R(x, x~) + b_kl / 2 sum over v in (x~, x^) of mean KL(v)
           + g_r b_rec / 2 sum over v of mean R(v, G(E(v))))

    In the last sum `v` and `E(v)` are given. In the logs:
    `introspective_generator`.

    Args:
        reconstruction_weight: `b_rec`, 1 by default.
        kl_weight: `b_kl`, 1 by default.
        fake_reconstruction_weight: `g_r`, 1e-8 by default.
        name: the term's name.

    Example:

    ```python
    [IntrospectiveEncoderLoss(), IntrospectiveGeneratorLoss()]
    ```

    Reference:
        - [Soft-IntroVAE](https://arxiv.org/abs/2012.13253), equation 2
    """

    player = "generator"

    def __init__(
        self,
        reconstruction_weight: float = 1.0,
        kl_weight: float = 1.0,
        fake_reconstruction_weight: float = 1e-8,
        **kwargs,
    ):
        weights = {
            "reconstruction_weight": reconstruction_weight,
            "kl_weight": kl_weight,
            "fake_reconstruction_weight": fake_reconstruction_weight,
        }
        super().__init__(weights, **kwargs)

    def terms(self):
        return {self.name: {"generator": 1.0}}

    def values(self, rollout):
        error = ops.mean(_squared_error(rollout.data, rollout.reconstructed))
        kls, errors = [], []
        for what in _FAKES:
            encoding = rollout.encoding(what)
            kls.append(ops.mean(kl_to_normal(**encoding)))
            codes = ops.stop_gradient(rollout.sample(**encoding))
            fake = ops.stop_gradient(getattr(rollout, what))
            again = rollout.call("generator", codes)
            errors.append(ops.mean(_squared_error(fake, again)))
        b_rec, b_kl = self.reconstruction_weight, self.kl_weight
        kept = self.fake_reconstruction_weight * b_rec
        bound = b_rec * error + 0.5 * (b_kl * sum(kls) + kept * sum(errors))
        return {self.name: _scale(rollout) * bound}
