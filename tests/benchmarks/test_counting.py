import keras
import pytest
from compiled_step import compiled_cost
from counting import Cost, count_step, network_sweeps
from keras import layers

from keras_aegan import AEGAN, losses, recipes


def _networks():
    """Convolutions of patches: no backend counts them in a way of its own.

    XLA leaves out what falls on padding; TensorFlow's rules take each
    convolution for one that pads.
    """
    generator = keras.Sequential(
        [
            keras.Input((8,)),
            layers.Dense(8 * 8 * 24, activation="relu"),
            layers.Reshape((8, 8, 24)),
            layers.Conv2DTranspose(32, 2, strides=2, activation="tanh"),
            layers.Conv2D(16, 1, activation="tanh"),
        ],
        name="generator",
    )
    critic = keras.Sequential(
        [
            keras.Input((16, 16, 16)),
            layers.Conv2D(32, 2, strides=2),
            layers.LeakyReLU(0.2),
            layers.Conv2D(48, 2, strides=2),
            layers.LeakyReLU(0.2),
            layers.Flatten(),
            layers.Dense(1),
        ],
        name="discriminator",
    )
    return {"generator": generator, "discriminator": critic}


def _model(updates="simultaneous", penalties=()):
    model = AEGAN(
        **_networks(),
        losses=[losses.DataAdversarialLoss("non_saturating"), *penalties],
        updates=updates,
        seed=0,
    )
    model.compile()
    return model


def test_two_layers_by_hand():
    network = keras.Sequential(
        [
            keras.Input((6, 6, 2)),
            layers.Conv2D(5, 3),  # to 4 x 4 x 5
            layers.LeakyReLU(0.2),
            layers.Flatten(),
            layers.Dense(7),
        ]
    )
    convolution = 2 * (4 * 4 * 5) * (3 * 3 * 2)
    dense = 2 * 80 * 7
    slopes = 80
    kernels = 3 * 3 * 2 * 5 + 80 * 7
    read = (72 + 80) + (80 + 7)  # values a sample
    sweeps = network_sweeps(network, batch=3)
    assert sweeps.forward == Cost(
        3 * (convolution + slopes + dense), 4 * (3 * read + kernels)
    )
    assert sweeps.weights == Cost(
        3 * (convolution + dense), 4 * (3 * read + kernels)
    )
    # Nobody asks for the gradient at the data,
    assert sweeps.inputs.flops == 3 * (slopes + dense)
    # unless a player made them; the weights are not needed for that.
    through = network_sweeps(network, 3, made=[0], is_own=False)
    assert through.inputs.flops == 3 * (convolution + slopes + dense)


def test_transposed_convolution_by_hand():
    network = keras.Sequential(
        [keras.Input((5, 5, 4)), layers.Conv2DTranspose(6, 4, strides=2)]
    )
    # Each place of the input adds to 4 x 4 places of 6 filters.
    assert network_sweeps(network, 1).forward.flops == 2 * 25 * 4 * 4 * 4 * 6


def test_unused_output_costs_nothing():
    data = keras.Input((10,))
    shared = layers.Dense(4)(data)
    outputs = [layers.Dense(1)(shared), layers.Dense(100)(shared)]
    network = keras.Model(data, outputs)
    assert network_sweeps(network, 1, [0]).forward.flops == 2 * (40 + 4)


def test_unknown_layer_is_refused():
    network = keras.Sequential([keras.Input((3, 2)), layers.GRU(4)])
    with pytest.raises(ValueError, match="Received: 'gru.*', a GRU"):
        network_sweeps(network, 1)


@pytest.mark.parametrize(
    ("updates", "generator", "discriminator"),
    [
        ("simultaneous", (1, 1, 0), (2, 2, 1)),
        ("alternating", (2, 1, 0), (3, 2, 1)),
    ],
)
def test_passes_of_a_gan(updates, generator, discriminator):
    passes = count_step(_model(updates), 4).passes
    kinds = ("forward", "backward", "through")
    assert tuple(passes["generator", k] for k in kinds) == generator
    assert tuple(passes["discriminator", k] for k in kinds) == discriminator


def test_creators_who_move_alone_pay_for_fakes_alone():
    model = recipes.began(
        (16, 16, 1), latent_dim=4, width=4, updates="alternating"
    )
    model.compile()
    assert count_step(model, 4).passes["discriminator", "forward"] == 3


def test_passes_of_a_gan_in_one_stage():
    count, other = count_step(_model("one_stage"), 4), count_step(_model(), 4)
    assert count.passes["discriminator", "through"] == 0
    through = network_sweeps(
        _networks()["discriminator"], 4, made=[0], is_own=False
    ).inputs
    inner = network_sweeps(_networks()["discriminator"], 4).inputs
    # The input gradient is the discriminator's own; its first layer's is new.
    assert other.networks.flops - count.networks.flops == inner.flops
    assert inner.flops < through.flops


def test_lazy_penalty_counts_by_its_interval():
    lazy = losses.R1Penalty(1.0, interval=4)
    count = count_step(_model(penalties=[lazy]), 4)
    assert count.passes["discriminator", "penalty"] == 0.25
    every = count_step(_model(penalties=[losses.R1Penalty(1.0)]), 4)
    assert every.penalties.flops == 4 * count.penalties.flops
    # Four sweeps; the linear layers make up all but a little of each.
    sweep = network_sweeps(_networks()["discriminator"], 4, made=[0])
    assert every.penalties.flops == pytest.approx(
        4 * sweep.weights.flops, rel=0.02
    )


def test_what_no_gradient_passes_is_computed_all_the_same():
    # The encoder learns from E(G(z)) with G(z) given: alone in its turn, it
    # needs G(z) forward, and a gradient through the other three of G's calls.
    turns = [["encoder"], ["generator"]]
    model = recipes.soft_introvae((6,), 3, width=4, updates=turns)
    model.compile()
    passes = count_step(model, 4).passes
    assert passes["generator", "forward"] == 4 + 4
    assert passes["generator", "through"] == 3
    assert passes["encoder", "forward"] == 3 + 3
    assert passes["encoder", "backward"] == 3


@pytest.mark.parametrize(
    "updates", ["simultaneous", "alternating", "one_stage"]
)
def test_the_backend_computes_as_much(updates):
    """To 5 %: one sweep over one of the networks is 10 % here. What backends
    count beside linear layers, each in its own way or not at all (biases,
    activations, losses, the optimizer), is six operations a value or less,
    where the layer that makes it does 192, forward and backward."""
    model = _model(updates)
    needed = count_step(model, 16).networks.flops
    assert compiled_cost(model, 16).flops == pytest.approx(needed, rel=0.05)
