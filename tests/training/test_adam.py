"""On TensorFlow Adam's update is one kernel; it has to be Keras's."""

import keras
import numpy as np
import pytest
from cases import CASES

if keras.backend.backend() == "tensorflow":

    @pytest.mark.parametrize(
        "settings",
        [
            {},
            {"beta_1": 0.0, "beta_2": 0.99},
            {"weight_decay": 0.1, "clipnorm": 0.01},
            {"amsgrad": True},
            {
                "learning_rate": keras.optimizers.schedules.CosineDecay(
                    0.01, 4, warmup_target=0.02, warmup_steps=2
                )
            },
        ],
    )
    def test_it_is_that_of_keras(settings):
        def adam():
            return keras.optimizers.Adam(**{"learning_rate": 0.01} | settings)

        case = CASES["autoencoder"]
        model, data = case.build(), case.data(8)
        start = model.get_weights()
        model.compile(adam())
        for _ in range(4):
            model.train_on_batch(data)
        ours = [variable.numpy() for variable in model.optimizer.variables]

        twin = case.build()
        twin.set_weights(start)
        twin.compile(adam())
        for player in twin.players:
            # A class of its own is left as it is.
            of_keras = type("Adam", (keras.optimizers.Adam,), {})
            twin.optimizer[player].__class__ = of_keras
        for _ in range(4):
            twin.train_on_batch(data)
        theirs = [variable.numpy() for variable in twin.optimizer.variables]
        for a, b in zip(model.get_weights(), twin.get_weights(), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-7)
        moved = [
            np.abs(a - b).max()
            for a, b in zip(start, model.get_weights(), strict=True)
        ]
        assert max(moved) > 0.01
