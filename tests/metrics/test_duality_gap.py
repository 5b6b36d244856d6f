import random

import keras
import numpy as np
import pytest

from keras_aegan import AEGAN, losses, recipes
from keras_aegan.metrics import duality_gap

VECTORS = {"data_range": None, "data_dtype": "float32", "seed": 0}


def softplus(x):
    return np.logaddexp(0, x)


def linear(kernel, bias):
    """A network `x @ kernel + bias`."""
    kernel, bias = np.array(kernel, "float32"), np.array(bias, "float32")
    layer = keras.layers.Dense(len(bias))
    network = keras.Sequential([keras.Input((len(kernel),)), layer])
    layer.set_weights([kernel, bias])
    return network


def game(generator, discriminator, **kwargs):
    return AEGAN(
        generator,
        discriminator=discriminator,
        losses=[losses.DataAdversarialLoss("non_saturating")],
        **VECTORS | kwargs,
    )


def critic(size=2, units=16):
    """A discriminator that says of all data that it cannot tell."""
    return keras.Sequential(
        [
            keras.Input((size,)),
            keras.layers.Dense(units, "leaky_relu"),
            keras.layers.Dense(1, kernel_initializer="zeros"),
        ]
    )


def forgetful():
    """A discriminator that draws from a random state, without a seed."""
    return keras.Sequential(
        [
            keras.Input((2,)),
            keras.layers.Dense(8, "relu"),
            keras.layers.Dropout(0.5),
            keras.layers.Dense(1),
        ]
    )


def normal(count=1000, size=2, seed=1):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((count, size)).astype("float32")


# === The number ===


@pytest.mark.parametrize("steps", [1, 20])
def test_gap_by_hand(steps):
    # D(x) = a x and G(z) = k z + b, of one value: while gradients hardly
    # change, each step of Adam moves a weight by the learning rate.
    critic = keras.Sequential(
        [keras.Input((1,)), keras.layers.Dense(1, use_bias=False)]
    )
    critic.set_weights([np.ones((1, 1))])
    model = game(linear([[0]], [0.5]), critic, ema_momentum=None)
    x = np.full((2000, 1), -1, "float32")
    found = duality_gap(model, x, steps=steps, learning_rate=0.01)
    far = 0.01 * steps
    # D lowers a, which makes real data at -1 and fakes at 0.5 wrong.
    highest = -softplus(1 - far) - softplus(0.5 * (1 - far))
    # G raises b; its k follows the noise, which has no direction.
    lowest = -softplus(1) - softplus(0.5 + far)
    assert found == pytest.approx(highest - lowest, rel=0.02)


def test_at_the_equilibrium_nobody_finds_a_better_move():
    model = game(linear(np.eye(2), [0, 0]), critic())
    x = model.generate(1000, seed=5)
    assert 0 <= duality_gap(model, x) < 0.005
    assert 0 <= duality_gap(model, x, learning_rate=0.01) < 0.02


@pytest.mark.parametrize(
    "kernel, bias",
    [(np.eye(2), [1, 1]), (0.05 * np.eye(2), [0, 0]), (0 * np.eye(2), [1, 1])],
    ids=["other_data", "collapsed", "a_point"],
)
def test_samples_unlike_the_data_are_found_out(kernel, bias):
    model = game(linear(kernel, bias), critic())
    assert duality_gap(model, normal(), learning_rate=0.01) > 0.2


def test_a_discriminator_that_can_be_fooled_is_found_out():
    # It likes what is far to the right, of data that are not.
    fooled = game(linear(np.eye(2), [0, 0]), linear([[3], [0]], [0]))
    indifferent = game(linear(np.eye(2), [0, 0]), linear([[0], [0]], [0]))
    x = indifferent.generate(1000, seed=5)
    assert duality_gap(indifferent, x, learning_rate=0.01) < 0.02
    assert duality_gap(fooled, x, learning_rate=0.01) > 0.2


def test_it_is_measured_on_data_that_were_not_learned():
    # 16 samples of 200 values are soon known by heart, and none of the others.
    model = game(linear(np.eye(200), np.zeros(200)), critic(200, 64))
    x = model.generate(32, seed=5)
    assert 0 <= duality_gap(model, x, learning_rate=0.01) < 0.1


def test_averages_are_what_is_measured():
    model = game(linear(0 * np.eye(2), [1, 1]), critic())
    x = normal()
    collapsed = duality_gap(model, x, learning_rate=0.01)
    model.ema_generator.set_weights([np.eye(2), np.zeros(2)])
    assert duality_gap(model, x, learning_rate=0.01) < 0.1 * collapsed


def test_noise_goes_through_a_prior_that_is_a_network():
    prior = linear(np.eye(2), [3, 3])
    prior.trainable = False
    moved = game(linear(np.eye(2), [-3, -3]), critic(), prior=prior)
    assert duality_gap(moved, normal()) < 0.02
    unmoved = game(linear(np.eye(2), [-3, -3]), critic())
    assert duality_gap(unmoved, normal()) > 0.2


def test_a_second_stage_of_frozen_networks_has_the_gap_of_the_first():
    first = recipes.gan((5,), 3, hidden_units=(8,), **VECTORS)
    x = normal(64, 5)
    second = recipes.f_anogan(first, seed=0)
    of_first = duality_gap(first, x, steps=5)
    assert of_first > 0.01
    of_second = duality_gap(second, x, steps=5)
    assert of_second == pytest.approx(of_first, rel=1e-3)


def test_tokens_have_a_gap():
    generator = keras.Sequential(
        [
            keras.Input((3,)),
            keras.layers.Dense(8),
            keras.layers.Reshape((2, 4)),
            keras.layers.Softmax(),
        ]
    )
    discriminator = keras.Sequential(
        [keras.Input((2, 4)), keras.layers.Flatten(), keras.layers.Dense(1)]
    )
    model = AEGAN(
        generator,
        discriminator=discriminator,
        losses=[losses.DataAdversarialLoss()],
        tokens=True,
        seed=0,
    )
    same = np.zeros((100, 2), "int32")
    assert duality_gap(model, same, learning_rate=0.01) > 0.1


# === What it leaves alone ===


def test_nothing_of_the_model_changes():
    model = recipes.gan((5,), 3, hidden_units=(8,), **VECTORS)
    x = normal(100, 5)
    model.fit(x, verbose=0)
    before = [np.array(v) for v in model.variables]
    optimizer = [np.array(v) for v in model.optimizer.variables]
    trainable = [v.path for v in model.trainable_variables]
    duality_gap(model, x, steps=3)
    for variable, old in zip(model.variables, before, strict=True):
        np.testing.assert_array_equal(variable, old)
    for variable, old in zip(model.optimizer.variables, optimizer, strict=True):
        np.testing.assert_array_equal(variable, old)
    assert [v.path for v in model.trainable_variables] == trainable


def test_a_training_goes_on_as_if_nobody_had_looked():
    x, ends = normal(100), []

    class Look(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 0:
                duality_gap(self.model, x, steps=2)

    for callbacks in ([], [Look()]):
        keras.utils.set_random_seed(3)
        model = game(linear(np.eye(2), [1, 0]), forgetful())
        model.fit(x, epochs=2, callbacks=callbacks, verbose=0)
        ends.append(np.concatenate([np.ravel(v) for v in model.get_weights()]))
    np.testing.assert_array_equal(*ends)


def test_a_seed_gives_the_same_number():
    model = game(linear(np.eye(2), [1, 0]), forgetful())
    x = normal(100)
    first = duality_gap(model, x, steps=10, seed=4)
    # Fresh draws of Python's, which Keras takes its own seeds from.
    random.seed(99)
    assert duality_gap(model, x, steps=10, seed=4) == first
    assert duality_gap(model, x, steps=10, seed=5) != first


# === Refusals ===


def test_models_without_a_game_are_refused(images, tiny_model):
    x = images(8)
    with pytest.raises(ValueError, match="without a discriminator.*`frechet"):
        duality_gap(tiny_model(("encoder",)), x)
    with pytest.raises(ValueError, match="'reconstruction'.*no probability"):
        duality_gap(recipes.began((5,), 3, **VECTORS), normal(10, 5))
    without = tiny_model(
        ("encoder", "discriminator"),
        prior=None,
        losses=[losses.DataAdversarialLoss(fake="reconstructed")],
    )
    with pytest.raises(ValueError, match="no samples to judge.*fit_sampler"):
        duality_gap(without, x)


def test_bad_arguments_are_refused():
    model, x = game(linear(np.eye(2), [0, 0]), critic()), normal(10)
    with pytest.raises(ValueError, match="steps to be a whole number.*steps=0"):
        duality_gap(model, x, steps=0)
    with pytest.raises(ValueError, match="batch_size to be.*batch_size=2.5"):
        duality_gap(model, x, batch_size=2.5)
    for rate in (0, np.nan, np.inf):
        with pytest.raises(ValueError, match=f"learning_rate={rate}"):
            duality_gap(model, x, learning_rate=rate)
    with pytest.raises(ValueError, match="2 samples or more.*Received: 1"):
        duality_gap(model, x[:1])
    with pytest.raises(ValueError, match="Expected data of shape"):
        duality_gap(model, x[:, :1])


def test_networks_that_have_diverged_are_refused():
    model = game(linear(np.eye(2), [0, 0]), linear([[np.nan], [0]], [0]))
    with pytest.raises(ValueError, match="NaN or infinity.*diverged"):
        duality_gap(model, normal(10))
