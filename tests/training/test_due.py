"""What a loss pays every so many steps."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_aegan import losses


class Lazy(losses.Loss):
    """Costs 1 where it is due, and names its interval as the user likes."""

    seats = ("encoder",)

    def __init__(self, interval, attribute, **kwargs):
        super().__init__(name="lazy", **kwargs)
        setattr(self, attribute, interval)
        self.asked = interval

    def terms(self):
        return {self.name: {"encoder": 1.0}}

    def values(self, rollout):
        due = ops.cast(rollout.is_due(self.asked), "float32")
        return {self.name: due + 0 * ops.mean(rollout.codes)}


def _model(tiny_model, attribute):
    reconstruction = losses.ReconstructionLoss()
    return tiny_model(("encoder",), losses=[reconstruction, Lazy(3, attribute)])


def test_a_loss_of_ones_own_is_due_every_so_many_steps(tiny_model, images):
    model = _model(tiny_model, "interval")
    found = [
        model.train_on_batch(images(), return_dict=True)["lazy"]
        for _ in range(7)
    ]
    np.testing.assert_array_equal(found, [1, 0, 0, 1, 0, 0, 1])


def test_what_is_due_follows_the_step_that_a_callback_sets(tiny_model, images):
    model = _model(tiny_model, "interval")
    steps = [0, 4, 6, 7, 3]
    back = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: model.step.assign(steps[epoch])
    )
    found = model.fit(
        images(8), batch_size=4, epochs=5, callbacks=[back], verbose=0
    )
    # Of two steps an epoch, a mean.
    np.testing.assert_array_equal(found.history["lazy"], [0.5, 0, 0.5, 0, 0.5])


def test_without_training_all_is_due(tiny_model, images):
    model = _model(tiny_model, "interval")
    for _ in range(2):
        found = model.evaluate(images(), verbose=0, return_dict=True)
        assert found["lazy"] == 1
        model.train_on_batch(images())


def test_jax_refuses_an_interval_that_it_does_not_know(tiny_model, images):
    model = _model(tiny_model, "every")
    if keras.backend.backend() != "jax":  # Any interval will do.
        assert model.train_on_batch(images(), return_dict=True)["lazy"] == 1
        return
    with pytest.raises(ValueError, match="`interval = 3` as its attribute"):
        model.train_on_batch(images())
