from types import SimpleNamespace

import keras
import numpy as np
import pytest
from keras import ops

from keras_aegan.losses import LatentReconstructionLoss, ReconstructionLoss

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
