from collections import Counter

import numpy as np
import pytest
from keras import ops

from keras_aegan.rollout import Rollout

TENSORS = (
    "prior_codes",
    "codes",
    "generated",
    "reconstructed",
    "recovered_codes",
)


class Counted:
    """A network that counts its calls and remembers how it was called."""

    def __init__(self, seat, network, calls, modes):
        self.seat, self.network = seat, network
        self.calls, self.modes = calls, modes

    @property
    def trainable(self):
        return self.network.trainable

    @property
    def inputs(self):
        return self.network.inputs

    @property
    def output(self):
        return self.network.output

    def __call__(self, inputs, training):
        self.calls[self.seat] += 1
        self.modes.add(training)
        return self.network(inputs, training=training)


@pytest.fixture
def batch(images):
    rng = np.random.default_rng(0)
    data = ops.convert_to_tensor(images(3).astype("float32") / 127.5 - 1)
    return data, ops.convert_to_tensor(rng.normal(size=(3, 4)).astype("f"))


@pytest.fixture
def play(tiny_networks, batch):
    """A rollout, its networks and the count of their calls."""
    networks, calls, modes = tiny_networks(), Counter(), set()
    counted = {s: Counted(s, n, calls, modes) for s, n in networks.items()}
    return Rollout(counted, *batch, None, 0, None, True), networks, calls, modes


def test_nothing_is_computed_before_it_is_read(play):
    _, _, calls, _ = play
    assert not calls


@pytest.mark.parametrize(
    ("read", "wanted"),
    [
        (["prior_codes"], {}),
        (["codes"], {"encoder": 1}),
        (["generated"], {"generator": 1}),
        (["reconstructed"], {"encoder": 1, "generator": 1}),
        (["recovered_codes"], {"encoder": 1, "generator": 1}),
        (["codes", "reconstructed"], {"encoder": 1, "generator": 1}),
        (TENSORS, {"encoder": 2, "generator": 2}),
    ],
)
def test_each_tensor_is_computed_once(play, read, wanted):
    rollout, _, calls, modes = play
    for _ in range(3):
        for name in read:
            getattr(rollout, name)
    assert calls == wanted
    assert modes <= {True}


def test_each_score_is_computed_once(play):
    rollout, _, calls, _ = play
    for _ in range(3):
        for what in ("data", "generated"):
            rollout.score("discriminator", what)
        rollout.score("latent_discriminator", "prior_codes")
    assert calls == {
        "discriminator": 2,
        "generator": 1,
        "latent_discriminator": 1,
    }


def test_what_is_read_equals_direct_calls(play, batch):
    rollout, networks, _, _ = play
    data, noise = batch
    encode, generate = networks["encoder"], networks["generator"]
    wanted = {
        "prior_codes": noise,
        "codes": encode(data),
        "generated": generate(noise),
        "reconstructed": generate(encode(data)),
        "recovered_codes": encode(generate(noise)),
    }
    for name, tensor in wanted.items():
        np.testing.assert_allclose(
            ops.convert_to_numpy(getattr(rollout, name)),
            ops.convert_to_numpy(tensor),
            rtol=1e-6,
            atol=1e-6,
            err_msg=name,
        )
    for critic, whats in {
        "discriminator": ("data", "generated", "reconstructed"),
        "latent_discriminator": ("prior_codes", "codes", "recovered_codes"),
    }.items():
        for what in whats:
            tensor = data if what == "data" else wanted[what]
            np.testing.assert_allclose(
                ops.convert_to_numpy(rollout.score(critic, what)),
                ops.convert_to_numpy(networks[critic](tensor)),
                rtol=1e-6,
                atol=1e-6,
                err_msg=what,
            )


def test_a_prior_network_makes_the_codes_from_the_noise(tiny_networks, batch):
    data, noise = batch
    prior = tiny_networks(shape=(4,))["encoder"]
    rollout = Rollout({"prior": prior}, data, noise, None, 0, None, False)
    np.testing.assert_allclose(
        ops.convert_to_numpy(rollout.prior_codes),
        ops.convert_to_numpy(prior(noise)),
        rtol=1e-6,
    )


@pytest.mark.parametrize("training", [True, False])
def test_the_networks_run_in_the_mode_of_the_rollout(play, batch, training):
    _, _, _, modes = play
    counted = play[0].networks
    rollout = Rollout(counted, *batch, None, 0, None, training)
    rollout.score("discriminator", "reconstructed")
    assert modes == {training}
