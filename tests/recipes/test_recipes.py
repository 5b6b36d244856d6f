import keras
import numpy as np
import pytest
from keras import ops

from keras_aegan import losses, recipes

PLAYERS = ("discriminator", "latent_discriminator", "encoder", "generator")
#: The weights of Lazarou's two codes: what one unit of each term costs.
PUBLISHED = {
    "aegan_keras": {
        "reconstruction": 10.0,
        "latent_reconstruction": 5.0,
        # One cross-entropy for each of the two fakes.
        "discriminator_fooling": 1.0,
        "latent_discriminator_fooling": 1.0,
        "labels": (0.95, 0.05),
        "creators": 2e-4,
        "critics": 5e-4,
        "clipnorm": 1.0,
    },
    "pokegan": {
        "reconstruction": 1.0,
        "latent_reconstruction": 0.5,
        # The mean of the two cross-entropies.
        "discriminator_fooling": 0.005 / 2,
        "latent_discriminator_fooling": 0.1 / 2,
        "labels": (1.0, 0.0),
        "creators": 2e-4,
        "critics": 1e-4,
        "clipnorm": None,
    },
}


def by_kind(model, kind):
    return [loss for loss in model.objectives if type(loss) is kind]


@pytest.mark.parametrize("name", ["aegan", "aegan_classic"])
@pytest.mark.parametrize("shape", [(28, 28, 1), (32, 32, 3)])
def test_two_steps(name, shape, images):
    model = recipes.get(name)(shape, latent_dim=4, width=4, seed=0)
    x = images(8, shape)
    history = model.fit(x, batch_size=4, verbose=0).history
    assert int(ops.convert_to_numpy(model.step)) == 2
    assert all(np.isfinite(values).all() for values in history.values())
    assert {f"{player}_loss" for player in PLAYERS} <= set(history)
    for player in PLAYERS:
        inner = model.optimizer[player]
        assert int(ops.convert_to_numpy(inner.iterations)) == 2
    made = model.generate(2, seed=0)
    assert made.shape == (2, *shape)
    assert made.dtype == "uint8"
    assert model.encode(x[:2]).shape == (2, 4)


@pytest.mark.parametrize("parameters", PUBLISHED)
def test_the_classic_is_as_published(parameters):
    model = recipes.aegan_classic(
        (28, 28, 1), latent_dim=4, width=4, parameters=parameters
    )
    published = PUBLISHED[parameters]
    for term in (
        "reconstruction",
        "latent_reconstruction",
        "discriminator_fooling",
        "latent_discriminator_fooling",
    ):
        weight = pytest.approx(published[term])
        assert model.payments[term] == {"encoder": weight, "generator": weight}
    (cycle,) = by_kind(model, losses.ReconstructionLoss)
    (latent_cycle,) = by_kind(model, losses.LatentReconstructionLoss)
    assert (cycle.distance, latent_cycle.distance) == ("mae", "mse")
    for kind in (losses.DataAdversarialLoss, losses.CodeAdversarialLoss):
        (loss,) = by_kind(model, kind)
        assert loss.formulation == "non_saturating"
        assert loss.cycle_weight == 1.0
        assert (loss.real_label, loss.fake_label) == published["labels"]
        critic = model.payments[f"{loss.name}_adversarial"]
        assert critic == {loss.critic: 1.0}
    assert len(model.objectives) == 4
    assert model.updates == "alternating"
    assert dict(model.steps) == {}
    assert model.ema_generator is None
    model.compile()
    for player in PLAYERS:
        optimizer = model.optimizer[player]
        side = "critics" if "discriminator" in player else "creators"
        assert isinstance(optimizer, keras.optimizers.Adam)
        assert float(optimizer.learning_rate) == pytest.approx(published[side])
        assert optimizer.beta_1 == 0.5
        assert optimizer.clipnorm == published["clipnorm"]


def test_the_default_plays_the_relativistic_game_with_penalties():
    model = recipes.aegan(
        (28, 28, 1),
        latent_dim=4,
        width=4,
        gamma=0.3,
        latent_gamma=0.7,
        penalty_interval=8,
        code_weight=0.2,
        reconstruction_weight=3.0,
        latent_reconstruction_weight=0.4,
    )

    def created(weight):
        return {"encoder": weight, "generator": weight}

    assert model.payments == {
        "discriminator_adversarial": {"discriminator": 1.0},
        "discriminator_fooling": created(1.0),
        "r1": {"discriminator": pytest.approx(0.15)},
        "r2": {"discriminator": pytest.approx(0.15)},
        "latent_discriminator_adversarial": {"latent_discriminator": 1.0},
        "latent_discriminator_fooling": created(0.2),
        "latent_r1": {"latent_discriminator": pytest.approx(0.35)},
        "latent_r2": {"latent_discriminator": pytest.approx(0.35)},
        "reconstruction": created(3.0),
        "latent_reconstruction": created(0.4),
    }
    for kind in (losses.R1Penalty, losses.R2Penalty):
        assert {loss.interval for loss in by_kind(model, kind)} == {8}
    for kind in (losses.DataAdversarialLoss, losses.CodeAdversarialLoss):
        assert by_kind(model, kind)[0].formulation == "relativistic"
    assert model.updates == "simultaneous"
    assert model.ema_momentum == 0.999


BETAS = {
    "aegan": (0.0, 0.99),
    "mixture_aegan": (0.5, 0.99),
    "rae": (0.9, 0.999),
}


@pytest.mark.parametrize("name", BETAS)
def test_the_learning_rate_falls_to_a_tenth(name):
    size = {} if name == "mixture_aegan" else {"latent_dim": 4}
    first = (28, 28, 1)
    if name == "mixture_aegan":
        first = recipes.rae(first, 4, 4)
        first.fit_sampler("gaussian", np.zeros((8, 28, 28, 1), "uint8"))
    model = recipes.get(name)(
        first, width=4, learning_rate=0.01, decay_steps=50, **size
    )
    model.compile()
    for player in model.players:
        optimizer = model.optimizer[player]
        assert (optimizer.beta_1, optimizer.beta_2) == BETAS[name]
        assert float(optimizer.learning_rate) == pytest.approx(0.01)
        optimizer.iterations.assign(50)
        assert float(optimizer.learning_rate) == pytest.approx(0.001)


@pytest.mark.parametrize("name", ["aegan", "aegan_classic"])
def test_a_seed_gives_the_same_model(name):
    made = [
        recipes.get(name)((28, 28, 1), latent_dim=4, width=4, seed=seed)
        for seed in (3, 3, 4)
    ]
    first, again, other = (model.generate(2, seed=0) for model in made)
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


@pytest.mark.parametrize("name", ["aegan", "aegan_classic"])
def test_an_image_of_a_bad_shape_is_refused(name):
    with pytest.raises(ValueError, match="looks like channels first"):
        recipes.get(name)((1, 28, 28))


def test_an_error_of_data_without_a_range_is_not_rescaled():
    kept = recipes.autoencoder((4,), data_range=None, data_dtype="float32")
    assert recipes.autoencoder((4,)).objectives[0].weight == 0.25
    assert kept.objectives[0].weight == 1.0


def test_f_anogan_leaves_a_trained_prior_as_it_is():
    prior = keras.Sequential(
        [keras.Input((2,)), keras.layers.Dense(3)], name="prior"
    )
    gan = recipes.gan((28, 28, 1), 3, width=4, prior=prior, seed=0)
    model = recipes.f_anogan(gan, width=4)
    assert prior.trainable
    assert model.prior is not prior
    assert not model.prior.trainable
    for a, b in zip(model.prior.weights, gan.ema_prior.weights, strict=True):
        np.testing.assert_array_equal(
            ops.convert_to_numpy(a), ops.convert_to_numpy(b)
        )


def test_recipes_by_name():
    assert recipes.names() == sorted(recipes.names())
    assert {"aegan", "aegan_classic"} <= set(recipes.names())
    assert recipes.get("aegan") is recipes.aegan
    with pytest.raises(ValueError, match="one of .*'aegan'.*Received: 'vae'"):
        recipes.get("vae")


def test_unknown_parameters_are_refused():
    with pytest.raises(
        ValueError, match=r"one of \['aegan_keras', 'pokegan'\]"
    ):
        recipes.aegan_classic((28, 28, 1), parameters="lazarou")
