"""The two cycles: data to code and back, code to data and back."""

import keras
from keras import ops

from keras_aegan.losses.loss import Loss

_DISTANCES = {"mae": ops.abs, "mse": ops.square}


class _Cycle(Loss):
    seats = ("encoder", "generator")
    start: str
    end: str
    term: str

    def __init__(
        self,
        distance: str,
        weight: float = 1.0,
        players: tuple[str, ...] | None = None,
        name: str | None = None,
        **kwargs,
    ):
        super().__init__(
            weight=weight, players=players, name=name or self.term, **kwargs
        )
        if distance not in _DISTANCES:
            raise ValueError(
                f"Expected distance to be one of {sorted(_DISTANCES)}. "
                f"Received: distance={distance!r}"
            )
        self.distance = distance

    def terms(self):
        return {self.name: dict.fromkeys(self.creators, self.weight)}

    def values(self, rollout):
        start = ops.cast(getattr(rollout, self.start), "float32")
        end = ops.cast(getattr(rollout, self.end), "float32")
        return {self.name: ops.mean(_DISTANCES[self.distance](end - start))}

    def get_config(self):
        config = super().get_config()
        config.update(distance=self.distance)
        return config


@keras.saving.register_keras_serializable(package="keras_aegan")
class ReconstructionLoss(_Cycle):
    """How far `G(E(x))` is from `x`, the mean over pixels and samples.

    Measured in the networks' range, -1 to 1. In the logs: `reconstruction`.

    Args:
        distance: `"mae"` (default), the mean absolute error, or `"mse"`, the
            mean squared error.
        weight: what the paying players multiply the term with.
        players: the seats that pay; by default encoder and generator.
        name: the term's name, by default `"reconstruction"`.

    Example:

    ```python
    ReconstructionLoss("mae", weight=10.0)
    ```

    Reference:
        - [Autoencoding Generative Adversarial Networks](
          https://arxiv.org/abs/2004.05472)
    """

    start = "data"
    end = "reconstructed"
    term = "reconstruction"

    def __init__(self, distance: str = "mae", **kwargs):
        super().__init__(distance, **kwargs)


@keras.saving.register_keras_serializable(package="keras_aegan")
class LatentReconstructionLoss(_Cycle):
    """How far `E(G(z))` is from `z`, the mean over the code's values.

    With a normal prior and `"mse"` it is the share of the code's variance
    that is lost: 1 means that the encoder ignores the code. In the logs:
    `latent_reconstruction`.

    Args:
        distance: `"mse"` (default), the mean squared error, or `"mae"`, the
            mean absolute error.
        weight: what the paying players multiply the term with.
        players: the seats that pay; by default encoder and generator.
        name: the term's name, by default `"latent_reconstruction"`.

    Example:

    ```python
    LatentReconstructionLoss("mse", weight=5.0)
    ```

    Reference:
        - [VEEGAN](https://arxiv.org/abs/1705.07761), section 3
        - [Autoencoding Generative Adversarial Networks](
          https://arxiv.org/abs/2004.05472)
    """

    start = "prior_codes"
    end = "recovered_codes"
    term = "latent_reconstruction"

    def __init__(self, distance: str = "mse", **kwargs):
        super().__init__(distance, **kwargs)
