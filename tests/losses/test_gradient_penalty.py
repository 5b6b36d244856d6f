import keras
import numpy as np
import pytest
from keras import layers, ops

from keras_aegan import AEGAN
from keras_aegan.losses import (
    DataAdversarialLoss,
    GradientPenalty,
    R1Penalty,
    R2Penalty,
)
from keras_aegan.rollout import Rollout

SIZE = 5
#: Each penalty's class, critic, place and what it reads there.
PLACES = {
    "r1": (R1Penalty, "discriminator", "data"),
    "r2": (R2Penalty, "discriminator", "generated"),
    "latent_r1": (R1Penalty, "latent_discriminator", "prior_codes"),
    "latent_r2": (R2Penalty, "latent_discriminator", "codes"),
}
places = pytest.mark.parametrize("place", PLACES)


def sequence(*stack, size=SIZE):
    return keras.Sequential([keras.Input((size,)), *stack])


def linear():
    return sequence(layers.Dense(1, use_bias=False))


def curved():
    """v tanh(W x), whose gradient is easily written out."""
    return sequence(
        layers.Dense(7, use_bias=False, activation="tanh"),
        layers.Dense(1, use_bias=False),
    )


def squared_gradient(network, inputs):
    first, second = (w.numpy().astype("float64") for w in network.weights)
    slope = 1 - np.tanh(inputs @ first) ** 2
    gradient = (slope * second[:, 0]) @ first.T
    return np.mean(np.sum(gradient**2, axis=1))


def rollout(critic, network, step=0, training=True, count=6):
    rng = np.random.default_rng(0)
    data, noise = rng.normal(size=(2, count, SIZE)).astype("float32")
    networks = {
        critic: network,
        "generator": sequence(layers.Rescaling(0.5)),
        "encoder": sequence(layers.Rescaling(-2.0)),
    }
    step = ops.convert_to_tensor(step, "int32")
    return Rollout(
        networks,
        ops.convert_to_tensor(data),
        ops.convert_to_tensor(noise),
        None,
        step,
        lambda interval: ops.equal(step % interval, 0),
        training,
    )


def value(place, network, gamma=1.0, interval=1, **kwargs):
    kind, critic, _ = PLACES[place]
    loss = kind(gamma, interval, critic)
    (found,) = loss.values(rollout(critic, network, **kwargs)).values()
    assert keras.backend.standardize_dtype(found.dtype) == "float32"
    return float(ops.convert_to_numpy(found))


# === Values ===


@places
@pytest.mark.parametrize("training", [True, False])
def test_of_a_linear_critic_it_is_the_squared_norm_of_its_weights(
    place, training
):
    network = linear()
    (weights,) = network.get_weights()
    found = value(place, network, gamma=9.0, training=training)
    # The factor gamma / 2 is the payer's, not the logs'.
    assert found == pytest.approx(np.sum(weights**2), rel=1e-6)


@places
def test_of_a_curved_critic_it_is_taken_at_its_place(place):
    _, critic, what = PLACES[place]
    network = curved()
    inputs = ops.convert_to_numpy(
        getattr(played := rollout(critic, network), what)
    )
    kind = PLACES[place][0]
    (found,) = kind(critic=critic).values(played).values()
    wanted = squared_gradient(network, inputs.astype("float64"))
    assert float(ops.convert_to_numpy(found)) == pytest.approx(wanted, rel=1e-5)


def test_scores_of_patches_are_summed():
    # Two scores a sample: the gradient is that of their sum.
    network = sequence(layers.Dense(2, use_bias=False))
    (weights,) = network.get_weights()
    wanted = np.sum(weights.sum(1) ** 2)
    assert value("r1", network) == pytest.approx(wanted, rel=1e-6)


def test_it_does_not_depend_on_the_number_of_samples():
    network = linear()
    assert value("r1", network, count=1) == pytest.approx(
        value("r1", network, count=13), rel=1e-6
    )


# === Gradients ===


def game(discriminator, *penalties):
    model = AEGAN(
        generator=sequence(layers.Dense(SIZE)),
        discriminator=discriminator,
        losses=[DataAdversarialLoss(), *penalties],
        data_range=None,
        data_dtype="float32",
        seed=0,
    )
    model.compile("sgd")
    return model


def gradients(model, penalty):
    """Of what the discriminator pays for this penalty alone."""
    played = rollout("discriminator", model.discriminator)
    (term, payers), *_ = penalty.terms().items()

    def pay():
        values = penalty.values(played)
        return {"discriminator": payers["discriminator"] * values[term]}, values

    _, _, found = model._gradients(pay, [["discriminator"]])
    return [ops.convert_to_numpy(g) for g in found["discriminator"]]


@pytest.mark.parametrize("gamma", [0.1, 3.0])
@pytest.mark.parametrize("kind", [R1Penalty, R2Penalty])
def test_of_a_linear_critic_the_gradient_is_gamma_times_its_weights(
    kind, gamma
):
    penalty = kind(gamma)
    model = game(linear(), penalty)
    (found,) = gradients(model, penalty)
    (weights,) = model.discriminator.get_weights()
    np.testing.assert_allclose(found, gamma * weights, rtol=1e-5)


def test_of_a_curved_critic_the_gradient_is_the_slope_of_the_value():
    penalty = R1Penalty(0.5)
    model = game(curved(), penalty)
    network = model.discriminator
    found = gradients(model, penalty)
    data = ops.convert_to_numpy(rollout("discriminator", network).data)
    data = data.astype("float64")
    weights = [w.numpy().astype("float64") for w in network.weights]
    for index, (row, column) in ((0, (2, 3)), (1, (4, 0))):
        ends = []
        for change in (1e-3, -1e-3):
            moved = [w.copy() for w in weights]
            moved[index][row, column] += change
            network.set_weights(moved)
            ends.append(0.25 * squared_gradient(network, data))
        slope = (ends[0] - ends[1]) / 2e-3
        assert found[index][row, column] == pytest.approx(slope, rel=2e-3)


# === Lazy ===


@places
def test_lazy_is_zero_between_and_exact_on_average(place):
    network = curved()
    exact = value(place, network)
    found = [value(place, network, interval=4, step=s) for s in range(8)]
    assert found == pytest.approx(2 * [4 * exact, 0, 0, 0], rel=1e-5)
    assert np.mean(found) == pytest.approx(exact, rel=1e-5)


@pytest.mark.parametrize("step", [0, 1, 2])
def test_evaluation_always_computes_it_unscaled(step):
    network = curved()
    found = value("r1", network, interval=3, step=step, training=False)
    assert found == pytest.approx(value("r1", network), rel=1e-6)


# === Precision ===


@places
@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_it_is_computed_in_float32(place, policy):
    exact = curved()
    first, second = exact.get_weights()
    exact.set_weights([first, 3000 * second])
    keras.config.set_dtype_policy(policy)
    mixed = curved()
    keras.config.set_dtype_policy("float32")
    mixed.set_weights(exact.get_weights())
    policies = [layer.dtype_policy.name for layer in mixed._flatten_layers()]
    assert policy in policies
    wanted = value(place, exact)
    assert wanted > 70000, "not a number that float16 could hold"
    assert value(place, mixed) == pytest.approx(wanted, rel=1e-5)
    after = [layer.dtype_policy.name for layer in mixed._flatten_layers()]
    assert after == policies


def test_policies_are_restored_after_an_error():
    keras.config.set_dtype_policy("mixed_bfloat16")
    network = linear()
    with pytest.raises(Exception, match="."):
        R1Penalty().values(
            Rollout({"discriminator": network}, ops.ones((2, 9)), None, 0, True)
        )
    names = {layer.dtype_policy.name for layer in network._flatten_layers()}
    assert names == {"mixed_bfloat16"}


# === What the critic holds ===


@pytest.mark.parametrize("interval", [1, 2])
def test_nothing_changes_in_the_critic(interval):
    network = sequence(
        layers.GaussianNoise(0.5, seed=1),
        layers.SpectralNormalization(layers.Dense(4)),
        layers.Dropout(0.5, seed=2),
        layers.Dense(1),
    )
    before = [np.array(ops.convert_to_numpy(v)) for v in network.variables]
    assert len(before) > 4, "seeds and spectral vectors are variables"
    value("r1", network, interval=interval)
    for variable, old in zip(network.variables, before, strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(variable), old)
    # A forward pass in training does change them.
    network(ops.ones((2, SIZE)), training=True)
    changed = [
        (ops.convert_to_numpy(v) != old).any()
        for v, old in zip(network.variables, before, strict=True)
    ]
    assert sum(changed) >= 3


# === Terms and arguments ===


@places
def test_terms_payers_and_seats(place):
    kind, critic, _ = PLACES[place]
    loss = kind(gamma=0.4, critic=critic)
    assert loss.terms() == {place: {critic: 0.2}}
    seats = {
        "r1": {"discriminator"},
        "r2": {"discriminator", "generator"},
        "latent_r1": {"latent_discriminator"},
        "latent_r2": {"latent_discriminator", "encoder"},
    }
    assert set(loss.seats) == seats[place]
    assert set(kind(critic=critic, name="mine").terms()) == {"mine"}


@pytest.mark.parametrize("kind", [R2Penalty, GradientPenalty])
@pytest.mark.parametrize(
    ("critic", "fake"),
    [
        ("discriminator", "reconstructed"),
        ("latent_discriminator", "recovered_codes"),
    ],
)
def test_it_may_look_at_other_fakes(kind, critic, fake):
    loss = kind(critic=critic, fake=fake)
    assert set(loss.seats) == {critic, "generator", "encoder"}
    again = kind.from_config(loss.get_config())
    assert again.get_config() == loss.get_config()
    # None other than these are made.
    real = {"discriminator": "data", "latent_discriminator": "prior_codes"}
    made = {
        name: ops.convert_to_tensor(np.full((3, SIZE), value, "float32"))
        for name, value in ((real[critic], 0.0), (fake, 1.0))
    }
    rollout = Rollout({critic: linear()}, None, None, _draw, 0, None, True)
    rollout._codes["generated"] = made.pop("recovered_codes", None)
    vars(rollout).update(made)
    points = ops.convert_to_numpy(loss._points(rollout))
    assert (points > 0).all() and (points <= 1).all()
    with pytest.raises(ValueError, match=f"one of .* for the {critic}"):
        kind(critic=critic, fake="data")


def _draw(kind, shape):
    return keras.random.uniform(shape, -0.9, 0.9)


@places
def test_config_round_trip(place):
    kind, critic, _ = PLACES[place]
    loss = kind(0.3, 8, critic, name="mine")
    config = keras.saving.serialize_keras_object(loss)
    again = keras.saving.deserialize_keras_object(config)
    assert type(again) is kind
    assert again.get_config() == loss.get_config()
    assert (again.gamma, again.interval, again.critic) == (0.3, 8, critic)
    assert again.terms() == {"mine": {critic: 0.15}}


@pytest.mark.parametrize("kind", [R1Penalty, R2Penalty])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"gamma": -1}, "a gamma of 0 or more. Received: gamma=-1"),
        ({"gamma": np.nan}, "a gamma of 0 or more"),
        ({"interval": 0}, "a whole number of steps, 1 or more"),
        ({"interval": 2.5}, "a whole number of steps, 1 or more"),
        (
            {"critic": "generator"},
            r"one of \['discriminator', 'latent_discriminator'\]",
        ),
    ],
)
def test_bad_arguments(kind, arguments, message):
    with pytest.raises(ValueError, match=message):
        kind(**arguments)
