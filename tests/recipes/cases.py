"""Every recipe, tiny, for the tests that compare: formulas, backends, resuming.

`CASES` has one or more entries for each recipe, named `recipe-setting` where a
setting changes the equation.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace

import keras
import numpy as np

from keras_aegan import recipes

VECTOR, IMAGE, LATENT = (6,), (16, 16, 1), 3
_RANGE = {"data_range": (0, 1), "data_dtype": "float32"}


@dataclass(frozen=True)
class Case:
    """One recipe with one set of options.

    Args:
        recipe: its name.
        args: its positional arguments; those of a second stage are `first`.
        options: its other arguments.
        state: values of the model's `progress`, by the last part of its name.
        first: the case whose model is the recipe's first argument.
        sampler: what is fitted to the codes of random data, if anything.
    """

    recipe: str
    args: tuple = (VECTOR, LATENT)
    options: Mapping = field(default_factory=dict)
    state: Mapping = field(default_factory=dict)
    first: str | None = None
    sampler: str | None = None

    def build(self, seed=0):
        """The model, in the state of this case."""
        args = [CASES[self.first].build(seed)] if self.first else self.args
        model = recipes.get(self.recipe)(*args, **self.options, seed=seed)
        if self.sampler:
            model.fit_sampler(self.sampler, self.data(64), seed=seed)
        for name, variable in model.progress.items():
            if (key := name.split("/")[-1]) in self.state:
                variable.assign(self.state[key])
        return model

    def data(self, count=8, seed=5):
        """Random data of the model's shape, in the user's range."""
        if self.first:
            return CASES[self.first].data(count, seed)
        random = np.random.default_rng(seed)
        shape, size = self.args
        if self.recipe == "arae":
            return random.integers(0, size, (count, *shape), dtype="int32")
        return random.uniform(0, 1, (count, *shape)).astype("float32")


def _dense(recipe, state=None, **options):
    return Case(recipe, options=_RANGE | options, state=state or {})


def _narrow(recipe, state=None, **options):
    return _dense(recipe, state, width=4, **options)


def _text(kind):
    sizes = {"latent_dim": 4, "width": 8, "noise_dim": 3, "hidden_units": (8,)}
    return Case("arae", ((5,), 7), {"kind": kind, **sizes})


def _image_autoencoder(step, **options):
    options = {"width": 4, "start": 0, "ramp": 1, **_RANGE, **options}
    return Case("image_autoencoder", (IMAGE, 2), options, {"step": step})


CASES = {
    "aae": _narrow("aae"),
    "aegan": _narrow("aegan", gamma=0.3, latent_gamma=0.7),
    "aegan-absolute": _narrow("aegan", reconstruction_distance="mae"),
    "aegan-decoupled": _narrow("aegan", reconstruction_gradient="none"),
    "aegan-every_step": _narrow("aegan", {"step": 1}, penalty_interval=1),
    "aegan-not_due": _narrow("aegan", {"step": 2}),
    "aegan_classic": Case("aegan_classic", (IMAGE, 3), {"width": 4, **_RANGE}),
    "aegan_classic-pokegan": Case(
        "aegan_classic",
        (IMAGE, 3),
        {"width": 4, "parameters": "pokegan", **_RANGE},
    ),
    "ali": _narrow("ali"),
    "ali-alice": _narrow("ali", reconstruction_weight=0.7),
    "ali-bigan": _narrow("ali", stochastic=False),
    "alpha_gan": _narrow("alpha_gan"),
    "arae": _text("gru"),
    "arae-convolutional": _text("convolutional"),
    "autoencoder": _dense("autoencoder"),
    "autoencoder_gan": _dense(
        "autoencoder_gan", margin=0.6, reconstruction_weight=0.7
    ),
    # With codes as large as the others' bfloat16 puts a unit of the generator
    # on the other side of its kink than float32 does.
    "began": Case("began", (VECTOR, 2), {"width": 4, "rate": 0.1, **_RANGE}),
    "began-k": _narrow(
        "began", {"k": 0.4}, rate=0.1, gamma=0.5, distance="mae"
    ),
    "ebgan": _narrow("ebgan", margin=0.6),
    "f_anogan": Case("f_anogan", (), {"width": 4, "kappa": 0.6}, first="gan"),
    "fastgan": _narrow("fastgan", reconstruction_weight=0.7),
    "gan": _narrow("gan"),
    "gan-r1": _narrow("gan", gamma=0.7),
    "gan-density_ratio": _narrow("gan", formulation="density_ratio"),
    "gan-hinge": _narrow("gan", formulation="hinge"),
    "gan-least_squares": _narrow("gan", formulation="least_squares"),
    "gan-relativistic": _narrow("gan", formulation="relativistic"),
    "gan-wasserstein": _narrow("gan", formulation="wasserstein"),
    "ganomaly": _narrow("ganomaly"),
    # At the end of the ramp, half way up it, and before its start.
    "image_autoencoder": _image_autoencoder(1),
    "image_autoencoder-ramp": _image_autoencoder(6, start=4, ramp=4),
    "image_autoencoder-before": _image_autoencoder(3, start=4, ramp=4),
    "image_autoencoder-bounded": _image_autoencoder(1, max_ratio=1e-3),
    "latent_gan": Case(
        "latent_gan",
        (),
        {"noise_dim": 4, "hidden_units": (8,)},
        first="autoencoder",
    ),
    "magan": _narrow("magan"),
    "magan-margin": _narrow("magan", {"epochs": 2, "margin": 0.6}),
    "mixture_aegan": Case(
        "mixture_aegan",
        (),
        {"width": 4, "gamma": 0.3, "reconstruction_weight": 0.7},
        first="rae-gaussian",
    ),
    "mixture_aegan-not_due": Case(
        "mixture_aegan", (), {"width": 4}, {"step": 2}, first="rae-gaussian"
    ),
    "rae": _narrow("rae", beta=0.3),
    "rae-dense": _dense("rae", beta=0.3, hidden_units=(5,)),
    "rae-gaussian": Case(
        "rae", options={"width": 4, **_RANGE}, sampler="gaussian"
    ),
    "soft_introvae": _narrow("soft_introvae"),
    # Weights with which the exponentials are not nearly zero.
    "soft_introvae-mild": _narrow(
        "soft_introvae",
        reconstruction_weight=0.7,
        kl_weight=0.3,
        negative_kl_weight=0.9,
    ),
    "vae_gan": _narrow("vae_gan", gamma=0.3, kl_weight=0.4),
    "vae_gan-samples_only": _narrow("vae_gan", judge_reconstructions=False),
    "wae_gan": _narrow("wae_gan"),
    "wae_mmd": _narrow("wae_mmd"),
}


def noise(prior, count, shape):
    """What `fix` lets a model draw from its prior."""
    drawn = _numbers("uniform" if prior == "uniform" else "normal", 64, shape)
    drawn = drawn[::-1][:count]  # Others than the encoder's.
    if prior == "sphere":
        axes = tuple(range(1, drawn.ndim))
        drawn = drawn / np.sqrt(np.sum(drawn**2, axis=axes, keepdims=True))
    return np.ascontiguousarray(drawn)


def draws(kind, shape):
    """What `fix` lets a model draw beside: the same for a kind and shape."""
    return _numbers(kind, 64, shape[1:])[: shape[0]]


def _numbers(kind, count, shape):
    random = np.random.default_rng(11)
    if kind == "uniform":
        return random.uniform(-1, 1, (count, *shape)).astype("float32")
    return random.normal(size=(count, *shape)).astype("float32")


def fix(model, seed=0):
    """Gives a model weights and noise that are the same on every backend.

    Noise layers inside the networks, whose draws depend on the backend, are
    switched off. At most 64 samples a batch. Penalties are due as they are at
    the model's step now.
    """
    random = np.random.default_rng(seed)
    networks = model.networks
    for name, network in networks.items():
        if name.startswith("ema_"):
            network.set_weights(
                networks[name.removeprefix("ema_")].get_weights()
            )
            continue
        for variable in network.variables:
            if "float" in variable.dtype:
                scale = 1.4 if len(variable.shape) > 1 else 0.5
                # Scores on both sides of a hinge at 1.
                scale *= 2.0 if "score" in variable.path else 1.0
                fan_in = max(np.prod(variable.shape[:-1]), 1)
                values = random.normal(0, scale / fan_in**0.5, variable.shape)
                variable.assign(values)
        for layer in network.layers:
            if isinstance(layer, keras.layers.GaussianNoise):
                layer.stddev = 0.0
    prior = model.prior

    def draw(count):
        if prior is None:
            return None
        kind = prior if isinstance(prior, str) else "normal"
        return keras.ops.convert_to_tensor(
            noise(kind, count, model.noise_shape)
        )

    model._draw = draw
    model._random = lambda kind, shape: keras.ops.convert_to_tensor(
        draws(kind, tuple(shape))
    )
    if keras.backend.backend() == "jax":
        # What a compiled step is told with each batch, for a step without.
        step = int(model.step.numpy())
        due = frozenset(i for i in model._intervals() if step % i == 0)
        model._due = SimpleNamespace(intervals=due)
    return model
