import keras
import numpy as np
import pytest
from keras import layers, ops

from keras_aegan import AEGAN, losses
from keras_aegan.moving_average import MovingAverage


class Doubled(layers.Layer):
    """A layer of the user's own, which Keras cannot write down."""

    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def call(self, x):
        return 2 * x * self.factor


class Noisy(layers.Layer):
    """Noise at use, too."""

    def __init__(self):
        super().__init__()
        self.seed_generator = keras.random.SeedGenerator(3)

    def call(self, x):
        shape = ops.shape(x)
        return x + keras.random.normal(shape, seed=self.seed_generator)


@keras.saving.register_keras_serializable("test_moving_average")
class Scaled(layers.Layer):
    """Its config says nothing of how its weight starts."""

    def build(self, input_shape):
        self.scale = self.add_weight(shape=input_shape[1:], name="scale")

    def call(self, x):
        return x * self.scale


def network(*between, units=3):
    data = keras.Input((4,))
    x = layers.Dense(5, activation="relu", name="first")(data)
    for layer in between:
        x = layer(x)
    return keras.Model(data, layers.Dense(units, name="last")(x), name="net")


def values(model):
    return [np.array(ops.convert_to_numpy(v)) for v in model.variables]


def inputs(count=6):
    return np.random.default_rng(0).normal(size=(count, 4)).astype("float32")


def test_it_runs_on_the_copies_alone():
    net = network(layers.BatchNormalization())
    average = MovingAverage(net)
    x, before = inputs(), net.predict_on_batch(inputs())
    np.testing.assert_array_equal(average.predict_on_batch(x), before)
    net.set_weights([w + 1 for w in net.get_weights()])
    np.testing.assert_array_equal(average.predict_on_batch(x), before)
    np.testing.assert_array_equal(
        ops.convert_to_numpy(average(x, training=False)), before
    )
    average.set_weights(net.get_weights())
    trained = net.predict_on_batch(x)
    assert abs(trained - before).max() > 1
    np.testing.assert_array_equal(average.predict_on_batch(x), trained)


def test_its_variables_are_like_the_networks():
    inner = keras.Sequential([layers.Dense(5, name="deep")], name="inner")
    net = network(inner)
    with keras.name_scope("elsewhere"):
        average = MovingAverage(net, name="ema")
    assert [v.path for v in average.variables] == [
        "first/kernel",
        "first/bias",
        *(v.path for v in inner.variables),
        "last/kernel",
        "last/bias",
    ]
    assert "deep/kernel" in average.variables[2].path
    assert [v.shape for v in average.variables] == [
        v.shape for v in net.variables
    ]
    assert average.count_params() == net.count_params()
    assert not average.trainable_variables
    assert not average.layers  # The network's are not counted twice.
    assert average.copy_of(net.variables[4]) is average.variables[4]


def test_a_blank_one_is_not_filled():
    net = network()
    average = MovingAverage(net, is_blank=True)
    assert not any(value.any() for value in values(average))
    assert any(value.any() for value in values(net))


def test_without_initializers_in_the_config_it_starts_as_the_network(tmp_path):
    def player(layer):
        data = keras.Input((4,))
        return keras.Model(data, layer(data))

    model = AEGAN(
        generator=player(Scaled()),
        encoder=player(layers.Dense(4)),
        losses=[losses.ReconstructionLoss("mse")],
        data_range=None,
        data_dtype="float32",
    )
    model.save(tmp_path / "model.keras")
    for again in (
        AEGAN.from_config(model.get_config()),
        keras.saving.load_model(tmp_path / "model.keras"),
    ):
        for seat, average in again.averages.items():
            network = getattr(again, seat)
            for value, wanted in zip(
                average.get_weights(), network.get_weights(), strict=True
            ):
                assert wanted.any() or seat == "encoder"  # its bias
                np.testing.assert_array_equal(value, wanted)


def test_random_numbers_go_on_from_call_to_call():
    net = network(Noisy())
    average, before = MovingAverage(net), values(net)
    x = inputs()
    first, second = average.predict_on_batch(x), average.predict_on_batch(x)
    assert abs(first - second).max() > 0.1
    for value, wanted in zip(values(net), before, strict=True):
        np.testing.assert_array_equal(value, wanted)
    # As of the network, which starts from the same state.
    np.testing.assert_allclose(net.predict_on_batch(x), first, rtol=1e-6)
    np.testing.assert_allclose(net.predict_on_batch(x), second, rtol=1e-6)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "bfloat16"])
def test_precision_is_the_networks(policy):
    keras.config.set_dtype_policy(policy)
    net = network(layers.Dense(5, dtype="float32"))
    x, average = inputs(), MovingAverage(net)
    wanted, found = net.predict_on_batch(x), average.predict_on_batch(x)
    assert found.dtype == wanted.dtype == "bfloat16"
    np.testing.assert_array_equal(found, wanted)
    assert [v.dtype for v in average.variables] == [
        v.dtype for v in net.variables
    ]
    # Within another model, whose layers get variables in its precision.
    data = keras.Input((4,))
    outer = keras.Model(data, average(data))
    np.testing.assert_array_equal(outer.predict_on_batch(x), wanted)


def test_what_keras_cannot_write_down_has_averages():
    def player(units, inputs):
        data = keras.Input((inputs,))
        x = layers.Dense(8)(Doubled(0.5)(data))
        return keras.Model(data, layers.Dense(units)(x))

    model = AEGAN(
        generator=player(4, 2),
        encoder=player(2, 4),
        losses=[losses.ReconstructionLoss("mse")],
        data_range=None,
        data_dtype="float32",
    )
    before = model.reconstruct(inputs())
    model.fit(inputs(64), batch_size=8, epochs=2, verbose=0)
    after = model.reconstruct(inputs())
    assert abs(after - before).max() > 1e-4
    kernel = model.generator.layers[-1].kernel
    moved = ops.convert_to_numpy(kernel - model.ema_generator.copy_of(kernel))
    assert abs(moved).max() > 1e-5


def test_a_network_that_has_other_variables_is_refused(tiny_model):
    model = tiny_model()
    model.generator.layers[1].enable_lora(2)
    with pytest.raises(ValueError, match="(?s)other variables.*enable_lora"):
        model.compile()
    with pytest.raises(ValueError, match="other variables"):
        model.generate(2)


def test_a_program_is_compiled_only_of_what_can_be():
    net = network()
    net.layers[1].supports_jit = False
    assert not MovingAverage(net).supports_jit
    assert MovingAverage(network()).supports_jit


@pytest.mark.parametrize(
    "write", [keras.models.Model.to_json, keras.models.clone_model]
)
def test_it_is_not_written_down_by_itself(write):
    average = MovingAverage(network())
    with pytest.raises(NotImplementedError, match=r"model.copied\(seat\)"):
        write(average)
