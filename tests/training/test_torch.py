"""What a step on PyTorch keeps, and a model as a module of PyTorch's."""

import gc

import keras
import numpy as np
import pytest

from keras_aegan import AEGAN, losses, networks

if keras.backend.backend() == "torch":
    import torch
    from torch.multiprocessing.reductions import StorageWeakRef

    class Square(keras.layers.Layer):
        """Its input is kept for the backward pass."""

        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.kept = []

        def call(self, inputs):
            inputs = inputs * 1.0
            if inputs.requires_grad:
                self.kept.append(StorageWeakRef(inputs.untyped_storage()))
            return inputs * inputs

    @pytest.mark.parametrize(
        "updates", ["simultaneous", "alternating", "one_stage"]
    )
    def test_nothing_is_kept_after_a_step(updates):
        keras.utils.set_random_seed(0)
        square = Square()
        made = networks.dense_generator((3,), 2, hidden_units=(4,))
        # Keras's `Add` leaves a cycle that holds what it added.
        sums = keras.layers.Add()([square(made.outputs[0]), made.outputs[0]])
        generator = keras.Model(made.inputs, sums)
        model = AEGAN(
            generator,
            networks.dense_encoder((3,), 2, hidden_units=(4,)),
            networks.dense_discriminator((3,), hidden_units=(4,)),
            losses=[
                losses.DataAdversarialLoss(),
                losses.ReconstructionLoss("mse"),
            ],
            updates=updates,
            ema_momentum=None,
            data_range=None,
            data_dtype="float32",
        )
        model.compile()
        data = torch.tensor(np.random.default_rng(0).normal(size=(8, 3)))
        model.train_step((data.float(),))
        square.kept.clear()
        gc.disable()  # As between two of its runs.
        try:
            model.train_step((data.float(),))
            gone = [each.expired() for each in square.kept]
        finally:
            gc.enable()
        # G(z) and G(E(x)), and not again when the critic alone moves.
        assert gone == [True, True]

    def test_a_model_is_a_module(tiny_model, images):
        model = tiny_model()
        found = {id(each) for each in model.parameters()}
        for network in model.networks.values():
            assert {id(v.value) for v in network.variables} <= found
        assert model.to("cpu") is model
        model.fit(images(8), batch_size=4, verbose=0)
        before = model.ema_generator.get_weights()
        model.half().float()
        for value, kept in zip(
            model.ema_generator.get_weights(), before, strict=True
        ):
            np.testing.assert_array_equal(value, kept.astype("float16"))
