"""An adversary that comes in late, softly, and never louder than it may."""

import keras
from keras import ops

from keras_aegan.critics import judge
from keras_aegan.losses.adversarial import DataAdversarialLoss
from keras_aegan.losses.input_gradient import input_gradient
from keras_aegan.losses.loss import check_has_none
from keras_aegan.sharing import batch_size, whole


@keras.saving.register_keras_serializable(package="keras_aegan")
class ScheduledAdversarialLoss(DataAdversarialLoss):
    """`DataAdversarialLoss` on reconstructions, with a delayed, bounded weight.

    The discriminator learns from the first step; the creators pay nothing for
    it until `start`, and then a share that rises from 0 to 1 over `ramp`
    steps, so that they first meet a discriminator that knows its trade. What
    they pay is further multiplied with the ratio of the gradients that the
    reconstruction and the adversary send into the reconstructed data `x~`,

        min(|d|x - x~| / dx~| / (|d fooling / dx~| + 1e-4), max_ratio),

    a constant for the gradient, so that neither drowns the other. In the
    logs, beside the adversary's two terms: `discriminator_weight`.

    Args:
        formulation: as in `DataAdversarialLoss`; `"hinge"` by default.
        weight: what the creators multiply their term with.
        start: steps before the creators pay.
        ramp: steps over which their share rises, 1 or more.
        max_ratio: the most that the gradients' ratio may be; `None` to leave
            the ratio away.
        **kwargs: as in `DataAdversarialLoss`, without a cycle's weight.

    Example:

    ```python
    ScheduledAdversarialLoss(weight=0.5, start=2000, ramp=1000)
    ```

    Reference:
        - [Taming Transformers for High-Resolution Image Synthesis](
          https://arxiv.org/abs/2012.09841), equations 6 and 7
    """

    def __init__(
        self,
        formulation: str = "hinge",
        weight: float = 0.5,
        start: int = 0,
        ramp: int = 1,
        max_ratio: float | None = 10.0,
        fake: str = "reconstructed",
        **kwargs,
    ):
        remedy = "It judges reconstructions, and nothing else."
        check_has_none(self, kwargs, {"cycle_weight": remedy})
        super().__init__(formulation, weight, fake=fake, **kwargs)
        if formulation == "relativistic" or fake != "reconstructed":
            raise ValueError(
                "Expected a formulation other than 'relativistic', and "
                "fake='reconstructed': the weight follows the gradient at "
                f"reconstructions. Received: formulation={formulation!r}, "
                f"fake={fake!r}"
            )
        for argument, value, least in (("start", start, 0), ("ramp", ramp, 1)):
            if value != int(value) or value < least:
                raise ValueError(
                    f"Expected {argument} to be a whole number of steps, "
                    f"{least} or more. Received: {argument}={value}"
                )
        if max_ratio is not None and not max_ratio > 0:
            raise ValueError(
                "Expected a max_ratio above 0, or None. Received: "
                f"max_ratio={max_ratio}"
            )
        self.start = int(start)
        self.ramp = int(ramp)
        self.max_ratio = max_ratio

    def terms(self):
        return {**super().terms(), f"{self.name}_weight": {}}

    def values(self, rollout):
        values = super().values(rollout)
        since = ops.cast(rollout.step, "float32") - self.start
        share = ops.clip(since / self.ramp, 0.0, 1.0)
        if self.max_ratio is not None:
            share = share * self._ratio(rollout)
        values[f"{self.name}_fooling"] = values[f"{self.name}_fooling"] * share
        values[f"{self.name}_weight"] = share
        return values

    def _ratio(self, rollout):
        data = ops.cast(rollout.data, "float32")
        again = ops.cast(rollout.reconstructed, "float32")
        network = rollout.networks["discriminator"]

        def fooling(again):
            # State that the network changes leaves by another forward pass.
            own = [(variable, variable.value) for variable in network.variables]
            with keras.StatelessScope(own):
                scores = judge(network, again, rollout.training)["score"]
            return self._judged(scores, scores)[2]

        by_adversary = input_gradient(fooling, again)
        by_error = input_gradient(
            lambda again: ops.mean(ops.abs(again - data)), again
        )
        lengths = [_length(gradient) for gradient in (by_error, by_adversary)]
        ratio = lengths[0] / (lengths[1] + 1e-4)
        return ops.stop_gradient(ops.minimum(ratio, self.max_ratio))

    def get_config(self):
        config = super().get_config()
        del config["cycle_weight"]
        config.update(
            start=self.start, ramp=self.ramp, max_ratio=self.max_ratio
        )
        return config


def _length(gradient):
    """The norm, over the whole batch, of the gradient of a mean over rows."""
    rows, axes = ops.shape(gradient)[0], tuple(range(1, len(gradient.shape)))
    part = ops.cast(rows / batch_size(gradient), "float32")
    squares = ops.square(part * ops.cast(gradient, "float32"))
    return ops.sqrt(ops.sum(whole(ops.sum(squares, axis=axes))))
