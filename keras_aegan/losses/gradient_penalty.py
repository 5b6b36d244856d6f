"""What keeps a critic smooth: its gradient at its inputs, penalised."""

import contextlib

import keras
from keras import ops

from keras_aegan.critics import judge
from keras_aegan.losses.input_gradient import input_gradient
from keras_aegan.losses.loss import Loss, check_has_none, path_of

#: What each critic judges: what is real, and the fakes that there may be.
_REAL = {"discriminator": "data", "latent_discriminator": "prior_codes"}
_FAKES = {
    "discriminator": ("generated", "reconstructed"),
    "latent_discriminator": ("codes", "recovered_codes"),
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


class _Penalty(Loss):
    """A mean over samples of some function of the critic's input gradient."""

    prefix: str
    factor: float  # of gamma

    def __init__(
        self,
        gamma: float = 1.0,
        interval: int = 1,
        critic: str = "discriminator",
        name: str | None = None,
        **kwargs,
    ):
        if critic not in _REAL:
            raise ValueError(
                f"Expected critic to be one of {sorted(_REAL)}. Received: "
                f"critic={critic!r}"
            )
        remedies = {
            "weight": "What the critic pays is multiplied with gamma.",
            "players": "The critic pays: choose it with critic.",
        }
        check_has_none(self, kwargs, remedies)
        place = "" if critic == "discriminator" else "latent_"
        super().__init__(name=name or place + self.prefix, **kwargs)
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

    @property
    def path(self):
        return set()  # The critic alone pays.

    def terms(self):
        return {self.name: {self.critic: self.factor * self.gamma}}

    def _points(self, rollout):
        """Where the gradient is taken."""
        raise NotImplementedError

    def _penalty(self, squares):
        """Of each sample's squared gradient, summed over its values."""
        return squares

    def values(self, rollout):
        network = rollout.networks[self.critic]

        points = ops.cast(self._points(rollout), "float32")

        def penalty():
            # What the network changes in itself (noise seeds, spectral norms)
            # must not leave the inner gradient: another forward pass of the
            # same step does that.
            own = [(variable, variable.value) for variable in network.variables]
            with _in_float32(network), keras.StatelessScope(own):
                gradient = input_gradient(
                    lambda data: judge(network, data, rollout.training)[
                        "score"
                    ],
                    points,
                )
            axes = tuple(range(1, len(gradient.shape)))
            squares = ops.sum(ops.square(gradient), axis=axes)
            return ops.mean(self._penalty(squares))

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
class R1Penalty(_Penalty):
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

    prefix = "r1"
    factor = 0.5

    def _points(self, rollout):
        return getattr(rollout, _REAL[self.critic])


class _AtFakes(_Penalty):
    """A penalty where fakes are."""

    def __init__(self, *args, fake: str | None = None, **kwargs):
        super().__init__(*args, **kwargs)
        kinds = _FAKES[self.critic]
        if fake not in (None, *kinds):
            raise ValueError(
                f"Expected fake to be one of {kinds} for the {self.critic}. "
                f"Received: fake={fake!r}"
            )
        self.fake = fake or kinds[0]
        # The prior need not be a network.
        self.seats += tuple(sorted(path_of(self.fake) - {"prior"}))

    def get_config(self):
        return {**super().get_config(), "fake": self.fake}


@keras.saving.register_keras_serializable(package="keras_aegan")
class R2Penalty(_AtFakes):
    """The discriminator's squared gradient at fake samples.

    As `R1Penalty`, by default at `G(z)` for the discriminator of data and at
    `E(x)` for the one of codes. Together with the relativistic pairing loss
    and R1 it gives local convergence. In the logs: `r2` (or `latent_r2`).

    Args:
        gamma: the penalty's weight, usually R1's.
        interval: compute it every `interval` steps and multiply it by
            `interval` there. 1 (default) is exact; 4 to 16 costs less.
        critic: `"discriminator"` (default) or `"latent_discriminator"`.
        name: the term's name, by default `"r2"` or `"latent_r2"`.
        fake: `"generated"` (default) or `"reconstructed"`, as the adversarial
            loss's; for codes `"codes"` (default) or `"recovered_codes"`.

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

    prefix = "r2"
    factor = 0.5

    def _points(self, rollout):
        return getattr(rollout, self.fake)


@keras.saving.register_keras_serializable(package="keras_aegan")
class GradientPenalty(_AtFakes):
    """The critic's gradient between real and fake, held at length 1 (WGAN-GP).

    The critic pays `gamma * mean((|dD(y)/dy| - 1)^2)` at points `y` drawn
    evenly on the line from each real sample to its fake. It is always
    computed in float32. In the logs: `gradient_penalty` (or
    `latent_gradient_penalty`), without the factor `gamma`.

    Args:
        gamma: the penalty's weight, 10 by default.
        interval: compute it every `interval` steps and multiply it by
            `interval` there; 1 (default) is exact.
        critic: `"discriminator"` (default) or `"latent_discriminator"`.
        name: the term's name, by default `"gradient_penalty"` or
            `"latent_gradient_penalty"`.
        fake: `"generated"` (default) or `"reconstructed"`, as the adversarial
            loss's; for codes `"codes"` (default) or `"recovered_codes"`.

    Example:

    ```python
    [DataAdversarialLoss("wasserstein"), GradientPenalty()]
    ```

    Reference:
        - [Improved Training of Wasserstein GANs](
          https://arxiv.org/abs/1704.00028), equation 3
    """

    prefix = "gradient_penalty"
    factor = 1.0

    def __init__(self, gamma: float = 10.0, **kwargs):
        super().__init__(gamma, **kwargs)

    def _points(self, rollout):
        real, fake = (
            ops.cast(getattr(rollout, place), "float32")
            for place in (_REAL[self.critic], self.fake)
        )
        ones = (1,) * (len(real.shape) - 1)
        share = 0.5 + 0.5 * rollout.draw("uniform", (ops.shape(real)[0], *ones))
        return share * real + (1.0 - share) * fake

    def _penalty(self, squares):
        # The root's own gradient is infinite at 0.
        return ops.square(ops.sqrt(squares + 1e-12) - 1.0)
