"""The recipes' equations once more, in float64 NumPy.

It shares no code with the package: of Keras it reads which layers a network
has and their weights. Each function at the end is one method as its paper and
its recipe's docstring state it; it takes what the recipe takes, and returns
every term and each player's loss by its name in the logs.
"""

import statistics

import numpy as np

# === Networks ===


def softplus(x):
    return np.logaddexp(0.0, x)


def sigmoid(x):
    return np.exp(-softplus(-x))


def softmax(x):
    x = np.exp(x - x.max(-1, keepdims=True))
    return x / x.sum(-1, keepdims=True)


ACTIVATIONS = {
    "linear": lambda x: x,
    "relu": lambda x: np.maximum(x, 0.0),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.2 * x),
    "tanh": np.tanh,
    "sigmoid": sigmoid,
}


def activated(layer, x):
    return ACTIVATIONS[layer.activation.__name__](x)


def weights(layer):
    return [np.asarray(w, "float64") for w in layer.get_weights()]


def dense(layer, x):
    kernel, *bias = weights(layer)
    return activated(layer, x @ kernel + sum(bias))


def convolution(layer, x):
    """Of images; a text is one pixel high."""
    if x.ndim == 3:
        return convolution(layer, x[:, None])[:, 0]
    kernel, bias = weights(layer)
    if kernel.ndim == 3:
        kernel = kernel[None]
    height, width = kernel.shape[:2]
    step = layer.strides[0]
    pads = []
    for size, length in zip(x.shape[1:3], (height, width), strict=True):
        pad = max((-(-size // step) - 1) * step + length - size, 0)
        pads.append((pad // 2, pad - pad // 2))
    x = np.pad(x, ((0, 0), *pads, (0, 0)))
    patches = np.lib.stride_tricks.sliding_window_view(
        x, (height, width), axis=(1, 2)
    )[:, ::step, ::step]
    y = np.tensordot(patches, kernel.transpose(2, 0, 1, 3), 3) + bias
    return activated(layer, y)


def gru(layer, x):
    kernel, recurrent, bias = weights(layer)
    state, states = np.zeros((len(x), layer.units)), []
    for now in x.transpose(1, 0, 2):
        ours = np.split(now @ kernel + bias[0], 3, axis=-1)
        past = np.split(state @ recurrent + bias[1], 3, axis=-1)
        update, reset = (
            sigmoid(a + b) for a, b in zip(ours[:2], past[:2], strict=True)
        )
        candidate = np.tanh(ours[2] + reset * past[2])
        state = update * state + (1 - update) * candidate
        states.append(state)
    return np.stack(states, 1) if layer.return_sequences else state


def normalized(layer, x):
    gain, offset = weights(layer)
    centred = x - x.mean(-1, keepdims=True)
    variance = (centred**2).mean(-1, keepdims=True)
    return centred / np.sqrt(variance + layer.epsilon) * gain + offset


def mixture(layer, x):
    probabilities, means, factors = weights(layer)
    bounds = np.cumsum(probabilities) / np.sum(probabilities)
    share = np.vectorize(statistics.NormalDist().cdf)(x[:, 0])
    chosen = (share[:, None] > bounds[:-1]).sum(1)
    drawn = means[chosen] + np.einsum("nij,nj->ni", factors[chosen], x[:, 1:])
    return drawn.reshape(-1, *layer.latent_shape)


LAYERS = {
    "Activation": activated,
    "Add": lambda layer, *xs: sum(xs),
    "AveragePooling2D": lambda layer, x: sum(
        x[:, i::2, j::2] / 4 for i in (0, 1) for j in (0, 1)
    ),
    "Clip": lambda layer, x: np.clip(x, layer.x_min, layer.x_max),
    "Concatenate": lambda layer, *xs: np.concatenate(xs, -1),
    "Conv1D": convolution,
    "Conv2D": convolution,
    "Dense": dense,
    "Flatten": lambda layer, x: x.reshape(len(x), -1),
    "GRU": gru,
    "GaussianMixture": mixture,
    "GaussianNoise": lambda layer, x: x,  # `cases.fix` switches it off.
    "LayerNormalization": normalized,
    "LeakyReLU": lambda layer, x: np.where(x > 0, x, layer.negative_slope * x),
    "Permute": lambda layer, x: x.transpose(0, *layer.dims),
    "ReLU": lambda layer, x: np.maximum(x, 0.0),
    "RepeatVector": lambda layer, x: np.repeat(x[:, None], layer.n, 1),
    "Rescaling": lambda layer, x: x * layer.scale + layer.offset,
    "Reshape": lambda layer, x: x.reshape(len(x), *layer.target_shape),
    "Softmax": lambda layer, x: softmax(x),
    "UnitNormalization": lambda layer, x: x / norm(x)[:, None],
    "UpSampling2D": lambda layer, x: x.repeat(2, 1).repeat(2, 2),
}


def forward(network, *inputs):
    """A Keras network's outputs, in float64."""
    known = {
        id(tensor): np.asarray(value, "float64")
        for tensor, value in zip(network.inputs, inputs, strict=True)
    }

    def value(tensor):
        if id(tensor) not in known:
            layer, index, place = tensor._keras_history
            node = layer._inbound_nodes[index]
            operands = [value(t) for t in node.input_tensors]
            if hasattr(layer, "outputs"):
                results = list(forward(layer, *operands).values())
            else:
                results = [LAYERS[type(layer).__name__](layer, *operands)]
            known[id(tensor)] = results[place]
        return known[id(tensor)]

    outputs = network.output
    if not isinstance(outputs, dict):
        outputs = {"output": outputs}
    return {name: value(tensor) for name, tensor in outputs.items()}


def function(network):
    """The network as a function of arrays, to a dict or to one array."""

    def call(*inputs):
        outputs = forward(network, *inputs)
        return outputs.get("output", outputs)

    return call


# === What the equations are made of ===


def norm(x):
    """The Euclidean norm of each sample."""
    return np.sqrt((x**2).reshape(len(x), -1).sum(1))


def mse(a, b):
    return ((a - b) ** 2).mean()


def mae(a, b):
    return np.abs(a - b).mean()


def squares(a, b):
    """Squared errors summed over each sample's values."""
    return norm(a - b) ** 2


def energies(critic, x):
    """The mean squared error of each reconstruction."""
    return squares(critic(x)["reconstruction"], x) / x[0].size


def kl(mean, log_variance):
    """KL(N(mean, variance) || N(0, 1)) of each sample."""
    terms = np.exp(log_variance) + mean**2 - 1 - log_variance
    return 0.5 * terms.reshape(len(mean), -1).sum(1)


def sample(distribution, draw):
    """A draw from the encoder's distribution; a plain code is itself."""
    if not isinstance(distribution, dict):
        return distribution
    mean, log_variance = distribution["mean"], distribution["log_variance"]
    noise = draw("normal", mean.shape)
    return mean + np.sqrt(np.exp(log_variance)) * noise


def score(critic):
    """The critic's scores alone, of a critic that gives more."""

    def call(*inputs):
        outputs = critic(*inputs)
        return outputs["score"] if isinstance(outputs, dict) else outputs

    return call


def features(outputs):
    return outputs["features"]


def gradient(critic, x, step=1e-5):
    """d critic(x) / dx, of a sample's summed scores, by central differences."""
    moves = step * np.eye(x[0].size).reshape(-1, 1, *x.shape[1:])

    def moved(sign):
        everywhere = (x + sign * moves).reshape(-1, *x.shape[1:])
        return critic(everywhere).reshape(len(moves), len(x), -1).sum(-1)

    return ((moved(1) - moved(-1)) / (2 * step)).T.reshape(x.shape)


def r1(critic, x):
    return (norm(gradient(critic, x)) ** 2).mean()


def gradient_penalty(critic, real, fake, draw):
    """Of WGAN-GP, at points on the way from fakes to data."""
    share = draw("uniform", (len(real), *(1,) * (real.ndim - 1))) / 2 + 0.5
    between = share * real + (1 - share) * fake
    return ((norm(gradient(critic, between)) - 1) ** 2).mean()


def critic_pays(real, fake):
    return softplus(-real).mean() + softplus(fake).mean()


def creator_pays(fake):
    return softplus(-fake).mean()


def bce(logit, label):
    p = sigmoid(logit)
    return -(label * np.log(p) + (1 - label) * np.log(1 - p)).mean()


def closeness(codes):
    pairs = [
        (a @ b) ** 2 / ((a @ a) * (b @ b))
        for i, a in enumerate(codes)
        for j, b in enumerate(codes)
        if i != j
    ]
    return np.mean(pairs)


def hinge(margin, energy):
    """What energies below the margin cost, each sample for itself."""
    return np.maximum(margin - energy, 0.0).mean()


def once(name, compute):
    """A value through which no gradient flows; a test may hold it."""
    return compute()


# === Methods: networks `n`, data `x`, noise `z`, other draws `draw` ===


def _on_codes(n, x, z, distance, weight, code_weight):
    """A reconstruction and an adversary on the codes."""
    code, critic = n["encoder"](x), n["latent_discriminator"]
    terms = {
        "reconstruction": distance(x, n["generator"](code)),
        "latent_discriminator_adversarial": critic_pays(
            critic(z), critic(code)
        ),
        "latent_discriminator_fooling": creator_pays(critic(code)),
    }
    reconstruction = weight * terms["reconstruction"]
    return terms | {
        "latent_discriminator_loss": terms["latent_discriminator_adversarial"],
        "encoder_loss": reconstruction
        + code_weight * terms["latent_discriminator_fooling"],
        "generator_loss": reconstruction,
    }


def aae(n, x, z, draw, code_weight=0.1, **_):
    return _on_codes(n, x, z, mse, 1.0, code_weight)


def _half_squares(a, b):
    return (squares(a, b) / 2).mean()


def wae_gan(n, x, z, draw, code_weight=10.0, **_):
    return _on_codes(n, x, z, _half_squares, 2.0, code_weight)


def wae_mmd(n, x, z, draw, code_weight=10.0, **_):
    code = n["encoder"](x)
    count, size = code.shape

    def kernel(a, b):
        distance = ((a[:, None] - b[None]) ** 2).sum(-1)
        scales = np.array([0.1, 0.2, 0.5, 1, 2, 5, 10]) * 2 * size
        return sum(c / (c + distance) for c in scales)

    others = 1 - np.eye(count)
    within = (kernel(code, code) + kernel(z, z)) * others
    mmd = within.sum() / (count * (count - 1)) - 2 * kernel(code, z).mean()
    reconstruction = _half_squares(x, n["generator"](code))
    return {
        "reconstruction": reconstruction,
        "mmd": mmd,
        "encoder_loss": 2 * reconstruction + code_weight * mmd,
        "generator_loss": 2 * reconstruction,
    }


def aegan(
    n,
    x,
    z,
    draw,
    gamma=1.0,
    latent_gamma=0.1,
    penalty_interval=4,
    code_weight=0.1,
    reconstruction_weight=15.0,
    reconstruction_distance="mse",
    reconstruction_gradient="joint",
    latent_reconstruction_weight=0.5,
    step=0,
    **_,
):
    critic, latent_critic = n["discriminator"], n["latent_discriminator"]
    # Skipped steps are made up for (Karras et al., 2020, appendix B).
    due = penalty_interval if step % penalty_interval == 0 else 0
    code, made = n["encoder"](x), n["generator"](z)
    distance = {"mse": mse, "mae": mae}[reconstruction_distance]
    t = {
        "discriminator_adversarial": softplus(critic(made) - critic(x)).mean(),
        "discriminator_fooling": softplus(critic(x) - critic(made)).mean(),
        "r1": due * r1(critic, x),
        "r2": due * r1(critic, made),
        "latent_discriminator_adversarial": softplus(
            latent_critic(code) - latent_critic(z)
        ).mean(),
        "latent_discriminator_fooling": softplus(
            latent_critic(z) - latent_critic(code)
        ).mean(),
        "latent_r1": due * r1(latent_critic, z),
        "latent_r2": due * r1(latent_critic, code),
        "reconstruction": distance(x, n["generator"](code)),
        "latent_reconstruction": mse(z, n["encoder"](made)),
    }
    shared = (
        t["discriminator_fooling"]
        + code_weight * t["latent_discriminator_fooling"]
        + latent_reconstruction_weight * t["latent_reconstruction"]
    )
    reconstruction = reconstruction_weight * t["reconstruction"]
    joint = reconstruction_gradient == "joint"
    return t | {
        "discriminator_loss": t["discriminator_adversarial"]
        + gamma / 2 * (t["r1"] + t["r2"]),
        "latent_discriminator_loss": t["latent_discriminator_adversarial"]
        + latent_gamma / 2 * (t["latent_r1"] + t["latent_r2"]),
        "encoder_loss": shared + reconstruction,
        "generator_loss": shared + (reconstruction if joint else 0.0),
    }


def aegan_classic(n, x, z, draw, parameters="aegan_keras", **_):
    a_rx, a_rz, a_x, a_z, real, fake = {
        "aegan_keras": (10, 5, 1, 1, 0.95, 0.05),
        "pokegan": (1, 0.5, 0.005 / 2, 0.1 / 2, 1, 0),
    }[parameters]
    encoder, generator = n["encoder"], n["generator"]
    code, made = encoder(x), generator(z)
    redrawn, recovered = generator(code), encoder(made)
    t = {
        "reconstruction": mae(redrawn, x),
        "latent_reconstruction": mse(recovered, z),
    }
    for name, true, fakes in (
        ("discriminator", x, (made, redrawn)),
        ("latent_discriminator", z, (code, recovered)),
    ):
        critic = n[name]
        scores = [critic(f) for f in fakes]
        t[f"{name}_adversarial"] = 2 * bce(critic(true), real) + sum(
            bce(s, fake) for s in scores
        )
        t[f"{name}_fooling"] = sum(bce(s, 1) for s in scores)
        t[f"{name}_loss"] = t[f"{name}_adversarial"]
    creators = (
        a_rx * t["reconstruction"]
        + a_rz * t["latent_reconstruction"]
        + a_x * t["discriminator_fooling"]
        + a_z * t["latent_discriminator_fooling"]
    )
    return t | {"encoder_loss": creators, "generator_loss": creators}


def ali(n, x, z, draw, reconstruction_weight=0.0, **_):
    code = sample(n["encoder"](x), draw)
    real = n["latent_discriminator"](x, code)
    fake = n["latent_discriminator"](n["generator"](z), z)
    terms = {
        "latent_discriminator_adversarial": critic_pays(real, fake),
        "latent_discriminator_fooling": critic_pays(fake, real),
    }
    pays = terms["latent_discriminator_fooling"]
    if reconstruction_weight:
        terms["reconstruction"] = mae(x, n["generator"](code))
        pays = pays + reconstruction_weight * terms["reconstruction"]
    return terms | {
        "latent_discriminator_loss": terms["latent_discriminator_adversarial"],
        "encoder_loss": pays,
        "generator_loss": pays,
    }


def alpha_gan(n, x, z, draw, reconstruction_weight=10.0, **_):
    critic, latent_critic = n["discriminator"], n["latent_discriminator"]
    code = n["encoder"](x)
    redrawn, made = critic(n["generator"](code)), critic(n["generator"](z))
    error = mae(x, n["generator"](code))
    fooling, latent_fooling = -(redrawn + made).mean(), -latent_critic(code)
    adversarial = critic_pays(critic(x), redrawn) + softplus(made).mean()
    latent_adversarial = critic_pays(latent_critic(z), latent_critic(code))
    return {
        "reconstruction": error,
        "discriminator_adversarial": adversarial,
        "discriminator_fooling": fooling,
        "latent_discriminator_adversarial": latent_adversarial,
        "latent_discriminator_fooling": latent_fooling.mean(),
        "discriminator_loss": adversarial,
        "latent_discriminator_loss": latent_adversarial,
        "encoder_loss": reconstruction_weight * error + latent_fooling.mean(),
        "generator_loss": reconstruction_weight * error + fooling,
    }


def arae(n, x, z, draw, adversarial_weight=0.1, gamma=10.0, **_):
    critic, code, made = (
        n["latent_discriminator"],
        n["encoder"](x),
        n["prior"](z),
    )
    right = (x * n["generator"](code)).sum(-1)  # Of the token that is there.
    reconstruction = -np.log(right).mean()
    distance = critic(code).mean() - critic(made).mean()
    penalty = gradient_penalty(critic, made, code, draw)
    return {
        "reconstruction": reconstruction,
        "latent_discriminator_adversarial": -distance,
        "latent_discriminator_fooling": distance,
        "latent_gradient_penalty": penalty,
        "latent_discriminator_loss": -distance + gamma * penalty,
        "encoder_loss": reconstruction + adversarial_weight * distance,
        "generator_loss": reconstruction,
        "prior_loss": adversarial_weight * distance,
    }


def autoencoder(n, x, z, draw, **_):
    """The networks' -1 to 1 is twice as wide as the sigmoid's 0 to 1."""
    error = mse(n["generator"](n["encoder"](x)), x)
    pays = error / 4
    return {
        "reconstruction": error,
        "encoder_loss": pays,
        "generator_loss": pays,
    }


def autoencoder_gan(n, x, z, draw, margin=0.2, reconstruction_weight=1.0, **_):
    redrawn = n["generator"](n["encoder"](x))
    terms = _energy_game(n["discriminator"], x, redrawn, margin)
    terms["reconstruction"] = mae(redrawn, x)
    pays = (
        terms["discriminator_fooling"]
        + reconstruction_weight * terms["reconstruction"]
    )
    return terms | {"encoder_loss": pays, "generator_loss": pays}


def _energy_game(critic, x, made, margin):
    real, fake = energies(critic, x), energies(critic, made)
    adversarial = real.mean() + hinge(margin, fake)
    return {
        "discriminator_adversarial": adversarial,
        "discriminator_fooling": fake.mean(),
        "discriminator_real_energy": real.mean(),
        "discriminator_loss": adversarial,
    }


def ebgan(n, x, z, draw, margin=0.2, pulling_away=0.1, **_):
    made = n["generator"](z)
    terms = _energy_game(n["discriminator"], x, made, margin)
    away = closeness(n["discriminator"](made)["features"])
    return terms | {
        "pulling_away": away,
        "generator_loss": terms["discriminator_fooling"] + pulling_away * away,
    }


def magan(n, x, z, draw, warmup=2, epochs=0, margin=0.0, **_):
    made = n["generator"](z)
    terms = _energy_game(n["discriminator"], x, made, margin)
    energy = terms["discriminator_fooling"]
    if epochs < warmup:
        terms["discriminator_adversarial"] = terms["discriminator_real_energy"]
        terms["discriminator_fooling"] = 0.0
    return terms | {
        "margin": margin,
        "fake_energy": energy,
        "discriminator_loss": terms["discriminator_adversarial"],
        "generator_loss": terms["discriminator_fooling"],
    }


def began(n, x, z, draw, gamma=0.7, k=0.0, distance="mse", **_):
    made = n["generator"](z)
    error = {"mae": mae, "mse": mse}[distance]
    real = error(x, n["discriminator"](x)["reconstruction"])
    fake = error(made, n["discriminator"](made)["reconstruction"])
    return {
        "discriminator_adversarial": real - k * fake,
        "discriminator_fooling": fake,
        "discriminator_real_energy": real,
        "k": k,
        "m_global": real + abs(gamma * real - fake),
        "discriminator_loss": real - k * fake,
        "generator_loss": fake,
    }


def began_k(terms, gamma=0.7, rate=0.003, **_):
    """What `k` is after the step that had these terms."""
    real = terms["discriminator_real_energy"]
    fake = terms["discriminator_fooling"]
    return np.clip(terms["k"] + rate * (gamma * real - fake), 0, 1)


def f_anogan(n, x, z, draw, kappa=1.0, **_):
    redrawn = n["generator"](n["encoder"](x))
    real, fake = n["discriminator"](x), n["discriminator"](redrawn)
    terms = {
        "reconstruction": mse(x, redrawn),
        "feature_reconstruction": mse(features(real), features(fake)),
    }
    return terms | {
        "encoder_loss": terms["reconstruction"]
        + kappa * terms["feature_reconstruction"]
    }


def fastgan(n, x, z, draw, reconstruction_weight=1.0, **_):
    real, fake = n["discriminator"](x), n["discriminator"](n["generator"](z))
    terms = {
        "discriminator_adversarial": _hinge(real["score"], fake["score"]),
        "discriminator_fooling": -fake["score"].mean(),
        "discriminator_reconstruction": mse(real["reconstruction"], x),
    }
    return terms | {
        "discriminator_loss": terms["discriminator_adversarial"]
        + reconstruction_weight * terms["discriminator_reconstruction"],
        "generator_loss": terms["discriminator_fooling"],
    }


def _hinge(real, fake):
    return hinge(1, real) + hinge(1, -fake)


def gan(n, x, z, draw, formulation="non_saturating", gamma=None, **_):
    critic, made = score(n["discriminator"]), n["generator"](z)
    real, fake = critic(x), critic(made)
    adversarial, fooling = {
        "non_saturating": (critic_pays(real, fake), creator_pays(fake)),
        "density_ratio": (critic_pays(real, fake), -fake.mean()),
        "hinge": (_hinge(real, fake), -fake.mean()),
        "least_squares": (
            (((real - 1) ** 2).mean() + (fake**2).mean()) / 2,
            ((fake - 1) ** 2).mean() / 2,
        ),
        "relativistic": (
            softplus(fake - real).mean(),
            softplus(real - fake).mean(),
        ),
        "wasserstein": (fake.mean() - real.mean(), -fake.mean()),
    }[formulation]
    penalties = {}
    if formulation == "wasserstein":
        gamma = 10.0 if gamma is None else gamma
        penalty = gradient_penalty(critic, x, made, draw)
        penalties["gradient_penalty"] = penalty
        penalty = gamma * penalty
    else:
        gamma = (formulation == "relativistic") if gamma is None else gamma
        if gamma:
            penalties["r1"] = r1(critic, x)
        if formulation == "relativistic":
            penalties["r2"] = r1(critic, made)
        penalty = gamma / 2 * sum(penalties.values())
    return {
        "discriminator_adversarial": adversarial,
        "discriminator_fooling": fooling,
        **penalties,
        "discriminator_loss": adversarial + penalty,
        "generator_loss": fooling,
    }


def ganomaly(
    n, x, z, draw, reconstruction_weight=50.0, reencoding_weight=1.0, **_
):
    code = n["encoder"](x)
    redrawn = n["generator"](code)
    real, fake = n["discriminator"](x), n["discriminator"](redrawn)
    terms = {
        "feature_reconstruction": mse(features(real), features(fake)),
        "reconstruction": mae(x, redrawn),
        "reencoding": mse(code, n["second_encoder"](redrawn)),
        "discriminator_adversarial": critic_pays(real["score"], fake["score"]),
        # In the logs, and paid by nobody.
        "discriminator_fooling": creator_pays(fake["score"]),
    }
    reencoding = reencoding_weight * terms["reencoding"]
    pays = (
        terms["feature_reconstruction"]
        + reconstruction_weight * terms["reconstruction"]
        + reencoding
    )
    return terms | {
        "discriminator_loss": terms["discriminator_adversarial"],
        "encoder_loss": pays,
        "generator_loss": pays,
        # It stands in no other term.
        "second_encoder_loss": reencoding,
    }


def image_autoencoder(
    n,
    x,
    z,
    draw,
    kl_weight=1e-6,
    feature_weight=0.1,
    adversarial_weight=0.5,
    start=2000,
    ramp=1000,
    max_ratio=10.0,
    step=0,
    stop=once,
    **_,
):
    distribution = n["encoder"](x)
    redrawn = n["generator"](sample(distribution, draw))
    real, fake = n["discriminator"](x), n["discriminator"](redrawn)
    share = np.clip((step - start) / ramp, 0, 1)
    # The two gradients at x~: of mean |x - x~|, and of the critic's.
    wanted = norm((np.sign(redrawn - x) / x.size)[None])[0]

    def weight():
        critic = score(n["discriminator"])
        wants = gradient(critic, redrawn) / fake["score"].size
        return np.clip(wanted / (norm(wants[None])[0] + 1e-4), 0, max_ratio)

    ratio = stop("ratio", weight)
    t = {
        "reconstruction": mae(x, redrawn),
        "feature_reconstruction": mae(features(real), features(fake)),
        "kl_divergence": kl(**distribution).mean(),
        "discriminator_adversarial": _hinge(real["score"], fake["score"]),
        "discriminator_fooling": -share * ratio * fake["score"].mean(),
        "discriminator_weight": share * ratio,
    }
    pays = (
        t["reconstruction"]
        + feature_weight * t["feature_reconstruction"]
        + adversarial_weight * t["discriminator_fooling"]
    )
    return t | {
        "discriminator_loss": t["discriminator_adversarial"],
        "encoder_loss": pays + kl_weight * t["kl_divergence"],
        "generator_loss": pays,
    }


def latent_gan(n, x, z, draw, gamma=1.0, **_):
    critic, code, made = (
        n["latent_discriminator"],
        n["encoder"](x),
        n["prior"](z),
    )
    terms = {
        "latent_discriminator_adversarial": softplus(
            critic(made) - critic(code)
        ).mean(),
        "latent_discriminator_fooling": softplus(
            critic(code) - critic(made)
        ).mean(),
        # As in every game on codes, the second is the one at the encoder's.
        "latent_r1": r1(critic, made),
        "latent_r2": r1(critic, code),
    }
    penalty = gamma / 2 * (terms["latent_r1"] + terms["latent_r2"])
    return terms | {
        "latent_discriminator_loss": terms["latent_discriminator_adversarial"]
        + penalty,
        "prior_loss": terms["latent_discriminator_fooling"],
    }


def rae(n, x, z, draw, beta=1e-3, **_):
    code = n["encoder"](x)
    t = {
        "reconstruction": mse(x, n["generator"](code)),
        "code_norm": (code**2).mean() / 2,
    }
    return t | {
        "generator_loss": t["reconstruction"],
        "encoder_loss": t["reconstruction"] + beta * t["code_norm"],
    }


def mixture_aegan(
    n,
    x,
    z,
    draw,
    gamma=1.0,
    penalty_interval=4,
    reconstruction_weight=30.0,
    latent_reconstruction_weight=0.5,
    step=0,
    **_,
):
    critic, code = n["discriminator"], n["prior"](z)
    due = penalty_interval if step % penalty_interval == 0 else 0
    made = n["generator"](code)
    t = {
        "discriminator_adversarial": softplus(critic(made) - critic(x)).mean(),
        "discriminator_fooling": softplus(critic(x) - critic(made)).mean(),
        "r1": due * r1(critic, x),
        "r2": due * r1(critic, made),
        "reconstruction": mae(x, n["generator"](n["encoder"](x))),
        "latent_reconstruction": mse(code, n["encoder"](made)),
    }
    creates = (
        t["discriminator_fooling"]
        + reconstruction_weight * t["reconstruction"]
        + latent_reconstruction_weight * t["latent_reconstruction"]
    )
    return t | {
        "discriminator_loss": t["discriminator_adversarial"]
        + gamma / 2 * (t["r1"] + t["r2"]),
        "encoder_loss": creates,
        "generator_loss": creates,
    }


def soft_introvae(
    n,
    x,
    z,
    draw,
    reconstruction_weight=1.0,
    kl_weight=1.0,
    negative_kl_weight=256.0,
    stop=once,
    **_,
):
    """As in the authors' code, with s = 1 / (values of a sample)."""
    s, b_rec, b_kl = 1 / x[0].size, reconstruction_weight, kl_weight

    def judged(v):
        """Each sample's KL, and its error when encoded and redrawn."""
        distribution = n["encoder"](v)
        again = n["generator"](sample(distribution, draw))
        return kl(**distribution), squares(v, again), again

    kl_real, error, redrawn = judged(x)
    kl_redrawn, error_redrawn, _ = judged(redrawn)
    kl_given, error_given, _ = judged(stop("redrawn", lambda: redrawn))
    kl_fake, error_fake, _ = judged(n["generator"](z))

    def bound(kl, error):
        return np.exp(-2 * s * (b_rec * error + negative_kl_weight * kl)).mean()

    encoder = s * (b_rec * error + b_kl * kl_real).mean() + 0.25 * (
        bound(kl_given, error_given) + bound(kl_fake, error_fake)
    )
    generator = s * (
        b_rec * error
        + 0.5 * b_kl * (kl_redrawn + kl_fake)
        + 1e-8 * 0.5 * b_rec * (error_redrawn + error_fake)
    )
    return {
        "introspective_encoder": encoder,
        "kl_real": kl_real.mean(),
        "kl_fake": (kl_redrawn + kl_fake).mean() / 2,
        "introspective_generator": generator.mean(),
        "encoder_loss": encoder,
        "generator_loss": generator.mean(),
    }


def vae_gan(
    n, x, z, draw, gamma=0.01, kl_weight=1.0, judge_reconstructions=True, **_
):
    critic, distribution = n["discriminator"], n["encoder"](x)
    redrawn = critic(n["generator"](sample(distribution, draw)))
    real, made = critic(x), critic(n["generator"](z))
    likelihood = (squares(features(real), features(redrawn)) / 2).mean()
    prior = kl(**distribution).mean()
    adversarial = critic_pays(real["score"], made["score"])
    fooling = creator_pays(made["score"])
    if judge_reconstructions:
        adversarial += softplus(redrawn["score"]).mean()
        fooling += creator_pays(redrawn["score"])
    return {
        "kl_divergence": prior,
        "feature_reconstruction": likelihood,
        "generator_feature_reconstruction": likelihood,
        "discriminator_adversarial": adversarial,
        "discriminator_fooling": fooling,
        "discriminator_loss": adversarial,
        "encoder_loss": kl_weight * prior + likelihood,
        "generator_loss": gamma * likelihood + fooling,
    }
