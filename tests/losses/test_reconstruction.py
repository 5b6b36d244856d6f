from types import SimpleNamespace

import keras
import numpy as np
import pytest
from keras import ops

from keras_aegan import networks
from keras_aegan.critics import judge
from keras_aegan.losses import (
    CriticReconstructionLoss,
    LatentReconstructionLoss,
    ReconstructionLoss,
)

FORMULAS = {
    "mae": lambda a, b: np.mean(np.abs(a - b)),
    "mse": lambda a, b: np.mean((a - b) ** 2),
}
LOSSES = {
    "reconstruction": (ReconstructionLoss, "data", "reconstructed", "mae"),
    "latent_reconstruction": (
        LatentReconstructionLoss,
        "prior_codes",
        "recovered_codes",
        "mse",
    ),
}
each = pytest.mark.parametrize("term", LOSSES)


@each
@pytest.mark.parametrize("distance", ["mae", "mse"])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_values(term, distance, dtype):
    kind, start, end, _ = LOSSES[term]
    rng = np.random.default_rng(0)
    # Values that bfloat16 holds exactly.
    a, b = rng.integers(-8, 8, (2, 5, 3, 2)) / 8.0
    rollout = SimpleNamespace(
        **{start: ops.cast(a, dtype), end: ops.cast(b, dtype)}
    )
    (value,) = kind(distance, weight=7.0).values(rollout).values()
    assert keras.backend.standardize_dtype(value.dtype) == "float32"
    # The weight is the payers' business, not the logs'.
    assert float(value) == pytest.approx(FORMULAS[distance](a, b), rel=1e-5)


@each
def test_terms_payers_and_seats(term):
    kind, _, _, default = LOSSES[term]
    loss = kind(weight=3.0)
    assert loss.distance == default
    assert loss.terms() == {
        term: {"encoder": 3.0, "generator": 3.0, "prior": 3.0}
    }
    assert set(loss.seats) == {"encoder", "generator"}
    assert kind(players=("encoder",), name="mine").terms() == {
        "mine": {"encoder": 1.0}
    }


@each
def test_config_round_trip(term):
    kind, _, _, default = LOSSES[term]
    distance = "mse" if default == "mae" else "mae"
    loss = kind(distance, weight=2.5, players=("encoder",), name="mine")
    config = keras.saving.serialize_keras_object(loss)
    assert config["registered_name"] == f"keras_aegan>{kind.__name__}"
    again = keras.saving.deserialize_keras_object(config)
    assert again.get_config() == loss.get_config()
    assert again.terms() == {"mine": {"encoder": 2.5}}
    assert again.distance == distance


@each
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"distance": "l2"}, r"one of \['cross_entropy', 'gaussian', 'mae'"),
        ({"weight": -1.0}, "a weight of 0 or more. Received: weight=-1.0"),
        ({"weight": np.nan}, "a weight of 0 or more"),
        ({"players": ("decoder",)}, "players"),
        ({"players": "generator"}, "players"),
    ],
)
def test_bad_arguments(term, arguments, message):
    with pytest.raises(ValueError, match=message):
        LOSSES[term][0](**arguments)


class Judged:
    """A rollout of which a critic's results on data are read."""

    def __init__(self, data, **results):
        self.data = ops.convert_to_tensor(data)
        self.results = {k: ops.convert_to_tensor(v) for k, v in results.items()}

    def judgement(self, critic, what):
        assert (critic, what) == ("discriminator", "data")
        return judge(lambda inputs, training: self.results, self.data, True)


@pytest.mark.parametrize("augmented", [False, True])
def test_a_critic_redraws_what_it_saw(augmented):
    rng = np.random.default_rng(0)
    data, seen, drawn = rng.normal(size=(3, 5, 4)).astype("float32")
    results = {"reconstruction": drawn}
    if augmented:
        results["seen"] = seen
    loss = CriticReconstructionLoss("mse")
    (found,) = loss.values(Judged(data, **results)).values()
    wanted = np.mean((drawn - (seen if augmented else data)) ** 2)
    assert float(found) == pytest.approx(wanted, rel=1e-5)


def test_an_augmented_critic_gives_what_it_saw():
    critic = networks.discriminator(
        (16, 2),
        4,
        outputs=("score", "reconstruction"),
        augment=("cutout",),
    )
    data = np.ones((4, 16, 2), "float32")
    judged = critic(data, training=True)
    seen = ops.convert_to_numpy(judged["seen"])
    assert set(np.unique(seen)) == {0.0, 1.0}
    at_use = critic(data, training=False)["seen"]
    np.testing.assert_array_equal(ops.convert_to_numpy(at_use), data)
