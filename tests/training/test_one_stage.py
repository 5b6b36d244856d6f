"""One-stage updates: the simultaneous gradients, from fewer passes."""

import keras
import numpy as np
import pytest
from cases import CASES, fix
from keras import ops

from keras_aegan import AEGAN, losses, networks
from keras_aegan.training.one_stage import check_one_stage

# Without a critic that trains, by features or by patches.
REFUSED = {
    "autoencoder",
    "ebgan",
    "f_anogan",
    "ganomaly",
    "image_autoencoder",
    "image_autoencoder-before",
    "image_autoencoder-bounded",
    "image_autoencoder-ramp",
    "rae",
    "rae-dense",
    "rae-gaussian",
    "soft_introvae",
    "soft_introvae-mild",
    "vae_gan",
    "vae_gan-samples_only",
    "wae_mmd",
}
ALLOWED = sorted(set(CASES) - REFUSED)


def _gradients(model, data, is_one_stage):
    """What is paid, and each player's gradients."""
    data = model.spec.to_networks(data)
    totals, values, gradients = model._gradients(
        lambda cut=None: model._pay(
            data, model.players, model.networks, True, cut
        ),
        model._groups(model.players),
        is_one_stage,
    )
    paid = values | {f"{player}_loss": paid for player, paid in totals.items()}
    return {name: float(value) for name, value in paid.items()}, {
        player: [ops.convert_to_numpy(one) for one in found]
        for player, found in gradients.items()
    }


@pytest.mark.parametrize("name", ALLOWED)
def test_gradients_are_the_simultaneous_ones(name):
    case = CASES[name]
    model = fix(case.build())
    model.updates = "one_stage"
    check_one_stage(model._seated(), model.objectives)
    model.compile("sgd")
    data = case.data()
    paid, expected = _gradients(model, data, False)
    paid_in_one, found = _gradients(model, data, True)
    assert paid_in_one == pytest.approx(paid, rel=1e-6, abs=1e-7)
    assert found.keys() == expected.keys()
    for player, gradients in expected.items():
        largest = max(np.abs(gradient).max() for gradient in gradients)
        for one, gradient in zip(found[player], gradients, strict=True):
            np.testing.assert_allclose(one, gradient, 1e-5, 1e-5 * largest)


def _trained(name, updates):
    model = fix(CASES[name].build())
    model.updates = updates
    model.compile(keras.optimizers.SGD(0.05))
    data = CASES[name].data(24)
    model.fit(data, batch_size=8, epochs=1, shuffle=False, verbose=0)
    return [w for n in model.networks.values() for w in n.get_weights()]


@pytest.mark.parametrize("name", ["aegan", "began", "gan"])
def test_fit_ends_with_the_weights_of_simultaneous_updates(name):
    for one, other in zip(
        _trained(name, "one_stage"),
        _trained(name, "simultaneous"),
        strict=True,
    ):
        np.testing.assert_allclose(one, other, 1e-4, 1e-6)


def test_a_critic_that_asks_nothing_still_hands_gradients_on():
    # BEGAN's k starts at 0: the discriminator asks nothing of fakes.
    model = fix(CASES["began"].build())
    model.compile("sgd")
    _, found = _gradients(model, CASES["began"].data(), True)
    assert max(np.abs(g).max() for g in found["generator"]) > 1e-3


def _vectors(discriminator=None, **kwargs):
    settings = {
        "losses": [losses.DataAdversarialLoss("non_saturating")],
        "updates": "one_stage",
        "data_range": (0, 1),
        "data_dtype": "float32",
    }
    return AEGAN(
        generator=networks.dense_generator((6,), 3, (8,)),
        discriminator=discriminator
        or networks.dense_discriminator((6,), (8,), outputs=OUTPUTS),
        **settings | kwargs,
    )


OUTPUTS = ("score", "features")


def _critic(*layers, outputs=1):
    return keras.Sequential(
        [keras.Input((6,)), *layers, keras.layers.Dense(outputs)]
    )


def test_features_are_refused():
    with pytest.raises(ValueError, match="feature_reconstruction.*features"):
        _vectors(
            encoder=networks.dense_encoder((6,), 3, (8,)),
            losses=[
                losses.DataAdversarialLoss("non_saturating"),
                losses.FeatureReconstructionLoss(),
            ],
        )


def test_pulling_away_is_refused():
    with pytest.raises(ValueError, match="features"):
        CASES["ebgan"].build().__class__(
            generator=networks.dense_generator((6,), 3, (8,)),
            discriminator=networks.autoencoder((6,), 3, 8),
            losses=[losses.MarginEnergyLoss(0.5)],
            updates="one_stage",
        )


def test_a_model_without_a_critic_is_refused():
    with pytest.raises(ValueError, match="without one"):
        AEGAN(
            generator=networks.dense_generator((6,), 3, (8,)),
            encoder=networks.dense_encoder((6,), 3, (8,)),
            losses=[losses.ReconstructionLoss()],
            updates="one_stage",
        )


def test_several_scores_a_sample_are_refused():
    with pytest.raises(ValueError, match=r"scores of shape \(5,\)"):
        _vectors(_critic(outputs=5))


def test_steps_are_refused():
    with pytest.raises(ValueError, match="one_stage updates every player"):
        _vectors(steps={"discriminator": 2})


@pytest.mark.parametrize(
    ("layer", "mixes"),
    [
        (keras.layers.BatchNormalization, True),
        (keras.layers.LayerNormalization, False),
        (lambda: keras.layers.Dropout(0.3), False),
    ],
)
def test_critics_that_mix_samples_are_refused(layer, mixes):
    model = _vectors(_critic(layer()))
    before = [v.numpy() for v in model.variables]
    if mixes:
        with pytest.raises(ValueError, match="mixes the samples"):
            model.compile()
    else:
        model.compile()
    for variable, value in zip(model.variables, before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value)


def test_a_frozen_critic_is_refused():
    model = _vectors(
        encoder=networks.dense_encoder((6,), 3, (8,)),
        losses=[
            losses.DataAdversarialLoss("non_saturating"),
            losses.ReconstructionLoss(),
        ],
    )
    model.discriminator.trainable = False
    with pytest.raises(ValueError, match="frozen discriminator"):
        model.compile()


def test_loss_scales_are_refused():
    model = _vectors()
    with pytest.raises(ValueError, match="loss scale for the discriminator"):
        model.compile(keras.optimizers.SGD(0.1, loss_scale_factor=8.0))


class Greedy(losses.Loss):
    """A loss that reads features without saying so."""

    seats = ("discriminator", "generator")

    def terms(self):
        return {"greedy": {"generator": 1.0}}

    def values(self, rollout):
        judged = rollout.judgement("discriminator", "generated")
        return {"greedy": ops.mean(judged["features"])}


def test_a_loss_that_reads_more_than_verdicts_is_told():
    adversary = losses.DataAdversarialLoss("non_saturating")
    model = _vectors(losses=[adversary, Greedy(name="greedy")])
    with pytest.raises(ValueError, match="reads all of the discriminator's"):
        model.train_on_batch(np.zeros((4, 6), "float32"))
