"""The adversary: a critic of data, of codes or of pairs, and who it judges."""

import dataclasses
from collections.abc import Callable

import keras
from keras import ops

from keras_aegan.losses.loss import Loss, path_of


@dataclasses.dataclass(frozen=True)
class _Formulation:
    """What a critic pays for a real and for a fake, and a creator for a fake.

    Functions of a score and, for the critic, its label.
    """

    real: Callable
    fake: Callable
    fooling: Callable


def _cross_entropy(score, label):
    return ops.softplus(score) - label * score


def _half_square(score, label):
    return 0.5 * ops.square(score - label)


_FORMULATIONS = {
    "non_saturating": _Formulation(
        _cross_entropy, _cross_entropy, lambda fake: ops.softplus(-fake)
    ),
    "density_ratio": _Formulation(
        _cross_entropy, _cross_entropy, lambda fake: -fake
    ),
    "least_squares": _Formulation(
        _half_square, _half_square, lambda fake: _half_square(fake, 1.0)
    ),
    "hinge": _Formulation(
        lambda real, _: ops.relu(1.0 - real),
        lambda fake, _: ops.relu(1.0 + fake),
        lambda fake: -fake,
    ),
    "wasserstein": _Formulation(
        lambda real, _: -real, lambda fake, _: fake, lambda fake: -fake
    ),
}
_NAMES = ("relativistic", *_FORMULATIONS)
_WITH_LABELS = ("non_saturating", "density_ratio", "least_squares")


class _Adversarial(Loss):
    critic: str
    real: str | tuple[str, ...]
    fake: str | tuple[str, ...]

    def __init__(
        self,
        formulation: str = "relativistic",
        weight: float = 1.0,
        real_label: float = 1.0,
        fake_label: float = 0.0,
        players: tuple[str, ...] | None = None,
        name: str | None = None,
        **kwargs,
    ):
        super().__init__(
            weight=weight, players=players, name=name or self.critic, **kwargs
        )
        if formulation not in _NAMES:
            raise ValueError(
                f"Expected formulation to be one of {sorted(_NAMES)}. "
                f"Received: formulation={formulation!r}"
            )
        if not 0 <= fake_label < real_label <= 1:
            raise ValueError(
                "Expected 0 <= fake_label < real_label <= 1. Received: "
                f"real_label={real_label}, fake_label={fake_label}"
            )
        if formulation not in _WITH_LABELS and (real_label, fake_label) != (
            1,
            0,
        ):
            raise ValueError(
                f"A {formulation} loss compares scores and has no labels: "
                "leave real_label and fake_label away, or use "
                "formulation='non_saturating'. Received: "
                f"real_label={real_label}, fake_label={fake_label}"
            )
        self.formulation = formulation
        self.real_label = float(real_label)
        self.fake_label = float(fake_label)

    def terms(self):
        return {
            f"{self.name}_adversarial": {self.critic: 1.0},
            f"{self.name}_fooling": dict.fromkeys(self.creators, self.weight),
        }

    @property
    def mutual(self) -> bool:
        """Whether what is judged as real is created too, and pays as well."""
        return False

    @property
    def path(self):
        return path_of(*self._judged_of_creators())

    def _judged_of_creators(self):
        """What the creators' term is about."""
        found = [self.fake, self.real] if self._compares() else [self.fake]
        return [
            part
            for what in found
            for part in ((what,) if isinstance(what, str) else what)
        ]

    def _compares(self):
        """Whether the creators' term is about what is judged as real too."""
        return self.mutual or self.formulation == "relativistic"

    def _is_alone(self, rollout):
        """Whether the creators move alone, and pay for fakes alone."""
        return self.critic in rollout.waiting and not self._compares()

    def _fooling(self, rollout, what):
        """What the creators pay for a fake that nothing is compared with."""
        pays = _FORMULATIONS[self.formulation].fooling
        return ops.mean(pays(rollout.score(self.critic, what)))

    def _judged(self, real, fake):
        """What the critic pays for a real and for a fake, and the creators."""
        if self.formulation == "relativistic":
            # Each fake is judged against the real sample it is paired with.
            critic = ops.mean(ops.softplus(fake - real))
            return 0.0, critic, ops.mean(ops.softplus(real - fake))
        pays = _FORMULATIONS[self.formulation]
        if self.mutual:
            swapped = pays.real(fake, 1.0), pays.fake(real, 0.0)
            fooling = sum(map(ops.mean, swapped))
        else:
            fooling = ops.mean(pays.fooling(fake))
        return (
            ops.mean(pays.real(real, self.real_label)),
            ops.mean(pays.fake(fake, self.fake_label)),
            fooling,
        )

    def values(self, rollout):
        if self._is_alone(rollout):
            return {f"{self.name}_fooling": self._fooling(rollout, self.fake)}
        on_real, on_fake, fooling = self._judged(
            rollout.score(self.critic, self.real),
            rollout.score(self.critic, self.fake),
        )
        return {
            f"{self.name}_adversarial": on_real + on_fake,
            f"{self.name}_fooling": fooling,
        }

    def get_config(self):
        config = super().get_config()
        config.update(
            formulation=self.formulation,
            real_label=self.real_label,
            fake_label=self.fake_label,
        )
        return config


class _Cycled(_Adversarial):
    """An adversary that may judge a second fake: what went round the cycle."""

    cycled: str

    def __init__(
        self,
        formulation: str = "relativistic",
        weight: float = 1.0,
        cycle_weight: float = 0.0,
        real_weight: float | None = None,
        **kwargs,
    ):
        super().__init__(formulation, weight, **kwargs)
        if not cycle_weight >= 0:
            raise ValueError(
                "Expected a cycle_weight of 0 or more. Received: "
                f"cycle_weight={cycle_weight}"
            )
        if real_weight is not None and (
            formulation == "relativistic" or not real_weight > 0
        ):
            raise ValueError(
                "Expected a real_weight above 0, or None for one real sample "
                "to each fake, as the relativistic formulation pairs them. "
                f"Received: real_weight={real_weight}, "
                f"formulation={formulation!r}"
            )
        self.cycle_weight = float(cycle_weight)
        self.real_weight = real_weight
        if cycle_weight:
            self.seats = (*self.seats, "encoder")

    def _judged_of_creators(self):
        cycled = [self.cycled] if self.cycle_weight else []
        return super()._judged_of_creators() + cycled

    def values(self, rollout):
        if self._is_alone(rollout):
            fooling = self._fooling(rollout, self.fake)
            if self.cycle_weight:
                more = self._fooling(rollout, self.cycled)
                fooling = fooling + self.cycle_weight * more
            return {f"{self.name}_fooling": fooling}
        real = rollout.score(self.critic, self.real)
        on_real, on_fake, fooling = self._judged(
            real, rollout.score(self.critic, self.fake)
        )
        if self.cycle_weight:
            _, on_cycled, more = self._judged(
                real, rollout.score(self.critic, self.cycled)
            )
            on_fake = on_fake + self.cycle_weight * on_cycled
            fooling = fooling + self.cycle_weight * more
        real_weight = self.real_weight or 1.0 + self.cycle_weight
        return {
            f"{self.name}_adversarial": real_weight * on_real + on_fake,
            f"{self.name}_fooling": fooling,
        }

    def get_config(self):
        config = super().get_config()
        config.update(
            cycle_weight=self.cycle_weight, real_weight=self.real_weight
        )
        return config


@keras.saving.register_keras_serializable(package="keras_aegan")
class DataAdversarialLoss(_Cycled):
    """The discriminator tells data from generated (and reconstructed) data.

    With scores `r = D(x)` and `f = D(G(z))`, and `sp` the softplus:

    | formulation | D pays | the creators pay |
    |---|---|---|
    | `"relativistic"` | `sp(f - r)`, in pairs | `sp(r - f)` |
    | `"non_saturating"` | `sp(r) - a r + sp(f) - b f` | `sp(-f)` |
    | `"density_ratio"` | as `"non_saturating"` | `-f` |
    | `"least_squares"` | `(r - a)^2 / 2 + (f - b)^2 / 2` | `(f - 1)^2 / 2` |
    | `"hinge"` | `max(0, 1 - r) + max(0, 1 + f)` | `-f` |
    | `"wasserstein"` | `f - r` | `-f` |

    with the labels `a` for real and `b` for fake. Use the relativistic one with
    `R1Penalty` and `R2Penalty`, Wasserstein's with `GradientPenalty`. A
    discriminator that is an autoencoder scores minus its squared error.

    With a `cycle_weight` the pair `D(x)`, `D(G(E(x)))` is added to both sides
    with that weight. In the logs: `discriminator_adversarial`,
    `discriminator_fooling`.

    Args:
        formulation: see above; `"relativistic"` by default.
        weight: what the creators multiply their term with.
        cycle_weight: weight of the pair with reconstructed data, 0 (default)
            for none.
        real_weight: weight of the part on real data beside the fakes'; by
            default one real to each fake, `1 + cycle_weight`.
        fake: `"generated"` (default), or `"reconstructed"` for a model whose
            only fakes are reconstructions.
        real_label: D's label for real data, up to 1.
        fake_label: D's label for the others, from 0.
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
        - [Variational Approaches for Auto-Encoding GANs](
          https://arxiv.org/abs/1706.04987), section 3 (density ratio)
        - [Least Squares GANs](https://arxiv.org/abs/1611.04076), equation 9
        - [Geometric GAN](https://arxiv.org/abs/1705.02894) (hinge)
        - [Wasserstein GAN](https://arxiv.org/abs/1701.07875), equation 3
    """

    critic = "discriminator"
    real = "data"
    cycled = "reconstructed"

    def __init__(
        self,
        formulation: str = "relativistic",
        weight: float = 1.0,
        cycle_weight: float = 0.0,
        fake: str = "generated",
        **kwargs,
    ):
        if fake not in ("generated", "reconstructed"):
            raise ValueError(
                "Expected fake to be 'generated' or 'reconstructed'. Received: "
                f"fake={fake!r}"
            )
        self.seats = ("discriminator", "generator")
        if fake == "reconstructed":
            self.seats = (*self.seats, "encoder")
        super().__init__(formulation, weight, cycle_weight, **kwargs)
        self.fake = fake

    def get_config(self):
        return {**super().get_config(), "fake": self.fake}


@keras.saving.register_keras_serializable(package="keras_aegan")
class CodeAdversarialLoss(_Cycled):
    """The latent discriminator tells prior codes from encoded ones.

    The formulations are those of `DataAdversarialLoss`, with scores
    `r = D(z)` of codes from the prior and `f = D(E(x))`. With a
    `cycle_weight` the pair `D(z)`, `D(E(G(z)))` is added. In the logs:
    `latent_discriminator_adversarial`, `latent_discriminator_fooling`.

    Args:
        formulation: see `DataAdversarialLoss`; `"relativistic"` by default.
        weight: what the creators multiply their term with.
        cycle_weight: weight of the pair with recovered codes, 0 (default)
            for none.
        real_weight: weight of the part on real codes beside the fakes'; by
            default one real to each fake, `1 + cycle_weight`.
        real: `"prior_codes"` (default), which makes the encoder follow the
            prior, or `"codes"`, which makes a trained prior follow the
            encoder. An encoder that pays then meets the prior half-way: the
            creators pay what the critic would if the kinds changed places.
        real_label: the label for real codes, up to 1.
        fake_label: the label for the others, from 0.
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
        - [Adversarially Regularized Autoencoders](
          https://arxiv.org/abs/1706.04223), section 3 (`real="codes"`)
    """

    critic = "latent_discriminator"
    cycled = "recovered_codes"

    def __init__(
        self,
        formulation: str = "relativistic",
        weight: float = 1.0,
        cycle_weight: float = 0.0,
        real: str = "prior_codes",
        **kwargs,
    ):
        if real not in ("prior_codes", "codes"):
            raise ValueError(
                "Expected real to be 'prior_codes' or 'codes'. Received: "
                f"real={real!r}"
            )
        self.seats = ("latent_discriminator", "encoder")
        super().__init__(formulation, weight, cycle_weight, **kwargs)
        self.real = real
        self.fake = "codes" if real == "prior_codes" else "prior_codes"

    @property
    def mutual(self):
        return self.real == "codes" and "encoder" in self.creators

    def get_config(self):
        return {**super().get_config(), "real": self.real}


@keras.saving.register_keras_serializable(package="keras_aegan")
class JointAdversarialLoss(_Adversarial):
    """A critic tells pairs `(x, E(x))` from pairs `(G(z), z)`.

    The critic sits in the latent discriminator's seat and has two inputs,
    data and code. Encoder and generator both pay for being told apart: with
    `r` and `f` its scores of the two kinds of pairs, they pay what the critic
    would pay if the kinds changed places, `sp(r) + sp(-f)` for
    `"non_saturating"`. Where nobody can tell them apart, the encoder inverts
    the generator. In the logs: `latent_discriminator_adversarial`,
    `latent_discriminator_fooling`.

    Args:
        formulation: see `DataAdversarialLoss`; `"non_saturating"` by default.
        weight: what the creators multiply their term with.
        real_label: the label for `(x, E(x))`, up to 1.
        fake_label: the label for `(G(z), z)`, from 0.
        players: the seats that pay the creators' term; by default encoder,
            generator and a trainable prior.
        name: prefix of the terms' names, by default `"latent_discriminator"`.

    Example:

    ```python
    JointAdversarialLoss()
    ```

    Reference:
        - [Adversarially Learned Inference](https://arxiv.org/abs/1606.00704),
          equation 2
        - [Adversarial Feature Learning](https://arxiv.org/abs/1605.09782),
          equation 3
    """

    seats = ("latent_discriminator", "encoder", "generator")
    critic = "latent_discriminator"
    inputs = 2
    real = ("data", "codes")
    fake = ("generated", "prior_codes")

    def __init__(self, formulation: str = "non_saturating", **kwargs):
        super().__init__(formulation, **kwargs)

    @property
    def mutual(self):
        return True
