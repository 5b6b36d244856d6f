"""The adversary: a discriminator of data or of codes, and those it judges."""

import keras
from keras import ops

from keras_aegan.losses.loss import Loss


def _non_saturating(real, fake, real_label, fake_label):
    """Binary cross-entropy on logits, each creator aiming at the label 1."""
    critic = ops.mean(ops.softplus(real) - real_label * real) + ops.mean(
        ops.softplus(fake) - fake_label * fake
    )
    return critic, ops.mean(ops.softplus(-fake))


def _relativistic(real, fake, real_label, fake_label):
    """Each fake is judged against the real sample it is paired with."""
    return (
        ops.mean(ops.softplus(fake - real)),
        ops.mean(ops.softplus(real - fake)),
    )


_FORMULATIONS = {
    "non_saturating": _non_saturating,
    "relativistic": _relativistic,
}


class _Adversarial(Loss):
    critic: str
    real: str
    fake: str
    cycled: str

    def __init__(
        self,
        formulation: str = "relativistic",
        weight: float = 1.0,
        cycle_weight: float = 0.0,
        real_label: float = 1.0,
        fake_label: float = 0.0,
        players: tuple[str, ...] | None = None,
        name: str | None = None,
        **kwargs,
    ):
        super().__init__(
            weight=weight, players=players, name=name or self.critic, **kwargs
        )
        if formulation not in _FORMULATIONS:
            raise ValueError(
                f"Expected formulation to be one of {sorted(_FORMULATIONS)}. "
                f"Received: formulation={formulation!r}"
            )
        if not cycle_weight >= 0:
            raise ValueError(
                "Expected a cycle_weight of 0 or more. Received: "
                f"cycle_weight={cycle_weight}"
            )
        if not 0 <= fake_label < real_label <= 1:
            raise ValueError(
                "Expected 0 <= fake_label < real_label <= 1. Received: "
                f"real_label={real_label}, fake_label={fake_label}"
            )
        if formulation == "relativistic" and (real_label, fake_label) != (1, 0):
            raise ValueError(
                "A relativistic loss compares scores and has no labels: leave "
                "real_label and fake_label away, or use "
                "formulation='non_saturating'. Received: "
                f"real_label={real_label}, fake_label={fake_label}"
            )
        self.formulation = formulation
        self.cycle_weight = float(cycle_weight)
        self.real_label = float(real_label)
        self.fake_label = float(fake_label)
        if cycle_weight:
            self.seats = (*self.seats, "encoder")

    def terms(self):
        return {
            f"{self.name}_adversarial": {self.critic: 1.0},
            f"{self.name}_fooling": dict.fromkeys(self.creators, self.weight),
        }

    def values(self, rollout):
        real = rollout.score(self.critic, self.real)
        judged = _FORMULATIONS[self.formulation]
        labels = self.real_label, self.fake_label
        critic, creators = judged(
            real, rollout.score(self.critic, self.fake), *labels
        )
        if self.cycle_weight:
            more_critic, more_creators = judged(
                real, rollout.score(self.critic, self.cycled), *labels
            )
            critic = critic + self.cycle_weight * more_critic
            creators = creators + self.cycle_weight * more_creators
        return {
            f"{self.name}_adversarial": critic,
            f"{self.name}_fooling": creators,
        }

    def get_config(self):
        config = super().get_config()
        config.update(
            formulation=self.formulation,
            cycle_weight=self.cycle_weight,
            real_label=self.real_label,
            fake_label=self.fake_label,
        )
        return config


@keras.saving.register_keras_serializable(package="keras_aegan")
class DataAdversarialLoss(_Adversarial):
    """The discriminator tells data from generated (and reconstructed) data.

    With scores `r = D(x)` and `f = D(G(z))`, and `sp` the softplus:

    * `"non_saturating"`: D pays `sp(r) - a r + sp(f) - b f` (the binary
      cross-entropy on logits, with the labels `a` for real and `b` for fake);
      the creators pay `sp(-f)`.
    * `"relativistic"` pairing: D pays `sp(f - r)`, the creators `sp(r - f)`;
      use it with `R1Penalty` and `R2Penalty`.

    With a `cycle_weight` the pair `D(x)`, `D(G(E(x)))` is added to both sides
    with that weight. In the logs: `discriminator_adversarial`,
    `discriminator_fooling`.

    Args:
        formulation: `"relativistic"` (default) or `"non_saturating"`.
        weight: what the creators multiply their term with.
        cycle_weight: weight of the pair with reconstructed data, 0 (default)
            for none.
        real_label: D's label for real data, up to 1; only non-saturating.
        fake_label: D's label for the others, from 0; only non-saturating.
        players: the seats that pay the creators' term; by default encoder,
            generator and a trainable prior.
        name: prefix of the terms' names, by default `"discriminator"`.

    Example:

    ```python
    DataAdversarialLoss("non_saturating", real_label=0.95, fake_label=0.05)
    ```

    Reference:
        - [Generative Adversarial Nets](https://arxiv.org/abs/1406.2661),
          section 3
        - [The GAN is dead; long live the GAN! A Modern GAN Baseline](
          https://arxiv.org/abs/2501.05441), equation 2
    """

    seats = ("discriminator", "generator")
    critic = "discriminator"
    real = "data"
    fake = "generated"
    cycled = "reconstructed"


@keras.saving.register_keras_serializable(package="keras_aegan")
class CodeAdversarialLoss(_Adversarial):
    """The latent discriminator tells prior codes from encoded ones.

    The formulations are those of `DataAdversarialLoss`, with scores
    `r = D(z)` of codes from the prior and `f = D(E(x))`. With a
    `cycle_weight` the pair `D(z)`, `D(E(G(z)))` is added. In the logs:
    `latent_discriminator_adversarial`, `latent_discriminator_fooling`.

    Args:
        formulation: `"relativistic"` (default) or `"non_saturating"`.
        weight: what the creators multiply their term with.
        cycle_weight: weight of the pair with recovered codes, 0 (default)
            for none.
        real_label: the label for prior codes, up to 1; only non-saturating.
        fake_label: the label for the others, from 0; only non-saturating.
        players: the seats that pay the creators' term; by default encoder,
            generator and a trainable prior.
        name: prefix of the terms' names, by default `"latent_discriminator"`.

    Example:

    ```python
    CodeAdversarialLoss("non_saturating", weight=0.1)
    ```

    Reference:
        - [Adversarial Autoencoders](https://arxiv.org/abs/1511.05644),
          section 2
    """

    seats = ("latent_discriminator", "encoder")
    critic = "latent_discriminator"
    real = "prior_codes"
    fake = "codes"
    cycled = "recovered_codes"
