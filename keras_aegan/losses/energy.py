"""The adversary that is an autoencoder: it reconstructs data, and not fakes.

Its energy of a sample `v` is its reconstruction error `|D(v) - v|`, the mean
over the sample's values: low means real.
"""

import keras
from keras import ops

from keras_aegan.losses.loss import Loss, path_of
from keras_aegan.sharing import whole


def _energy(error):
    """Each sample's energy, of a judgement."""

    def energy(judged):
        errors = judged["reconstruction"] - judged["seen"]
        axes = tuple(range(1, len(errors.shape)))
        return ops.mean(error(errors), axis=axes)

    return energy


_ENERGIES = {"mae": _energy(ops.abs), "mse": _energy(ops.square)}
_FAKES = ("generated", "reconstructed")


class _Energy(Loss):
    needs = {"discriminator": "reconstruction"}

    def __init__(
        self,
        distance: str,
        weight: float = 1.0,
        fake: str = "generated",
        players: tuple[str, ...] | None = None,
        name: str = "discriminator",
        **kwargs,
    ):
        super().__init__(weight=weight, players=players, name=name, **kwargs)
        if distance not in _ENERGIES:
            raise ValueError(
                f"Expected distance to be one of {sorted(_ENERGIES)}. "
                f"Received: distance={distance!r}"
            )
        if fake not in _FAKES:
            raise ValueError(
                f"Expected fake to be one of {_FAKES}. Received: fake={fake!r}"
            )
        self.distance = distance
        self.fake = fake
        self.seats = ("discriminator", "generator")
        if fake == "reconstructed":
            self.seats = (*self.seats, "encoder")

    @property
    def path(self):
        return path_of(self.fake)

    def terms(self):
        return {
            f"{self.name}_adversarial": {"discriminator": 1.0},
            f"{self.name}_fooling": dict.fromkeys(self.creators, self.weight),
            f"{self.name}_real_energy": {},
        }

    def _energy(self, rollout, what):
        """Each sample's energy."""
        energy = _ENERGIES[self.distance]
        return rollout.verdict("discriminator", what, energy)

    def _energies(self, rollout):
        return (
            self._energy(rollout, "data"),
            self._energy(rollout, self.fake),
        )

    def _is_alone(self, rollout):
        """Whether the creators move alone, who pay for fakes alone."""
        return "discriminator" in rollout.waiting

    def _fooling(self, rollout):
        """What the creators pay."""
        energy = ops.mean(self._energy(rollout, self.fake))
        return {f"{self.name}_fooling": energy}

    def _named(self, adversarial, fooling, real_energy):
        return {
            f"{self.name}_adversarial": adversarial,
            f"{self.name}_fooling": fooling,
            f"{self.name}_real_energy": real_energy,
        }

    def _named_own(self, term):
        """A term's name, by which two losses of the kind are told apart."""
        is_only = self.name == "discriminator"
        return term if is_only else f"{self.name}_{term}"

    def _state(self, name, value):
        return self.add_weight(
            (),
            keras.initializers.Constant(value),
            dtype="float32",  # In bfloat16 a count of steps ends at 256.
            trainable=False,
            name=name,
        )

    def get_config(self):
        config = super().get_config()
        config.update(distance=self.distance, fake=self.fake)
        return config


@keras.saving.register_keras_serializable(package="keras_aegan")
class MarginEnergyLoss(_Energy):
    """Low energy for data, at least the margin for each fake (EBGAN).

    With the energy `D(v)` of a sample and the margin `m`:

        the discriminator pays  mean D(x) + mean max(0, m - D(G(z)))
        the creators pay        mean D(G(z)) + w f_PT

    The hinge is each sample's own. `f_PT`, the pulling-away term, is the mean
    squared cosine between the discriminator's codes of different fakes in the
    batch; it keeps them from being all alike. In the logs:
    `discriminator_adversarial`, `discriminator_fooling` (the fakes' energy),
    `discriminator_real_energy`, `pulling_away`.

    Args:
        margin: the energy asked of fakes, above 0, in units of the energy: a
            mean over the sample's values, in -1 to 1 (a margin for sums over
            pixels is as many times larger). Data's energy should end well
            below it.
        distance: `"mse"` (default) or `"mae"`.
        pulling_away: weight of the pulling-away term, 0 for none. It needs a
            discriminator that gives its code as `"features"`.
        weight: what the creators multiply the fakes' energy with.
        fake: `"generated"` (default) or `"reconstructed"`.
        players: the seats that pay as creators.
        name: prefix of the terms' names, by default `"discriminator"`.

    Example:

    ```python
    MarginEnergyLoss(margin=0.5, pulling_away=0.1)
    ```

    Reference:
        - [Energy-based Generative Adversarial Network](
          https://arxiv.org/abs/1609.03126), equations 1, 2 and 4
    """

    def __init__(
        self,
        margin: float,
        distance: str = "mse",
        pulling_away: float = 0.1,
        **kwargs,
    ):
        super().__init__(distance, **kwargs)
        if not margin > 0:
            raise ValueError(
                f"Expected a margin above 0. Received: margin={margin}"
            )
        if not pulling_away >= 0:
            raise ValueError(
                "Expected a pulling_away weight of 0 or more. Received: "
                f"pulling_away={pulling_away}"
            )
        self.margin = float(margin)
        self.pulling_away = float(pulling_away)
        if pulling_away:
            self.needs = {"discriminator": ("reconstruction", "features")}
            self.beyond_scores = "features"

    def terms(self):
        terms = super().terms()
        if self.pulling_away:
            terms[self._named_own("pulling_away")] = dict.fromkeys(
                self.creators, self.pulling_away
            )
        return terms

    def values(self, rollout):
        if self._is_alone(rollout):
            values = self._fooling(rollout)
        else:
            real, fake = self._energies(rollout)
            values = self._named(
                ops.mean(real) + ops.mean(ops.relu(self.margin - fake)),
                ops.mean(fake),
                ops.mean(real),
            )
        if self.pulling_away:
            judged = rollout.judgement("discriminator", self.fake)
            term = self._named_own("pulling_away")
            values[term] = pulling_away(whole(judged["features"]))
        return values

    def get_config(self):
        config = super().get_config()
        config.update(margin=self.margin, pulling_away=self.pulling_away)
        return config


def pulling_away(codes):
    """The mean squared cosine between different samples' codes.

    Args:
        codes: `(batch, ...)`, flattened to a vector each.

    Returns:
        A scalar from 0 (all at right angles) to 1 (all alike).
    """
    count = ops.shape(codes)[0]
    codes = ops.reshape(codes, (count, -1))
    squares = ops.sum(ops.square(codes), axis=1, keepdims=True)
    # The root's own gradient is infinite at 0, where a code may be: all ReLU.
    lengths = ops.sqrt(ops.where(ops.equal(squares, 0.0), 1.0, squares))
    codes = codes / ops.maximum(lengths, 1e-8)
    cosines = ops.square(ops.matmul(codes, ops.transpose(codes)))
    own = ops.sum(ops.square(ops.sum(ops.square(codes), axis=1)))
    pairs = ops.cast(count * (count - 1), "float32")
    return ops.divide_no_nan(ops.sum(cosines) - own, pairs)


@keras.saving.register_keras_serializable(package="keras_aegan")
class EquilibriumEnergyLoss(_Energy):
    """A balance between the energies of data and of fakes (BEGAN).

    With the energy `L(v)`, the share `k` and the ratio `gamma`:

        the discriminator pays  L(x) - k L(G(z))
        the creators pay        L(G(z))
        after each step         k <- clip(k + rate (gamma L(x) - L(G(z))), 0, 1)

    `k` is a variable: it is carried by every backend, saved and restored. In
    the logs, beside `discriminator_adversarial`, `discriminator_fooling` (the
    fakes' energy) and `discriminator_real_energy`: `k`, and `m_global`,
    `L(x) + |gamma L(x) - L(G(z))|`, which falls as the game converges.

    Args:
        gamma: ratio of the fakes' energy to the data's, in (0, 1]; lower
            means better pictures and fewer kinds of them. Defaults to `0.5`.
        rate: how fast `k` moves, `0.001` by default.
        distance: `"mae"` (default) or `"mse"`.
        weight: what the creators multiply the fakes' energy with.
        fake: `"generated"` (default) or `"reconstructed"`.
        players: the seats that pay as creators.
        name: prefix of the terms' names, by default `"discriminator"`.

    Example:

    ```python
    EquilibriumEnergyLoss(gamma=0.7)
    ```

    Reference:
        - [BEGAN](https://arxiv.org/abs/1703.10717), sections 3.3 and 3.4
    """

    def __init__(
        self,
        gamma: float = 0.5,
        rate: float = 0.001,
        distance: str = "mae",
        **kwargs,
    ):
        super().__init__(distance, **kwargs)
        if not 0 < gamma <= 1:
            raise ValueError(
                f"Expected gamma in (0, 1]. Received: gamma={gamma}"
            )
        if not rate > 0:
            raise ValueError(f"Expected a rate above 0. Received: rate={rate}")
        self.gamma = float(gamma)
        self.rate = float(rate)
        self.k = self._state("k", 0.0)

    def terms(self):
        own = ("k", "m_global")
        return {**super().terms(), **{self._named_own(t): {} for t in own}}

    def values(self, rollout):
        if self._is_alone(rollout):
            return self._fooling(rollout)
        # The balance is that of means over the whole batch.
        energies = whole(ops.stack(self._energies(rollout), axis=1))
        real, fake = ops.unstack(ops.mean(energies, axis=0), 2)
        k = self.k + 0.0
        return {
            **self._named(real - k * fake, fake, real),
            self._named_own("k"): k,
            self._named_own("m_global"): real
            + ops.abs(self.gamma * real - fake),
        }

    def after_step(self, values):
        real = values[f"{self.name}_real_energy"]
        fake = values[f"{self.name}_fooling"]
        moved = self.k + self.rate * (self.gamma * real - fake)
        self.k.assign(ops.clip(moved, 0.0, 1.0))

    def get_config(self):
        config = super().get_config()
        config.update(gamma=self.gamma, rate=self.rate)
        return config


@keras.saving.register_keras_serializable(package="keras_aegan")
class AdaptiveMarginEnergyLoss(_Energy):
    """A margin that follows the data's energy down (MAGAN).

    For `warmup` epochs of `fit` the discriminator is an autoencoder of data
    and nothing else, and the creators wait. The margin `m` is then the mean
    energy of data over the last of them, and the players pay as in
    `MarginEnergyLoss` without a pulling-away term. At the end of an epoch `m`
    becomes that epoch's mean energy of data, if that is below `m` and below
    the fakes' mean energy, and the fakes' energy rose since the epoch before:
    the generator lost ground.

    The creators' optimizers run meanwhile, on gradients of zero. Use one whose
    first real steps that does not enlarge, such as Adamax (the recipe's):
    Adam's would be up to `1 / sqrt(1 - beta_2)` times its rate.

    The margin and the epoch's sums are variables: saved and restored. In the
    logs, beside `discriminator_adversarial`, `discriminator_fooling` and
    `discriminator_real_energy`: `margin`.

    Args:
        warmup: epochs of pretraining, 1 or more, 2 by default.
        distance: `"mse"` (default) or `"mae"`.
        weight: what the creators multiply the fakes' energy with.
        fake: `"generated"` (default) or `"reconstructed"`.
        players: the seats that pay as creators.
        name: prefix of the terms' names, by default `"discriminator"`.

    Example:

    ```python
    AdaptiveMarginEnergyLoss(warmup=2)
    ```

    Reference:
        - [MAGAN](https://arxiv.org/abs/1704.03817), algorithm 1
    """

    def __init__(self, warmup: int = 2, distance: str = "mse", **kwargs):
        super().__init__(distance, **kwargs)
        if warmup != int(warmup) or warmup < 1:
            raise ValueError(
                "Expected warmup to be a whole number of epochs, 1 or more. "
                f"Received: warmup={warmup}"
            )
        self.warmup = int(warmup)
        self.margin = self._state("margin", 0.0)
        self.epochs = self._state("epochs", 0.0)
        self.steps = self._state("steps", 0.0)
        self.real_sum = self._state("real_sum", 0.0)
        self.fake_sum = self._state("fake_sum", 0.0)
        self.last_fake = self._state("last_fake", float("inf"))

    def terms(self):
        own = ("margin", "fake_energy")
        return {**super().terms(), **{self._named_own(t): {} for t in own}}

    def values(self, rollout):
        playing = ops.cast(self.epochs >= self.warmup, "float32")
        if self._is_alone(rollout):
            return {k: playing * v for k, v in self._fooling(rollout).items()}
        real, fake = self._energies(rollout)
        margin = self.margin + 0.0
        hinge = ops.mean(ops.relu(margin - fake))
        return {
            **self._named(
                ops.mean(real) + playing * hinge,
                playing * ops.mean(fake),
                ops.mean(real),
            ),
            self._named_own("margin"): margin,
            self._named_own("fake_energy"): ops.mean(fake),
        }

    def after_step(self, values):
        real = values[f"{self.name}_real_energy"]
        self.steps.assign(self.steps + 1.0)
        self.real_sum.assign(self.real_sum + real)
        fake = values[self._named_own("fake_energy")]
        self.fake_sum.assign(self.fake_sum + fake)

    def after_epoch(self):
        epochs, steps, margin, last_fake = (
            float(ops.convert_to_numpy(variable))
            for variable in (
                self.epochs,
                self.steps,
                self.margin,
                self.last_fake,
            )
        )
        if not steps:
            return
        real = float(ops.convert_to_numpy(self.real_sum)) / steps
        fake = float(ops.convert_to_numpy(self.fake_sum)) / steps
        epochs += 1
        if epochs == self.warmup:
            self.margin.assign(real)
        elif epochs > self.warmup:
            if real < margin and real < fake and last_fake < fake:
                self.margin.assign(real)
            self.last_fake.assign(fake)
        self.epochs.assign(epochs)
        for variable in (self.steps, self.real_sum, self.fake_sum):
            variable.assign(0.0)

    def get_config(self):
        config = super().get_config()
        config.update(warmup=self.warmup)
        return config
