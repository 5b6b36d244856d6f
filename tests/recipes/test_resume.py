"""Every recipe, saved in the middle of a training, ends where it would have."""

import cases
import keras
import numpy as np
import pytest

from keras_aegan import recipes


def fit(model, data, until, start=0):
    model.fit(
        data,
        batch_size=8,
        epochs=until,
        initial_epoch=start,
        shuffle=False,
        verbose=0,
    )


@pytest.mark.parametrize("name", recipes.names())
def test_saved_and_loaded(name, tmp_path):
    case = cases.CASES[name]
    data = case.data(24)
    whole, first = case.build(), case.build()
    fit(whole, data, until=2)
    fit(first, data, until=1)
    first.save(tmp_path / "half.keras")
    second = keras.saving.load_model(tmp_path / "half.keras")
    fit(second, data, until=2, start=1)

    wanted = [*whole.variables, *whole.optimizer.variables]
    found = [*second.variables, *second.optimizer.variables]
    for one, other in zip(wanted, found, strict=True):
        np.testing.assert_array_equal(
            other.numpy(), one.numpy(), err_msg=one.path
        )
