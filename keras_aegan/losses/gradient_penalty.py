"""R1 and R2: the squared gradient of a discriminator at its inputs."""

import contextlib

import keras
from keras import ops

from keras_aegan.losses.input_gradient import input_gradient
from keras_aegan.losses.loss import Loss

_PLACES = {
    "discriminator": {"real": "data", "fake": "generated"},
    "latent_discriminator": {"real": "prior_codes", "fake": "codes"},
}


@contextlib.contextmanager
def _in_float32(network):
    """Lets a network compute in float32 whatever its policy is.

    Squared gradients overflow in float16 and lose their meaning in bfloat16.
    """
    layers = [
        layer
        for layer in network._flatten_layers()
        if layer.compute_dtype in ("float16", "bfloat16")
    ]
    policies = [layer.dtype_policy for layer in layers]
    try:
        for layer in layers:
            layer.dtype_policy = "float32"
        yield
    finally:
        for layer, policy in zip(layers, policies, strict=True):
            layer.dtype_policy = policy


class _GradientPenalty(Loss):
    place: str

    def __init__(
        self,
        gamma: float = 1.0,
        interval: int = 1,
        critic: str = "discriminator",
        name: str | None = None,
        **kwargs,
    ):
        if critic not in _PLACES:
            raise ValueError(
                f"Expected critic to be one of {sorted(_PLACES)}. Received: "
                f"critic={critic!r}"
            )
        kind = "r1" if self.place == "real" else "r2"
        prefix = "" if critic == "discriminator" else "latent_"
        super().__init__(name=name or prefix + kind, **kwargs)
        if not gamma >= 0:
            raise ValueError(
                f"Expected a gamma of 0 or more. Received: gamma={gamma}"
            )
        if interval != int(interval) or interval < 1:
            raise ValueError(
                "Expected interval to be a whole number of steps, 1 or more. "
                f"Received: interval={interval}"
            )
        self.gamma = float(gamma)
        self.interval = int(interval)
        self.critic = critic
        self.seats = (critic,)
        if self.place == "fake":
            creator = "generator" if critic == "discriminator" else "encoder"
            self.seats = (critic, creator)

    def terms(self):
        return {self.name: {self.critic: self.gamma / 2}}

    def values(self, rollout):
        network = rollout.networks[self.critic]
        inputs = ops.cast(
            getattr(rollout, _PLACES[self.critic][self.place]), "float32"
        )

        def penalty():
            # What the network changes in itself (noise seeds, spectral norms)
            # must not leave the inner gradient: another forward pass of the
            # same step does that.
            own = [(variable, variable.value) for variable in network.variables]
            with _in_float32(network), keras.StatelessScope(own):
                gradient = input_gradient(
                    lambda data: network(data, training=rollout.training),
                    inputs,
                )
            axes = tuple(range(1, len(gradient.shape)))
            return ops.mean(ops.sum(ops.square(gradient), axis=axes))

        if self.interval == 1 or not rollout.training:
            return {self.name: penalty()}
        due = rollout.is_due(self.interval)
        if isinstance(due, bool):
            value = self.interval * penalty() if due else ops.zeros(())
        else:
            value = ops.cond(
                due,
                lambda: self.interval * penalty(),
                lambda: ops.zeros((), "float32"),
            )
        return {self.name: value}

    def get_config(self):
        config = super().get_config()
        del config["weight"], config["players"]
        config.update(
            gamma=self.gamma, interval=self.interval, critic=self.critic
        )
        return config


@keras.saving.register_keras_serializable(package="keras_aegan")
class R1Penalty(_GradientPenalty):
    """The discriminator's squared gradient at real data.

    The discriminator pays `gamma / 2 * mean(|dD(x)/dx|^2)`, summed over the
    values of a sample, differentiated a second time with respect to its
    weights. It is always computed in float32. In the logs: `r1` (or
    `latent_r1`), without the factor `gamma / 2`; a lazy penalty's mean over an
    epoch is the penalty's own mean.

    Args:
        gamma: the penalty's weight; for images start at
            `0.0002 * side**2 / batch_size`.
        interval: compute it every `interval` steps and multiply it by
            `interval` there. 1 (default) is exact; 4 to 16 costs less.
        critic: `"discriminator"` (default) or `"latent_discriminator"`.
        name: the term's name, by default `"r1"` or `"latent_r1"`.

    Example:

    ```python
    R1Penalty(gamma=0.1, interval=4)
    ```

    Reference:
        - [Which Training Methods for GANs do actually Converge?](
          https://arxiv.org/abs/1801.04406), equation 9
        - [Analyzing and Improving the Image Quality of StyleGAN](
          https://arxiv.org/abs/1912.04958), section 3.1 (lazy)
    """

    place = "real"


@keras.saving.register_keras_serializable(package="keras_aegan")
class R2Penalty(_GradientPenalty):
    """The discriminator's squared gradient at fake samples.

    As `R1Penalty`, at `G(z)` for the discriminator of data and at `E(x)` for
    the one of codes. Together with the relativistic pairing loss and R1 it
    gives local convergence. In the logs: `r2` (or `latent_r2`).

    Args:
        gamma: the penalty's weight, usually R1's.
        interval: compute it every `interval` steps and multiply it by
            `interval` there. 1 (default) is exact; 4 to 16 costs less.
        critic: `"discriminator"` (default) or `"latent_discriminator"`.
        name: the term's name, by default `"r2"` or `"latent_r2"`.

    Example:

    ```python
    R2Penalty(gamma=0.1, interval=4)
    ```

    Reference:
        - [Which Training Methods for GANs do actually Converge?](
          https://arxiv.org/abs/1801.04406), equation 10
        - [The GAN is dead; long live the GAN! A Modern GAN Baseline](
          https://arxiv.org/abs/2501.05441), section 2
    """

    place = "fake"
