"""Each verdict, provoked in a training that really is so; and its limits."""

import keras
import numpy as np
import pytest

from keras_aegan import AEGAN, losses, networks, recipes
from keras_aegan.callbacks import GameMonitor
from keras_aegan.callbacks.verdicts import PATIENCE, judge_game

SHAPE, CODE = (6, 4, 1), 4
DATA = np.random.default_rng(0).integers(0, 256, (16, *SHAPE), dtype="uint8")
OTHER = np.random.default_rng(1).integers(0, 256, (16, *SHAPE), dtype="uint8")


def frozen(network, value=0.0):
    """A network that always gives the same."""
    for variable in network.weights:
        variable.assign(np.full(variable.shape, value))
    network.trainable = False
    return network


def game(optimizer, *chosen, **seats):
    seats.setdefault("generator", networks.dense_generator(SHAPE, CODE, (8,)))
    model = AEGAN(**seats, losses=list(chosen), ema_momentum=None, seed=0)
    model.compile(optimizer)
    return model


def critic(units=(8,)):
    return networks.dense_discriminator(SHAPE, units)


def encoder():
    return networks.dense_encoder(SHAPE, CODE, (8,))


adam, sgd = keras.optimizers.Adam, keras.optimizers.SGD
fooling, penalty = losses.DataAdversarialLoss, losses.R1Penalty
copying = losses.ReconstructionLoss


def diverged():
    return game(sgd(1e30), copying("mse"), encoder=encoder())


def generator_collapsed():
    generator = frozen(networks.dense_generator(SHAPE, CODE, (8,)))
    return game(adam(), fooling(), discriminator=critic(), generator=generator)


def generator_gradient_vanished():
    discriminator = critic(())
    for variable in discriminator.weights:  # The brighter, the more real.
        variable.assign(np.ones(variable.shape))
    players = {"discriminator": sgd(0.0), "generator": sgd(0.0)}
    return game(players, fooling(), discriminator=discriminator)


def discriminator_saturated():
    players = {"discriminator": adam(0.01), "generator": sgd(0.0)}
    return game(players, fooling(), discriminator=critic((32,)))


def discriminator_overfits():
    generator = networks.dense_generator(SHAPE, CODE, (8,))
    generator.trainable = False
    return game(
        adam(0.01), fooling(), discriminator=critic((256,)), generator=generator
    )


def penalty_dominates():
    return game(adam(1e-5), fooling(), penalty(1e6), discriminator=critic())


def discriminator_sharp_on_generated():
    discriminator = critic((4,))
    # Its units are on where data are grey, and off where they are black.
    for variable, value in zip(
        discriminator.weights, (1, 5, 1, 0), strict=True
    ):
        variable.assign(np.full(variable.shape, value))
    generator = frozen(networks.dense_generator(SHAPE, CODE, (8,)))
    penalties = [penalty(1e-9), losses.R2Penalty(1e-9)]
    seats = {"discriminator": discriminator, "generator": generator}
    return game(sgd(0.0), fooling(), *penalties, **seats)


def steps_too_large():
    return game(adam(0.3), copying("mae"), encoder=encoder())


def player_stands_still():
    return game(sgd(1e-12), copying("mae"), encoder=encoder())


def adversary_drowned():
    chosen = fooling(), copying("mae", weight=1e5)
    return game(sgd(1e-9), *chosen, discriminator=critic(), encoder=encoder())


def reconstruction_drowned():
    chosen = fooling(weight=1e5), copying("mae")
    return game(sgd(1e-9), *chosen, discriminator=critic(), encoder=encoder())


def codes_ignored():
    return game(adam(), copying("mae"), encoder=frozen(encoder()))


def codes_off_the_prior():
    return game(adam(), copying("mae"), encoder=frozen(encoder(), 0.01))


def equilibrium_lost():
    shape = (16, 16, 1)
    model = recipes.began(shape, latent_dim=2, width=4, rate=1e9, seed=0)
    model.compile(sgd(1e-4))
    return model


CASES = {
    build.__name__: build
    for build in (
        diverged,
        generator_collapsed,
        generator_gradient_vanished,
        discriminator_saturated,
        discriminator_overfits,
        penalty_dominates,
        discriminator_sharp_on_generated,
        steps_too_large,
        player_stands_still,
        adversary_drowned,
        reconstruction_drowned,
        codes_ignored,
        codes_off_the_prior,
        equilibrium_lost,
    )
}
#: How many epochs of one step, where it takes more than to see it.
EPOCHS = {"discriminator_saturated": 60, "discriminator_overfits": 150}


def data_for(name, model):
    """Training and held-out data with which the verdict is right."""
    if name == "discriminator_overfits":  # Nothing but the samples differs.
        return model.generate(16, seed=0), model.generate(16, seed=1)
    if name == "discriminator_sharp_on_generated":
        return np.zeros_like(DATA), OTHER
    if name == "generator_gradient_vanished":
        return 200 + DATA // 8, OTHER
    if name == "equilibrium_lost":
        same = np.full((16, *model.data_shape), 200, "uint8")
        return same, same
    return DATA, OTHER


@pytest.mark.parametrize("name", CASES)
def test_a_verdict_that_is_provoked(name):
    model = CASES[name]()
    data, held_out = data_for(name, model)
    monitor = GameMonitor(data, held_out, count=16, share=1.0)
    # Half-way the discriminator goes flat, and tells as well as before.
    kernel = getattr(model.discriminator, "trainable_variables", [None])[0]
    flatten = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: (
            kernel.assign(1e-5 * kernel)
            if name == "generator_gradient_vanished" and epoch == 8
            else None
        )
    )
    model.fit(
        data,
        batch_size=16,
        epochs=EPOCHS.get(name, 16),
        callbacks=[flatten, monitor],
        verbose=0,
    )
    assert name in monitor.verdicts, (monitor.verdicts, monitor.history[-1])
    text = monitor.verdicts[name]
    assert text.endswith(".") and (":" in text or name == "diverged")


def test_a_training_that_is_well_has_none():
    keras.utils.set_random_seed(0)
    model = game(
        adam(0.005),
        fooling(),
        penalty(0.1),
        losses.R2Penalty(0.1),
        copying("mae"),
        losses.LatentReconstructionLoss("mse"),
        losses.MaximumMeanDiscrepancyLoss(30.0),
        discriminator=critic(),
        encoder=encoder(),
    )
    train = {"batch_size": 16, "verbose": 0}
    model.fit(DATA, epochs=150, **train)  # At first nothing is recovered yet.
    monitor = GameMonitor(DATA, count=16, share=1.0)
    model.fit(DATA, epochs=30, callbacks=[monitor], **train)
    assert len(monitor.history) > 2 * PATIENCE
    assert not monitor.verdicts, monitor.history[-1]


# === Their limits ===


def names(history):
    return [verdict.name for verdict in judge_game(history)]


@pytest.mark.parametrize(
    ("name", "value", "at", "beyond"),
    [
        ("discriminator_saturated", "pair_accuracy/discriminator", 0.97, 0.98),
        ("penalty_dominates", "penalty_share/discriminator", 1.0, 1.01),
        ("steps_too_large", "update_ratio/generator", 0.03, 0.031),
        ("player_stands_still", "update_ratio/encoder", 1e-6, 9e-7),
        ("generator_collapsed", "diversity", 0.1, 0.09),
        ("codes_ignored", "code_error", 0.95, 0.96),
        ("codes_off_the_prior", "code/smallest_share", 0.05, 0.049),
        ("codes_off_the_prior", "code/largest_share", 20, 21),
        ("equilibrium_lost", "state/k", 0.01, 0.0),
        ("equilibrium_lost", "state/k", 0.99, 1.0),
    ],
)
def test_a_sign_has_to_be_beyond_its_limit_for_long(name, value, at, beyond):
    long = 2 * PATIENCE
    assert names([{value: at}] * long) == []
    assert names([{value: beyond}] * long) == [name]
    interrupted = [{value: beyond}] * long
    interrupted[-2] = {value: at}
    assert names(interrupted) == []
    assert names([{value: beyond}] * (PATIENCE - 1)) == []


def test_one_value_that_is_not_finite_is_enough():
    history = [{"loss/generator": 1.0, "diversity": 0.01}] * 20
    assert names([{"diversity": np.nan}]) == []  # Of data that are all alike.
    assert names(history) == ["generator_collapsed"]
    for value in (np.nan, np.inf, -np.inf):
        (verdict,) = judge_game([*history, {"loss/generator": value}])
        assert verdict.name == "diverged"
        assert "loss/generator is not finite" in verdict.text


def test_no_held_out_gap_where_nothing_is_told_apart():
    watch = {"held_out_gap": 0.9, "pair_accuracy/discriminator": 0.6}
    assert names([watch] * PATIENCE) == []
    watch["pair_accuracy/discriminator"] = 0.9
    assert names([watch] * PATIENCE) == ["discriminator_overfits"]


def test_m_global_may_rise_by_a_fifth():
    start = [{"state/m_global": 1.0}] * PATIENCE
    assert names([*start, *[{"state/m_global": 1.2}] * PATIENCE]) == []
    (verdict,) = judge_game([*start, *[{"state/m_global": 1.5}] * PATIENCE])
    assert verdict.name == "equilibrium_lost" and "50%" in verdict.text


def test_no_history_no_verdict():
    assert judge_game([]) == []
