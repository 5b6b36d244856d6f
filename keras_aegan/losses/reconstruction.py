"""The cycles: data to code and back, code to data and back."""

import keras
from keras import ops

from keras_aegan.losses.distances import DISTANCES, check_distance
from keras_aegan.losses.loss import Loss, check_has_none, path_of


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
        self.distance = check_distance(distance)

    @property
    def path(self):
        return path_of(self.start, self.end)

    def terms(self):
        return {self.name: dict.fromkeys(self.creators, self.weight)}

    def values(self, rollout):
        start = ops.cast(getattr(rollout, self.start), "float32")
        end = ops.cast(getattr(rollout, self.end), "float32")
        return {self.name: DISTANCES[self.distance](start, end)}

    def get_config(self):
        config = super().get_config()
        config.update(distance=self.distance)
        return config


@keras.saving.register_keras_serializable(package="keras_aegan")
class ReconstructionLoss(_Cycle):
    """How far `G(E(x))` is from `x`, the mean over pixels and samples.

    Measured in the networks' range, -1 to 1. In the logs: `reconstruction`.

    Args:
        distance: `"mae"` (default), the mean absolute error; `"mse"`, the mean
            squared error; `"gaussian"`, half the squared error summed over a
            sample, which is what an evidence lower bound asks for; or
            `"cross_entropy"` per token, for text.
        weight: what the paying players multiply the term with.
        players: the seats that pay; by default encoder and generator.
            `("encoder",)` keeps the reconstruction's gradient from the
            generator.
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
        distance: `"mse"` (default), the mean squared error, or another of
            `ReconstructionLoss`'s.
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


@keras.saving.register_keras_serializable(package="keras_aegan")
class ReencodingLoss(_Cycle):
    """How far the second encoder's code of `G(E(x))` is from `E(x)`.

    What it learns of normal data fails on others: the distance is GANomaly's
    anomaly score. In the logs: `reencoding`.

    Args:
        distance: `"mse"` (default), the mean squared error, or another of
            `ReconstructionLoss`'s.
        weight: what the paying players multiply the term with.
        players: the seats that pay; by default both encoders and the
            generator.
        name: the term's name, by default `"reencoding"`.

    Example:

    ```python
    ReencodingLoss("mse", weight=1.0)
    ```

    Reference:
        - [GANomaly](https://arxiv.org/abs/1805.06725), equation 3
    """

    seats = ("encoder", "generator", "second_encoder")
    start = "codes"
    end = "second_codes"
    term = "reencoding"

    def __init__(
        self,
        distance: str = "mse",
        players: tuple[str, ...] | None = None,
        **kwargs,
    ):
        players = self.seats if players is None else players
        super().__init__(distance, players=players, **kwargs)


@keras.saving.register_keras_serializable(package="keras_aegan")
class FeatureReconstructionLoss(Loss):
    """How far the discriminator's features of `G(E(x))` are from those of `x`.

    The discriminator does not pay: its features are a measure here, not
    something to please. In the logs: `feature_reconstruction`.

    Args:
        distance: `"mse"` (default), `"mae"`, or `"gaussian"`, half the squared
            error summed over a sample's features (VAE/GAN's likelihood).
        weight: what the paying players multiply the term with.
        players: the seats that pay; by default encoder and generator.
        name: the term's name, by default `"feature_reconstruction"`.

    Example:

    ```python
    FeatureReconstructionLoss("gaussian", weight=0.1)
    ```

    Reference:
        - [Autoencoding beyond pixels using a learned similarity metric](
          https://arxiv.org/abs/1512.09300), equation 7
    """

    seats = ("encoder", "generator", "discriminator")
    needs = {"discriminator": "features"}
    beyond_scores = "features"

    def __init__(
        self,
        distance: str = "mse",
        weight: float = 1.0,
        players: tuple[str, ...] | None = None,
        name: str = "feature_reconstruction",
        **kwargs,
    ):
        super().__init__(weight=weight, players=players, name=name, **kwargs)
        self.distance = check_distance(distance)

    @property
    def path(self):
        return path_of("reconstructed")

    def terms(self):
        return {self.name: dict.fromkeys(self.creators, self.weight)}

    def values(self, rollout):
        start, end = (
            rollout.judgement("discriminator", what)["features"]
            for what in ("data", "reconstructed")
        )
        return {self.name: DISTANCES[self.distance](start, end)}

    def get_config(self):
        config = super().get_config()
        config.update(distance=self.distance)
        return config


@keras.saving.register_keras_serializable(package="keras_aegan")
class CriticReconstructionLoss(Loss):
    """How far the discriminator's own decoder is from the data it judged.

    The discriminator pays it, on data only, so that its features keep what is
    in a picture instead of the little that tells it from a fake. In the logs:
    `discriminator_reconstruction`.

    Args:
        distance: `"mse"` (default) or another of `ReconstructionLoss`'s.
        weight: what the discriminator multiplies the term with.
        name: the term's name, by default `"discriminator_reconstruction"`.

    Example:

    ```python
    CriticReconstructionLoss("mae")
    ```

    Reference:
        - [Towards Faster and Stabilized GAN Training for High-fidelity
          Few-shot Image Synthesis](https://arxiv.org/abs/2101.04775),
          equation 4
    """

    seats = ("discriminator",)
    needs = {"discriminator": "reconstruction"}

    def __init__(
        self,
        distance: str = "mse",
        weight: float = 1.0,
        name: str = "discriminator_reconstruction",
        **kwargs,
    ):
        check_has_none(self, kwargs, {"players": "The discriminator pays."})
        super().__init__(weight=weight, name=name, **kwargs)
        self.distance = check_distance(distance)

    @property
    def path(self):
        return set()  # The critic alone pays.

    def terms(self):
        return {self.name: {"discriminator": self.weight}}

    def values(self, rollout):
        judged = rollout.judgement("discriminator", "data")
        measure = DISTANCES[self.distance]
        return {self.name: measure(judged["seen"], judged["reconstruction"])}

    def get_config(self):
        config = super().get_config()
        del config["players"]
        config.update(distance=self.distance)
        return config
