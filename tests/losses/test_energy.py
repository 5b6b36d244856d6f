import keras
import numpy as np
import pytest
from keras import ops

from keras_aegan import AEGAN, losses, networks
from keras_aegan.losses.energy import pulling_away
from keras_aegan.losses.input_gradient import input_gradient
from keras_aegan.rollout import Rollout

ENERGIES = {
    "margin": lambda **kw: losses.MarginEnergyLoss(0.2, pulling_away=0, **kw),
    "equilibrium": losses.EquilibriumEnergyLoss,
    "adaptive": losses.AdaptiveMarginEnergyLoss,
}


def shifted():
    """A critic that sees all a step higher, and draws nothing but zeros."""
    data = keras.Input((3,))
    seen = keras.layers.Rescaling(1.0, offset=2.0)(data)
    drawn = keras.layers.Dense(3, kernel_initializer="zeros")(seen)
    return keras.Model(data, {"reconstruction": drawn, "seen": seen})


def number(tensor):
    return float(ops.convert_to_numpy(ops.stop_gradient(tensor)))


def rolled_out(critic):
    data = ops.convert_to_tensor(np.ones((4, 3), "float32"))
    rollout = Rollout(
        {"discriminator": critic}, data, None, None, 0, None, True
    )
    rollout.generated = ops.convert_to_tensor(np.zeros((4, 3), "float32"))
    return rollout


@pytest.mark.parametrize("kind", ENERGIES)
def test_the_energy_is_held_to_what_the_critic_saw(kind):
    loss = ENERGIES[kind](distance="mse")
    values = loss.values(rolled_out(shifted()))
    # (0 - 3)^2 and, of fakes, (0 - 2)^2.
    assert number(values["discriminator_real_energy"]) == pytest.approx(9.0)
    if kind != "adaptive":  # Whose creators wait.
        assert number(values["discriminator_fooling"]) == pytest.approx(4.0)


def test_the_score_of_an_autoencoder_is_held_to_what_it_saw():
    scores = rolled_out(shifted()).score("discriminator", "data")
    assert number(ops.mean(scores)) == pytest.approx(-9.0)


def test_codes_that_are_all_zero_have_a_gradient():
    codes = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")
    codes[1] = 0.0
    gradient = input_gradient(pulling_away, ops.convert_to_tensor(codes))
    gradient = ops.convert_to_numpy(ops.stop_gradient(gradient))
    assert np.isfinite(gradient).all()
    assert np.abs(gradient[0]).max() > 0.01
    assert float(pulling_away(ops.convert_to_tensor(codes))) == pytest.approx(
        _mean_of_squared_cosines(codes), rel=1e-5
    )


def _mean_of_squared_cosines(codes):
    codes = codes / np.maximum(np.linalg.norm(codes, axis=1), 1e-8)[:, None]
    return np.mean(((codes @ codes.T) ** 2)[~np.eye(len(codes), dtype=bool)])


@pytest.mark.parametrize("kind", ENERGIES)
def test_two_energies_are_told_apart_by_their_name(kind):
    first = ENERGIES[kind]()
    second = ENERGIES[kind](fake="reconstructed", name="cycle")
    assert not set(first.terms()) & set(second.terms())
    assert set(second.terms()) == set(
        second.values(_with_reconstructions(shifted()))
    )


def _with_reconstructions(critic):
    rollout = rolled_out(critic)
    rollout.reconstructed = rollout.generated
    return rollout


def test_pulling_away_needs_a_reconstruction_too():
    with pytest.raises(ValueError, match="to give 'reconstruction'"):
        AEGAN(
            networks.dense_generator((3,), 2),
            discriminator=networks.dense_discriminator(
                (3,), outputs=("score", "features")
            ),
            losses=[losses.MarginEnergyLoss(0.2)],
        )
