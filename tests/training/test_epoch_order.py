"""Each epoch has an order of its own, which depends on the model alone."""

import types

import keras
import numpy as np
import pytest

from keras_aegan.training.epoch_order import EpochOrder


def _seed(step, state=(1, 2)):
    variables = {
        "step": keras.Variable(step, dtype="int32", trainable=False),
        "seed_generator": types.SimpleNamespace(
            state=keras.Variable(
                np.array(state, "uint32"), dtype="uint32", trainable=False
            )
        ),
    }
    order = EpochOrder()
    order.set_model(types.SimpleNamespace(**variables))
    order.on_epoch_begin(0)
    return order.seed


def test_it_depends_on_how_far_the_training_has_come():
    seeds = [_seed(0), _seed(20), _seed(20, state=(1, 3)), _seed(20)]
    assert len(set(seeds)) == 3 and seeds[1] == seeds[3]


if keras.backend.backend() == "tensorflow":
    from keras_aegan.training.tensorflow import _shuffled

    @pytest.mark.parametrize("batch_size", [3, 4, 5, 20])
    def test_all_samples_come_once_in_another_order(batch_size):
        x, order = np.arange(100, 112)[:, None], EpochOrder()
        dataset = _shuffled(x, batch_size, order)
        assert dataset.cardinality() == -(-12 // batch_size)
        epochs = []
        for order.seed in (1, 2, 1):
            batches = [np.ravel(batch) for (batch,) in dataset]
            sizes = [len(batch) for batch in batches[:-1]]
            assert sizes == [batch_size] * len(sizes)
            epochs.append(np.concatenate(batches).tolist())
        assert epochs[0] == epochs[2] != epochs[1]
        assert sorted(epochs[0]) == sorted(epochs[1]) == list(range(100, 112))
        (shape,) = {tuple(spec.shape) for spec in dataset.element_spec}
        assert shape == (None if 12 % batch_size else batch_size, 1)
