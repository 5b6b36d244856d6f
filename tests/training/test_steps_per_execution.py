"""Several batches a call make the same training as one batch a call."""

import keras
import numpy as np
import pytest

from keras_aegan import recipes


def weights(model):
    state = [*model.variables, *model.optimizer.variables]
    return [keras.ops.convert_to_numpy(variable) for variable in state]


def trained(tiny_model, x, per_execution, interval=4, epochs=1, **options):
    keras.utils.set_random_seed(0)
    model = tiny_model(
        ("discriminator",), penalty_interval=interval, ema_momentum=0.9
    )
    model.compile(
        keras.optimizers.Adam(1e-3),
        steps_per_execution=per_execution,
        **options,
    )
    history = model.fit(x, batch_size=4, epochs=epochs, verbose=0)
    return model, history.history


def assert_same(ours, theirs):
    # A loop may be compiled to sums in another order.
    for a, b in zip(weights(ours), weights(theirs), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


# Executions of 3, 3, 3 and 1 steps, and of 8 and 2; with a last batch that is
# smaller than the others; penalties in the steps 0, 4 and 8.
@pytest.mark.parametrize(
    ("per_execution", "interval", "samples"),
    [(3, 4, 40), (8, 4, 40), (8, 4, 39), (4, 1, 40)],
)
def test_weights_are_those_of_single_steps(
    tiny_model, images, per_execution, interval, samples
):
    x = images(samples)
    ours, log = trained(tiny_model, x, per_execution, interval)
    theirs, wanted = trained(tiny_model, x, 1, interval)
    assert int(ours.step) == 10
    assert_same(ours, theirs)
    assert set(log) == set(wanted)
    for name in wanted:
        assert log[name] == pytest.approx(wanted[name], rel=1e-5)


def test_uncompiled_steps(tiny_model, images):
    x = images(16)
    ours, _ = trained(tiny_model, x, 3, run_eagerly=True)
    theirs, _ = trained(tiny_model, x, 1)
    assert_same(ours, theirs)


def test_penalties_go_on_where_a_training_was_left(
    tiny_model, images, tmp_path
):
    """Five steps are saved; the next penalty is due in the third after."""
    x = images(20)
    ours, _ = trained(tiny_model, x, 3)
    ours.save(tmp_path / "half.keras")
    ours = keras.saving.load_model(tmp_path / "half.keras")
    theirs, _ = trained(tiny_model, x, 1)
    for model in (ours, theirs):
        model.fit(x, batch_size=4, shuffle=False, verbose=0)
    assert ours.steps_per_execution == 3
    assert_same(ours, theirs)


def test_callbacks_are_called_once_an_execution(tiny_model, images):
    model = tiny_model()
    model.compile("adam", steps_per_execution=4)
    seen = []
    callback = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: seen.append(batch)
    )
    model.fit(images(40), batch_size=4, callbacks=[callback], verbose=0)
    assert len(seen) == 3
    assert seen[:2] == [3, 7]


def test_evaluation_and_prediction_read_every_batch(tiny_model, images):
    x = images(40)
    model = tiny_model()
    found = []
    for per_execution in (1, 4):
        model.compile("adam", steps_per_execution=per_execution)
        seed = model.seed_generator.state
        seed.assign(np.zeros(seed.shape))
        losses = model.evaluate(x, batch_size=4, verbose=0, return_dict=True)
        found.append((losses, model.predict(x, batch_size=4, verbose=0)))
    (one, made), (several, made_again) = found
    for name in one:
        assert several[name] == pytest.approx(one[name], rel=1e-5), name
    np.testing.assert_allclose(made_again, made, rtol=1e-5)


def test_convolutions():
    shape = (16, 16, 1)
    x = np.random.default_rng(0).integers(0, 256, (24, *shape), dtype="uint8")
    found = []
    for per_execution in (1, 4):
        model = recipes.gan(shape, 4, width=4, gamma=1.0, seed=0)
        for variable in model.trainable_variables:
            random = np.random.default_rng(len(variable.shape))
            variable.assign(random.normal(0, 0.1, variable.shape))
        model.compile(steps_per_execution=per_execution)
        model.fit(x, batch_size=4, shuffle=False, verbose=0)
        found.append(model)
    assert_same(*found)
