"""What one batch tells about the game, without a move in it."""

import math

from keras import ops

from keras_aegan.critics import judge, results_of
from keras_aegan.training.turns import CRITICS


def diagnose(game, data, held_out=None) -> dict:
    """Measures the game on a batch; nothing of the model changes.

    | value | |
    |---|---|
    | `gradient_norm/PLAYER` | of the player's own loss, without the penalties \
that are not due in each step |
    | `generator_gradient/adversarial`, `/other` | what the adversaries, and \
all other losses, ask of the generator |
    | `score/WHAT`, `sign_rate/WHAT` | the critic's mean score, and the mean \
of its sign, of real and of made |
    | `pair_accuracy/CRITIC` | how often it scores the real one of a pair \
higher |
    | `held_out_gap` | how much of the way from training data to generated \
data the critic sees held-out data go |
    | `penalty_share/CRITIC` | penalties, as they are weighted, over the rest \
of its loss |
    | `penalty/NAME` | a penalty, unweighted |
    | `diversity` | the samples' total variance over that of the data |
    | `reconstruction_error` | mean `|x - G(E(x))|` in the networks' range, of \
held-out data where there are any |
    | `code_error` | mean `(z - E(G(z)))^2` over the variance of `z` |
    | `code/...` | largest mean, and smallest and largest variance, of codes; \
the variance's smallest and largest share of the prior's |
    | `state/NAME` | what a loss shows and nobody pays: `k`, `m_global` |

    Args:
        game: The model.
        data: A batch of training data, in the user's range.
        held_out: As many that it does not train on, or `None`.

    Returns:
        A dict of scalar tensors.
    """
    data = game.spec.to_networks(data)
    if held_out is not None:
        held_out = game.spec.to_networks(held_out)
    found = _gradients(game, data)
    rollout = game._rollout(data, game.networks, training=False)
    _, values = game._owe(rollout, game.players)
    for critic in CRITICS:
        if critic in game.networks:
            found |= _judgements(game, rollout, critic, held_out)
            found |= _penalties(game, values, critic)
    found |= {
        f"state/{term}": values[term]
        for term, payers in game.payments.items()
        if not payers and term in values
    }
    return found | _samples(game, rollout, held_out)


def _gradients(game, data):
    def is_due(interval):
        return interval == 1

    def pay():
        rollout = game._rollout(data, game.networks, True, is_due)
        return game._owe(rollout, game.players)

    _, _, gradients = game._gradients(pay, game._groups(game.players))
    found = {
        f"gradient_norm/{player}": _norm(game, player, gradients[player])
        for player in game.players
    }
    if "generator" not in game.players:
        return found
    asked = {"adversarial": [], "other": []}
    for term, payers in game.payments.items():
        if payers.get("generator"):
            kind = "adversarial" if term.endswith("_fooling") else "other"
            asked[kind].append((payers["generator"], term))
    for kind, terms in asked.items():
        if not all(asked.values()):
            break  # All of it is of one kind, and known.

        def pay_part(terms=terms):
            _, values = pay()
            return {"generator": sum(w * values[t] for w, t in terms)}, values

        _, _, part = game._gradients(pay_part, [["generator"]])
        name = f"generator_gradient/{kind}"
        found[name] = _norm(game, "generator", part["generator"])
    return found


def _norm(game, player, gradients):
    squares = [ops.sum(ops.square(ops.cast(g, "float32"))) for g in gradients]
    norm = ops.sqrt(sum(squares))
    scale = game.optimizer.scale(player)
    return norm if scale is None else norm / scale


def _judgements(game, rollout, critic, held_out):
    pair = _judged(game, critic)
    if pair is None:
        return {}
    network = game.networks[critic]
    real, made = (_by_sample(rollout.score(critic, what)) for what in pair)
    found = {
        f"pair_accuracy/{critic}": ops.mean(ops.cast(real > made, "float32"))
    }
    names = pair if isinstance(pair[0], str) else ("real", "made")
    # An autoencoder scores minus its error: its sign says nothing.
    has_sign = "score" in results_of(network)
    for what, scores in zip(names, (real, made), strict=True):
        found[f"score/{what}"] = ops.mean(scores)
        if has_sign:
            found[f"sign_rate/{what}"] = ops.mean(ops.sign(scores))
    if held_out is not None and critic == "discriminator":
        held = _by_sample(judge(network, held_out, False)["score"])
        way = ops.mean(real) - ops.mean(made)
        found["held_out_gap"] = (ops.mean(real) - ops.mean(held)) / way
    return found


def _judged(game, critic):
    """What its loss gives a critic as real, and as made."""
    for loss in game.objectives:
        if critic in loss.seats and hasattr(loss, "fake"):
            return getattr(loss, "real", "data"), loss.fake
    return None


def _by_sample(scores):
    """A critic of patches gives several scores a sample."""
    return ops.mean(ops.reshape(scores, (ops.shape(scores)[0], -1)), axis=1)


def _penalties(game, values, critic):
    penalties = {
        loss.name
        for loss in game.objectives
        if hasattr(loss, "interval") and critic in loss.terms()[loss.name]
    } & set(values)
    if not penalties:
        return {}
    owed = {
        term: payers[critic] * values[term]
        for term, payers in game.payments.items()
        if critic in payers and term in values
    }
    rest = sum((v for t, v in owed.items() if t not in penalties), 0.0)
    share = sum(owed[term] for term in penalties) / ops.absolute(rest)
    return {
        f"penalty_share/{critic}": share,
        **{f"penalty/{term}": values[term] for term in sorted(penalties)},
    }


def _samples(game, rollout, held_out):
    found = {}
    if game.prior is not None:
        spread = _total_variance(rollout.generated)
        found["diversity"] = spread / _total_variance(rollout.data)
    if "encoder" not in game.networks:
        return found
    held = rollout
    if held_out is not None:
        held = game._rollout(held_out, game.networks, training=False)
    error = ops.cast(held.reconstructed, "float32") - held.data
    found["reconstruction_error"] = ops.mean(ops.absolute(error))
    codes = _flat(rollout.codes)
    variance = ops.var(codes, axis=0)
    found["code/largest_mean"] = ops.max(ops.absolute(ops.mean(codes, axis=0)))
    found["code/smallest_variance"] = ops.min(variance)
    found["code/largest_variance"] = ops.max(variance)
    if game.prior is not None:
        drawn, recovered = rollout.prior_codes, rollout.recovered_codes
        # A fitted prior's codes may be small in some dimension, and rightly so.
        share = variance / (ops.var(_flat(drawn), axis=0) + 1e-12)
        found["code/smallest_share"] = ops.min(share)
        found["code/largest_share"] = ops.max(share)
        error = ops.mean(ops.square(_flat(drawn) - _flat(recovered)))
        size = math.prod(game.latent_shape)
        found["code_error"] = error * size / _total_variance(drawn)
    return found


def _flat(tensor):
    tensor = ops.cast(tensor, "float32")
    return ops.reshape(tensor, (ops.shape(tensor)[0], -1))


def _total_variance(tensor):
    return ops.sum(ops.var(_flat(tensor), axis=0))
