"""How far generator and discriminator are from a draw, in the game's value."""

import keras
import numpy as np
from keras import ops

from keras_aegan.aegan import AEGAN
from keras_aegan.counts import check_count
from keras_aegan.critics import results_of
from keras_aegan.losses import DataAdversarialLoss


def duality_gap(
    model: AEGAN,
    x: np.ndarray,
    steps: int = 50,
    learning_rate: float = 1e-3,
    batch_size: int = 64,
    seed: int = 0,
) -> float:
    """How much generator and discriminator can lose to a better opponent.

    With the value of the game

        V(D, G) = E log D(x) + E log(1 - D(G(z)))

    which D raises and G lowers, and D the sigmoid of the discriminator's score,
    it is the largest `V(D', G)` less the smallest `V(D, G')`. At the
    equilibrium neither finds a better move and it is 0. It grows when samples
    are unlike the data, when they lose kinds of data, and when the
    discriminator can be fooled. It needs no features, and works on any data.

    The opponents D' and G' are copies that take `steps` steps of Adam against
    the networks that the model uses, the averages where there are any, on a
    random half of `x`. All values are those of the other half and of as many
    samples, of the same noise. An opponent that got worse there does not play:
    the network it started from takes its place, so that the result is never
    below 0. The model itself is not changed.

    So short a search finds opponents that are not the best, and a result that
    is too small; it compares states of one model, or models of one
    architecture, measured with the same arguments. A score is taken for the
    log-odds of being real, as it is under the formulations `"non_saturating"`
    and `"density_ratio"`. Others put it on a scale of their own, which the
    second term contains: compare only along one training. A prior that is a
    network stays as it is.

    Args:
        model: an `AEGAN` with a prior and a discriminator that gives a score.
        x: `(n, *data_shape)` in the data's range, 2 or more, best some
            hundreds that the model was not trained on.
        steps: of each opponent, 1 or more, by default 50.
        learning_rate: of the opponents, above 0, by default 1e-3. The model's
            own would not do: a rate that has decayed finds no opponent.
        batch_size: samples of a step, 1 or more, by default 64.
        seed: integer seed of all that is random, by default 0.

    Returns:
        0 or more, without an upper bound. Twice that of the paper, whose value
        has a half before each term.

    Raises:
        ValueError: for a model without a prior, a discriminator or its score,
            bad data or fewer than 2, an argument out of its range, or scores
            that are not finite.

    Example:

    ```python
    gap = duality_gap(model, x_test[:1000])
    ```

    Reference:
        - [A Domain Agnostic Measure for Monitoring and Evaluating GANs](
          https://arxiv.org/abs/1811.05512), equation 1 for the value
    """
    check_count("steps", steps)
    check_count("batch_size", batch_size)
    if not 0 < learning_rate < np.inf:
        raise ValueError(
            "Expected learning_rate to be a finite number above 0. Received: "
            f"learning_rate={learning_rate}"
        )
    _check_model(model)
    x = x if isinstance(x, np.ndarray) else ops.convert_to_numpy(x)
    model.spec.check(x)
    if len(x) < 2:
        raise ValueError(
            "Expected x to have 2 samples or more, one to learn from and one "
            "to measure on, and some hundreds for numbers to trust. Received: "
            f"{len(x)}"
        )
    random = np.random.default_rng(seed)
    known, held_out = np.array_split(random.permutation(len(x)), 2)
    codes = model.sample_codes(len(held_out), random, batch_size)
    reals = x[held_out]

    def value(generator, discriminator):
        made = _outputs(generator, codes, batch_size)
        prepare = model.spec.to_networks
        on_real = _scores(discriminator, reals, batch_size, prepare)
        on_made = _scores(discriminator, made, batch_size)
        # The logarithms of the two sigmoids, which would round to 0 and 1.
        return -np.mean(np.logaddexp(0, -on_real)) - np.mean(
            np.logaddexp(0, on_made)
        )

    def opponent(seat):
        game = _game(model, seat, learning_rate, seed)
        # No `fit`: on PyTorch its pipeline draws from the generator that
        # shuffles the data of a training, which may be going on.
        for _ in range(steps):
            game.train_on_batch(x[random.choice(known, batch_size)])
        return getattr(game, seat)

    generator, discriminator = model.used("generator"), model.discriminator
    played = value(generator, discriminator)
    highest = value(generator, opponent("discriminator"))
    lowest = value(opponent("generator"), discriminator)
    return float(max(played, highest) - min(played, lowest))


def _check_model(model):
    instead = "Compare its samples with data instead: `frechet_distance`."
    if model.discriminator is None:
        raise ValueError(
            "A duality gap is of generator and discriminator. Received: a "
            f"model without a discriminator. {instead}"
        )
    given = results_of(model.discriminator)
    if "score" not in given:
        raise ValueError(
            "A duality gap is of a discriminator that gives 'score', how "
            f"probably data are real. Received: one that gives {sorted(given)}"
            f"; an autoencoder's error is no probability. {instead}"
        )
    if model.prior is None:
        raise ValueError(
            "The codes of this model follow no known distribution, so that it "
            "has no samples to judge. Fit one to the codes of your data: "
            "`model.fit_sampler('gmm', x)`."
        )


def _game(model, seat, learning_rate, seed):
    """A model in which one copy learns to win against the other."""
    networks = {
        name: _copy(model, name, trainable=name == seat)
        for name in ("generator", "discriminator")
    }
    has_network = isinstance(model.prior, keras.Model)
    return AEGAN(
        **networks,
        prior=model.copied("prior", trainable=False)
        if has_network
        else model.prior,
        # The generator lowers what it would by the value itself, with a
        # gradient that does not vanish where the discriminator is sure.
        losses=[DataAdversarialLoss("non_saturating")],
        ema_momentum=None,
        optimizer=keras.optimizers.Adam(learning_rate, beta_1=0.5),
        seed=seed,
        name="duality_gap",
        **model.data_settings,
    )


def _copy(model, seat, trainable):
    trained = getattr(model, seat)
    network = keras.models.clone_model(
        trained, clone_function=_seeded, recursive=True
    )
    average = model.averages.get(seat)
    pairs = zip(network.variables, trained.variables, strict=True)
    for variable, original in pairs:
        used = average.copy_of(original) if average else original
        # A copy: JAX's training takes over the memory of what it updates.
        variable.assign(np.array(ops.convert_to_numpy(used)))
    if not (trainable and network.trainable_variables):
        # What a second stage froze moves here. Off before on: TensorFlow does
        # not pass on to the layers what the network has been set to already.
        network.trainable = False
        network.trainable = trainable
    return network


def _seeded(layer):
    """A layer's copy, which draws from a state of its own.

    On PyTorch Keras's `Dropout` without a seed draws from the generator that
    shuffles the data of a training. What the seed is does not matter: the
    original's state is put over it.
    """
    config = layer.get_config()
    if config.get("seed", 0) is None:
        config["seed"] = 0
    return type(layer).from_config(config)


def _scores(network, inputs, batch_size, prepare=None):
    scores = _outputs(network, inputs, batch_size, prepare)
    if not np.isfinite(scores).all():
        raise ValueError(
            "Expected finite scores. Received: scores with NaN or infinity. "
            "Look for a network that has diverged; if the model's own have "
            "not, lower the learning_rate."
        )
    return scores.astype("float64")


def _outputs(network, inputs, batch_size, prepare=None):
    """What a network makes of all inputs; of several results, the score."""
    made = []
    for start in range(0, len(inputs), batch_size):
        batch = inputs[start : start + batch_size]
        made.append(
            network.predict_on_batch(prepare(batch) if prepare else batch)
        )
    made = [one["score"] if isinstance(one, dict) else one for one in made]
    return np.concatenate(made).astype("float32")
