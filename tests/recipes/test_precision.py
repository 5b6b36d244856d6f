"""Every recipe pays and learns the same in half precision, to its rounding.

A piecewise linear network's gradient jumps where rounding moves a sample over
a kink: directions are compared, and the losses to a few roundings.
"""

import keras
import numpy as np
import pytest
from cases import CASES, fix
from keras import ops

from keras_aegan import AEGAN

#: Of a loss, and of the angle's cosine: bfloat16 has 8 bits, float16 has 11.
ROUNDING = {"mixed_bfloat16": 2.0**-5, "mixed_float16": 2.0**-8}
NAMES = [name for name in CASES if name == CASES[name].recipe]


def _lacks_float16_convolutions():
    """Whether this CPU has none in PyTorch, whose substitute lacks gradients.

    Of a convolution to one channel, in Keras's order of memory: "slow_conv2d:
    grad_weight must be contiguous". Other CPUs, and GPUs, have kernels.
    """
    if keras.backend.backend() != "torch":
        return False
    import torch

    layer = keras.layers.Conv2D(1, 3, dtype="mixed_float16")
    try:
        scores = layer(torch.ones(2, 4, 4, 2))
        torch.autograd.grad(scores.float().sum(), layer.kernel.value)
    except RuntimeError as error:
        return "slow_conv2d" in str(error)
    return False


def _is_convolutional(name):
    return len(CASES[name].build().data_shape) == 3


def _played(name, policy):
    """What each player pays, and its gradient as one vector."""
    keras.config.set_dtype_policy(policy)
    model = fix(CASES[name].build())
    model.compile("sgd")
    scale = 1.0
    if policy == "mixed_float16":
        scale = 2.0**7  # Where training ends up, from the 2**15 it starts at.
        for player in model.players:
            model.optimizer[player].dynamic_scale.assign(scale)
    data = model.spec.to_networks(CASES[name].data())
    totals, _, gradients = model._gradients(
        lambda: model._pay(data, model.players, model.networks, True),
        model._groups(model.players),
    )
    found = {}
    for player in model.players:
        parts = [ops.convert_to_numpy(g).ravel() for g in gradients[player]]
        vector = np.concatenate(parts).astype("float64") / scale
        found[player] = float(totals[player]), vector
    return found


@pytest.fixture(autouse=True)
def _restored():
    before = keras.config.dtype_policy()
    yield
    keras.config.set_dtype_policy(before)


@pytest.mark.parametrize("name", NAMES)
def test_losses_and_gradients_are_those_of_float32(name):
    expected = _played(name, "float32")
    for policy, rounding in ROUNDING.items():
        if (
            policy == "mixed_float16"
            and _lacks_float16_convolutions()
            and _is_convolutional(name)
        ):
            continue
        found = _played(name, policy)
        for player, (paid, gradient) in expected.items():
            paid_in_half, in_half = found[player]
            assert paid_in_half == pytest.approx(paid, rounding, rounding)
            lengths = np.linalg.norm(gradient), np.linalg.norm(in_half)
            assert lengths[1] == pytest.approx(lengths[0], 4 * rounding)
            cosine = gradient @ in_half / max(lengths[0] * lengths[1], 1e-12)
            assert cosine >= 1 - rounding or max(lengths) < 1e-12


@pytest.mark.parametrize("name", [*NAMES, "rae-gaussian"])
def test_what_is_loaded_in_half_precision_computes_as_what_was_built_in_it(
    name, tmp_path
):
    """What a network has in float32 for its own sake stays so."""
    CASES[name].build().save_to_preset(tmp_path / "preset")
    loaded = AEGAN.from_preset(tmp_path / "preset", dtype="mixed_bfloat16")
    keras.config.set_dtype_policy("mixed_bfloat16")
    built = CASES[name].build()
    assert _dtypes(loaded) == _dtypes(built)
    assert "bfloat16" in str(_dtypes(built))


def _dtypes(model):
    """What each layer computes in, but for models, which compute nothing."""
    return [
        (seat, type(layer).__name__, layer.compute_dtype)
        for seat, network in model.networks.items()
        for layer in network._flatten_layers()
        if not isinstance(layer, keras.Model | keras.layers.InputLayer)
    ]
