"""A recorded step of every recipe computes what the step did, on PyTorch."""

import cases
import keras
import numpy as np
import pytest

if keras.backend.backend() == "torch":
    from keras_aegan.training.recording import Recorder

    @pytest.mark.parametrize("name", cases.CASES)
    def test_a_recorded_training_is_the_same(name, monkeypatch):
        monkeypatch.setattr(Recorder, "PATIENCE", 2)
        results = []
        for jit_compile in (False, "auto"):
            keras.utils.set_random_seed(0)
            model = cases.CASES[name].build()
            model.compile(jit_compile=jit_compile)
            # Batches of eight, eight and four, in each epoch's own order.
            data = cases.CASES[name].data(20)
            history = model.fit(data, batch_size=8, epochs=5, verbose=0)
            variables = [*model.variables, *model.optimizer.variables]
            results.append((history.history, variables))
        assert len(model._recorder.records) == 2
        assert all(model._recorder.records.values())
        (logs, variables), (logs_again, variables_again) = results
        for key, values in logs.items():
            np.testing.assert_array_equal(logs_again[key], values, key)
        for one, other in zip(variables, variables_again, strict=True):
            np.testing.assert_array_equal(
                *map(keras.ops.convert_to_numpy, (other, one)), one.path
            )
