import keras

from keras_aegan.hub.names import named_variables


class Bag:
    """Networks and progress, which is all that weights are read from."""

    def __init__(self, progress=None, **networks):
        self.networks, self.progress = networks, progress or {}


def test_names_say_where_a_weight_stands(make_model):
    names = set(named_variables(make_model()))
    assert {
        "generator/dense/kernel",
        "generator/dense_1/kernel",
        "generator/batch_normalization/moving_mean",
        "generator/sequential/conv2d_transpose/kernel",
        "generator/spectral_normalization/conv2d/kernel",
        "generator/spectral_normalization/vector_u",
        "ema_generator/dense_1/kernel",
        "encoder/layer_normalization/gamma",
        "ema_encoder/dense/kernel",
        "discriminator/dense/bias",
        "progress/step",
    } <= names


def test_names_do_not_depend_on_the_process(make_model):
    keras.backend.clear_session()
    fresh = list(named_variables(make_model()))
    for _ in range(3):
        keras.layers.Dense(2).build((None, 2))
        keras.Variable(1.0)
    assert list(named_variables(make_model())) == fresh


def test_every_weight_is_kept_and_no_random_state(make_model):
    model = make_model()
    kept = {id(variable) for variable in named_variables(model).values()}
    for network in model.networks.values():
        assert {id(variable) for variable in network.weights} <= kept
    assert not any("seed" in name for name in named_variables(model))


def test_nameless_and_same_named_variables():
    class Odd(keras.layers.Layer):
        def build(self, input_shape):
            self.first = self.add_weight(shape=(1,))
            self.second = self.add_weight(shape=(2,))
            self.third = self.add_weight(shape=(3,), name="scale")
            self.fourth = self.add_weight(shape=(4,), name="scale")

    layer = Odd()
    layer.build((None, 1))
    names = list(named_variables(Bag(net=layer)))
    assert names == [
        "net/variable",
        "net/variable_1",
        "net/scale",
        "net/scale_1",
    ]


def test_a_shared_layer_is_kept_once():
    shared = keras.layers.Dense(2)
    inputs = keras.Input((2,))
    first = keras.Model(inputs, shared(inputs))
    second = keras.Model(inputs, keras.layers.Dense(1)(shared(inputs)))
    assert list(named_variables(Bag(first=first, second=second))) == [
        "first/dense/kernel",
        "first/dense/bias",
        "second/dense_1/kernel",
        "second/dense_1/bias",
    ]
