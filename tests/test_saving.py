import io
import zipfile
from collections import Counter

import h5py
import keras
import numpy as np
import pytest
from keras import ops

PLAYERS = ("discriminator", "latent_discriminator", "encoder", "generator")
POLICIES = ("float32", "mixed_float16")


def values(variables):
    return {
        (index, v.path): np.array(ops.convert_to_numpy(v))
        for index, v in enumerate(variables)
        if "tracker" not in v.path
    }


def same(one, other):
    for (key, a), b in zip(one.items(), other.values(), strict=True):
        np.testing.assert_array_equal(a, b, err_msg=str(key))


def everything(model):
    found = {}
    for name, network in model.networks.items():
        for index, value in enumerate(network.get_weights()):
            found[name, index] = value
    for player in PLAYERS:
        for index, variable in enumerate(model.optimizer[player].variables):
            found["optimizer", player, index] = ops.convert_to_numpy(variable)
    found["step"] = ops.convert_to_numpy(model.step)
    found["seed"] = ops.convert_to_numpy(model.seed_generator.state)
    return found


def trained(tiny_model, images, **kwargs):
    """A model with everything that a file has to carry."""
    rate = keras.optimizers.schedules.CosineDecay(0.01, 100)
    model = tiny_model(
        penalty_interval=3, optimizer=keras.optimizers.Adam(rate), **kwargs
    )
    model.fit(images(16), batch_size=4, verbose=0)
    return model


@pytest.mark.parametrize("updates", ["simultaneous", "alternating"])
@pytest.mark.parametrize("policy", POLICIES)
def test_a_file_carries_everything(
    tiny_model, images, tmp_path, updates, policy
):
    keras.config.set_dtype_policy(policy)
    model = trained(tiny_model, images, updates=updates)
    model.save(tmp_path / "model.keras")
    keras.config.set_dtype_policy("float32")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert again.compiled
    same(everything(model), everything(again))
    one, other = model.get_config(), again.get_config()
    for name in set(one) - {"dtype", *model.networks}:
        assert one[name] == other[name], name
    np.testing.assert_array_equal(
        again.generate(3, seed=0), model.generate(3, seed=0)
    )

    # And both go on in the same way, noise and lazy penalties included.
    for one in (model, again):
        keras.utils.set_random_seed(5)
        one.fit(images(16, seed=1), batch_size=4, shuffle=False, verbose=0)
    same(everything(model), everything(again))
    assert int(ops.convert_to_numpy(again.step)) == 8


def test_variables_keep_their_order(tiny_model, images, tmp_path):
    model = trained(tiny_model, images)
    model.save(tmp_path / "model.keras")
    for again in (
        keras.saving.load_model(tmp_path / "model.keras"),
        type(model).from_config(model.get_config()),
    ):
        assert [(v.path, tuple(v.shape)) for v in again.weights] == [
            (v.path, tuple(v.shape)) for v in model.weights
        ]
        again.set_weights(model.get_weights())


def test_an_uncompiled_model_is_saved_uncompiled(tiny_model, images, tmp_path):
    model = tiny_model()
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert not again.compiled
    np.testing.assert_array_equal(
        again.generate(3, seed=0), model.generate(3, seed=0)
    )
    again.fit(images(4), verbose=0)


def test_how_it_was_compiled_is_kept(tiny_model, images, tmp_path):
    model = tiny_model()
    rates = {player: 0.1 * (i + 1) for i, player in enumerate(PLAYERS)}
    model.compile(
        {p: keras.optimizers.SGD(rate) for p, rate in rates.items()},
        run_eagerly=True,
        jit_compile=False,
    )
    model.train_on_batch(images(4))
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert again.run_eagerly
    assert not again.jit_compile
    for player, rate in rates.items():
        inner = again.optimizer[player]
        assert isinstance(inner, keras.optimizers.SGD)
        assert float(inner.learning_rate) == pytest.approx(rate)


def test_load_without_compiling(tiny_model, images, tmp_path):
    trained(tiny_model, images).save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras", compile=False)
    assert not again.compiled
    assert again.generate(2).shape[0] == 2


def test_the_optimizers_state_is_stored_once(tiny_model, images, tmp_path):
    model = trained(tiny_model, images)
    model.save(tmp_path / "model.keras")
    with zipfile.ZipFile(tmp_path / "model.keras") as file:
        weights = io.BytesIO(file.read("model.weights.h5"))
    stored = Counter()
    with h5py.File(weights) as file:
        file.visititems(
            lambda _, item: stored.update(
                [item.shape] if isinstance(item, h5py.Dataset) else []
            )
        )
    kernel = ops.convert_to_numpy(model.encoder.get_layer("hidden_0").kernel)
    assert kernel.shape == (24, 8)
    # Encoder and discriminator have such a kernel, each with two moments of
    # Adam, and the encoder an average: 2 + 4 + 1.
    assert stored[24, 8] == 7
    # The generator's last kernel, its two moments and its average.
    assert stored[8, 24] == 4
    total = sum(np.prod(shape, dtype=int) * n for shape, n in stored.items())
    wanted = sum(
        np.prod(v.shape, dtype=int)
        for v in {
            id(v): v for v in (*model.variables, *model.optimizer.variables)
        }.values()
    )
    # Scalars (counters, learning rates) come on top, and little else.
    assert wanted - 20 <= total <= wanted + 40


def test_an_old_file_is_refused_and_a_new_one_written(
    tiny_model, images, tmp_path
):
    model = trained(tiny_model, images)
    for name in ("model.h5", "model.hdf5"):
        with pytest.raises(ValueError, match=r"ends in `\.keras`"):
            model.save(tmp_path / name)
    assert not list(tmp_path.iterdir())
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert again.optimizer["generator"].get_config() == (
        model.optimizer["generator"].get_config()
    )


def test_weights_alone(tiny_model, images, tmp_path):
    model = trained(tiny_model, images)
    path = tmp_path / "model.weights.h5"
    model.save_weights(path)
    keras.utils.set_random_seed(9)
    again = tiny_model(penalty_interval=3)
    again.load_weights(path)
    for name, network in model.networks.items():
        same(
            dict(enumerate(network.get_weights())),
            dict(enumerate(again.networks[name].get_weights())),
        )
    assert int(ops.convert_to_numpy(again.step)) == 4
    np.testing.assert_array_equal(
        again.generate(3, seed=0), model.generate(3, seed=0)
    )


def test_weights_with_the_same_optimizers_resume_exactly(
    tiny_model, images, tmp_path
):
    model = trained(tiny_model, images)
    path = tmp_path / "model.weights.h5"
    model.save_weights(path)
    rate = keras.optimizers.schedules.CosineDecay(0.01, 100)
    again = tiny_model(
        penalty_interval=3, optimizer=keras.optimizers.Adam(rate)
    )
    again.compile()
    again.load_weights(path)
    same(everything(model), everything(again))
    for one in (model, again):
        one.train_on_batch(images(4, seed=3))
    same(everything(model), everything(again))
