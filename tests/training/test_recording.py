"""Steps of PyTorch that are recorded and repeated."""

import contextlib
import threading

import keras
import numpy as np
import pytest
from keras import ops

from keras_aegan import layers, losses

if keras.backend.backend() == "torch":
    import torch

    from keras_aegan.training.recording import Record, Recorder

    @pytest.fixture(autouse=True)
    def impatient(monkeypatch):
        monkeypatch.setattr(Recorder, "PATIENCE", 2)

    # === The same training ===

    def critic(*inner):
        """A discriminator that begins with these layers."""
        judged = keras.Input((6, 4, 1))
        outputs = keras.layers.Flatten()(judged)
        for layer in (*inner, keras.layers.Dense(4, activation="tanh")):
            outputs = layer(outputs)
        return keras.Model(judged, keras.layers.Dense(1)(outputs))

    def game(tiny_model, *inner, **kwargs):
        terms = [
            losses.DataAdversarialLoss(),
            losses.R1Penalty(1.0, interval=2),
            losses.ReconstructionLoss("mse"),
        ]
        seats = ("encoder", "discriminator")
        return tiny_model(
            seats, discriminator=critic(*inner), losses=terms, **kwargs
        )

    def trained(model, x, optimizer="adam", callbacks=None, **compiled):
        model.compile(optimizer, **compiled)
        history = model.fit(
            x, batch_size=4, epochs=6, callbacks=callbacks, verbose=0
        )
        variables = [*model.variables, *model.optimizer.variables]
        return history.history, list(map(ops.convert_to_numpy, variables))

    def twice(make, x, jit_compile="auto", **kwargs):
        """A training unrecorded, the same one recorded, and its records."""
        results = []
        for how in (False, jit_compile):
            keras.utils.set_random_seed(0)
            model = make()
            results.append(trained(model, x, jit_compile=how, **kwargs))
        return *results, records(model)

    def records(model):
        kinds = model._recorder.records.values()
        return [record for kind in kinds for record in kind.values()]

    def noise():
        return keras.layers.Dropout(0.3), layers.GaussianNoise(0.1)

    @pytest.mark.parametrize(
        "updates",
        [
            "simultaneous",
            "alternating",
            [["discriminator"], ["encoder"], ["generator"], ["discriminator"]],
        ],
    )
    def test_noise_is_each_steps_own(tiny_model, images, updates):
        one, other, found = twice(
            lambda: game(tiny_model, *noise(), updates=updates), images(10)
        )
        np.testing.assert_equal(other, one)
        assert len(found) == 4  # Due or not, of four images or of two.

    @pytest.mark.parametrize("policy", ["mixed_bfloat16", "float32"])
    @pytest.mark.parametrize(
        "optimizer",
        ["sgd", "adamw", "rmsprop", "adagrad", "lion", "muon"],
    )
    def test_every_optimizer(tiny_model, images, optimizer, policy):
        keras.config.set_dtype_policy(policy)
        one, other, found = twice(
            lambda: game(tiny_model), images(8), optimizer=optimizer
        )
        np.testing.assert_equal(other, one)
        assert len(found) == 2

    def test_compiled(tiny_model, images):
        (logs, one), (logs_again, other), found = twice(
            lambda: game(tiny_model, *noise()), images(8), jit_compile=True
        )
        assert len(found) == 2
        assert all(
            isinstance(record._program, torch._dynamo.OptimizedModule)
            for record in found
        )
        for a, b in zip(one, other, strict=True):
            np.testing.assert_allclose(b, a, rtol=1e-4, atol=1e-6)
        for name, values in logs.items():
            np.testing.assert_allclose(logs_again[name], values, rtol=1e-5)

    def test_what_callbacks_change_counts(tiny_model, images, tmp_path):
        other = game(tiny_model)
        trained(other, images(8, seed=1))
        other.save_weights(tmp_path / "other.weights.h5")

        class Change(keras.callbacks.Callback):
            def on_epoch_begin(self, epoch, logs=None):
                if epoch == 3:
                    self.model.load_weights(tmp_path / "other.weights.h5")
                for optimizer in self.model.optimizer.optimizers:
                    optimizer.learning_rate = 0.01 / (epoch + 1)
                self.model.step.assign([0, 1, 7, 4, 3, 3][epoch])

        one, other, found = twice(
            lambda: game(tiny_model), images(8), callbacks=[Change()]
        )
        np.testing.assert_equal(other, one)
        assert len(found) == 2

    def test_a_schedule_goes_on(tiny_model, images):
        rate = keras.optimizers.schedules.CosineDecay(0.1, 12)
        one, other, _ = twice(
            lambda: game(tiny_model),
            images(8),
            optimizer=keras.optimizers.Adam(rate),
        )
        np.testing.assert_equal(other, one)

    # === When ===

    def test_only_what_is_made_often(tiny_model, images, monkeypatch):
        monkeypatch.setattr(Recorder, "PATIENCE", 16)
        model = game(tiny_model)
        model.compile("sgd")
        counts = []
        for _ in range(33):
            model.train_on_batch(images(4))
            counts.append(len(records(model)))
        # Every second step is due.
        assert counts == [0] * 30 + [1, 2, 2]

    @pytest.mark.parametrize("how", ["run_eagerly", "jit_compile"])
    def test_not_where_it_is_unwanted(tiny_model, images, how):
        model = game(tiny_model)
        trained(model, images(4), **{how: how == "run_eagerly"})
        assert model._recorder is None

    def test_anew_after_compile(tiny_model, images):
        model = game(tiny_model)
        trained(model, images(4))
        before = records(model)
        trained(model, images(4), optimizer="sgd")
        assert len(before) == len(records(model)) == 2
        assert not set(map(id, before)) & set(map(id, records(model)))

    # === What cannot be recorded ===

    class Looking(keras.layers.Layer):
        """It decides by a value."""

        def call(self, inputs):
            return inputs if ops.max(inputs) > 0 else 2 * inputs

    class Drawing(keras.layers.Layer):
        def __init__(self, seed=None, **kwargs):
            super().__init__(**kwargs)
            self.seed = seed

        def call(self, inputs):
            return inputs + keras.random.normal(
                ops.shape(inputs), seed=self.seed
            )

    @pytest.mark.parametrize(
        "layer",
        [Looking(), Drawing(), Drawing(seed=3)],
        ids=["looking", "unseeded", "fixed"],
    )
    def test_it_goes_on_unrecorded(tiny_model, images, layer):
        one, other, found = twice(lambda: game(tiny_model, layer), images(8))
        np.testing.assert_equal(other, one)
        assert not found

    @pytest.mark.parametrize(
        "optimizer",
        [
            keras.optimizers.Adam(gradient_accumulation_steps=2),
            keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam()),
        ],
        ids=["accumulation", "loss scale"],
    )
    def test_an_optimizer_that_looks(tiny_model, images, optimizer):
        one, other, found = twice(
            lambda: game(tiny_model), images(8), optimizer=optimizer
        )
        np.testing.assert_equal(other, one)
        assert not found

    def test_a_variable_of_nobodys_is_counted_once_a_step(tiny_model, images):
        steps = keras.Variable(0.0, trainable=False)

        class Counting(losses.ReconstructionLoss):
            def after_step(self, values):
                steps.assign_add(1.0)

        model = tiny_model(("encoder",), losses=[Counting("mse")])
        trained(model, images(8))
        assert float(steps.value) == 12
        assert not records(model)

    def modules():
        """Modules of PyTorch's with buffers, in a layer of Keras's."""
        module = torch.nn.Sequential(
            torch.nn.utils.spectral_norm(torch.nn.Linear(24, 8)),
            torch.nn.BatchNorm1d(8),
            torch.nn.Dropout(0.2),
            torch.nn.utils.spectral_norm(torch.nn.Linear(8, 24)),
        )
        return keras.layers.TorchModuleWrapper(module, output_shape=(None, 24))

    def test_modules_of_pytorch(tiny_model, images):
        layers = []

        def make():
            torch.manual_seed(0)
            layers.append(modules())
            return game(tiny_model, layers[-1])

        one, other, found = twice(make, images(8))
        np.testing.assert_equal(other, one)
        assert len(found) == 2
        buffers = [dict(layer.named_buffers()) for layer in layers]
        for name, buffer in buffers[0].items():
            np.testing.assert_array_equal(buffers[1][name], buffer, name)
        assert "num_batches_tracked" in " ".join(buffers[0])

    @pytest.mark.parametrize("is_first", [True, False])
    def test_the_order_of_memory_may_change(tiny_model, images, is_first):
        model = tiny_model()
        model.compile("sgd")
        data = torch.tensor(images(4))
        other = data.permute(0, 2, 1, 3).contiguous().permute(0, 2, 1, 3)
        assert other.stride() != data.stride()
        pair = (data, other) if is_first else (other, data)
        for batch in [pair[0]] * 3 + [pair[1]] * 3:
            model.train_on_batch(batch)
        assert len(records(model)) == 2

    def test_not_under_autocast(tiny_model, images):
        model = game(tiny_model)
        model.compile("sgd")
        with torch.autocast("cpu", torch.bfloat16):
            for _ in range(6):
                model.train_on_batch(images(4))
        assert not records(model)

    def test_who_asks_for_it_is_told(tiny_model, images):
        model = game(tiny_model, Looking())
        with pytest.warns(UserWarning, match="(?s)cannot be recorded.*goes on"):
            trained(model, images(8), jit_compile=True)
        assert not records(model)

    def test_a_missing_compiler(tiny_model, images, monkeypatch):
        def compiled(program):
            def fail(*inputs):
                raise torch._dynamo.exc.TorchDynamoException("no compiler")

            return fail

        def make():
            return game(tiny_model, *noise())

        monkeypatch.setattr(torch, "compile", compiled)
        with pytest.warns(UserWarning, match="no compiler") as told:
            one, other, found = twice(make, images(8), jit_compile=True)
        np.testing.assert_equal(other, one)
        told = [each for each in told if "no compiler" in str(each.message)]
        assert len(found) == len(told) == 2

    # === One record ===

    def state_of(*variables):
        return [variable.value for variable in variables]

    def test_recording_changes_nothing():
        total = keras.Variable(np.ones((3,), "float32"), trainable=False)
        steps = keras.Variable(5, dtype="int32", trainable=False)
        source = keras.random.SeedGenerator(1)

        def play(batch):
            steps.assign_add(1)
            total.assign(total + batch * steps)
            with keras.StatelessScope():  # Its draw is forgotten.
                keras.random.normal((3,), seed=source)
            return {"drawn": keras.random.normal((3,), seed=source)}

        state = state_of(total, steps, source.state)
        with torch.no_grad():
            record = Record(play, state, torch.ones(3))
            np.testing.assert_array_equal(total, [1, 1, 1])
            assert int(steps.value) == 5
            np.testing.assert_array_equal(source.state, [1, 0])
            again = keras.random.SeedGenerator(1)
            for number in (1, 2):
                drawn = record(torch.full((3,), 2.0))["drawn"]
                wanted = keras.random.normal((3,), seed=again)
                np.testing.assert_array_equal(drawn, wanted)
                np.testing.assert_array_equal(source.state, [1, number])
        np.testing.assert_array_equal(total, 3 * [1 + 2 * 6 + 2 * 7])

    def test_other_threads_draw_meanwhile():
        mine, theirs = (keras.random.SeedGenerator(n) for n in (1, 2))
        drawn = []

        def elsewhere():
            drawn.append(theirs.next().tolist())

        def play(batch):
            thread = threading.Thread(target=elsewhere)
            thread.start()
            thread.join()
            return batch + keras.random.normal((3,), seed=mine)

        Record(play, state_of(mine.state), torch.ones(3))
        assert drawn == [[2, 0]]
        np.testing.assert_array_equal(theirs.state, [2, 1])

    def test_two_threads_record_one_after_the_other():
        original = keras.random.SeedGenerator.next
        found = []

        def record(seed):
            source = keras.random.SeedGenerator(seed)

            def play(batch):
                for _ in range(50):
                    batch = batch + keras.random.normal((3,), seed=source)
                return batch

            found.append(Record(play, state_of(source.state), torch.ones(3)))

        threads = [threading.Thread(target=record, args=(n,)) for n in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(found) == 3
        assert keras.random.SeedGenerator.next is original

    def test_the_processes_seed_stays():
        source = keras.random.SeedGenerator(1)

        def play(batch):  # It seeds the process's generator for a while.
            return batch + keras.random.gamma((3,), 1.0, seed=source)

        torch.manual_seed(7)
        wanted = torch.rand(3)
        torch.manual_seed(7)
        with contextlib.suppress(Exception):
            Record(play, state_of(source.state), torch.ones(3))
        np.testing.assert_array_equal(torch.rand(3), wanted)

    def test_what_fails_undoes_its_draws():
        source = keras.random.SeedGenerator(1)

        def play(batch):
            noise = keras.random.normal((3,), seed=source)
            return batch if noise.sum() > 0 else noise

        with pytest.raises(Exception, match="data-dependent|Data-dependent"):
            Record(play, state_of(source.state), torch.ones(3))
        np.testing.assert_array_equal(source.state, [1, 0])
        keras.random.normal((3,), seed=source)
        np.testing.assert_array_equal(source.state, [1, 1])
