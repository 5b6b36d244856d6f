"""What the game's numbers mean, in plain words, with what to do about it."""

import statistics
from collections.abc import Callable
from typing import NamedTuple


class Verdict(NamedTuple):
    """A finding about a training.

    Args:
        name: what it is called in logs and in `GameMonitor.verdicts`.
        text: what is wrong and the remedy, in a sentence or two.
    """

    name: str
    text: str


def judge_game(history: list[dict[str, float]]) -> list[Verdict]:
    """What is wrong with a training, by the values that were watched.

    A verdict needs its sign in each of the last `5` watches, because a single
    batch says little; that of a divergence needs one.

    Args:
        history: the values of each watch, the oldest first; see
            `training.diagnosis.diagnose` for what they are, and
            `update_ratio/PLAYER`, the norm of a step over that of the weights.

    Returns:
        A list of `Verdict`, the gravest first.

    Reference:
        - [Training Generative Adversarial Networks with Limited Data](
          https://arxiv.org/abs/2006.06676), section 3, for the held-out gap
        - [BEGAN](https://arxiv.org/abs/1703.10717), section 3.4, for
          `m_global`
    """
    if not history:
        return []
    found = []
    for name, rule in _RULES.items():
        text = rule(history)
        if text:
            found.append(Verdict(name, text))
            if name == "diverged":
                break  # What else is seen then means nothing.
    return found


#: Watches in a row that a sign has to be seen in.
PATIENCE = 5
#: What is finite in every training that goes on.
_FINITE = ("gradient_norm/", "loss/", "score/", "reconstruction_error")


def _lately(history, name) -> list[float]:
    """A value in the last watches, if it was in all of them."""
    values = [watch.get(name) for watch in history[-PATIENCE:]]
    return values if len(values) == PATIENCE and None not in values else []


def _always(history, name, is_so: Callable[[float], bool]) -> float | None:
    """The last value, if it has been so in each of the last watches."""
    values = _lately(history, name)
    return values[-1] if values and all(map(is_so, values)) else None


def _named(history, prefix):
    """What a value is of, for all values that begin like this."""
    return [n.removeprefix(prefix) for n in history[-1] if n.startswith(prefix)]


def _diverged(history):
    bad = sorted(
        name
        for name, value in history[-1].items()
        # Of the others a ratio may be of zeros, as of data that are all alike.
        if name.startswith(_FINITE) and value - value != 0
    )
    if bad:
        return (
            f"The training has diverged: {', '.join(bad[:3])} "
            f"{'are' if len(bad) > 1 else 'is'} not finite. Start again from "
            "before, with a lower learning rate, a larger gamma of the "
            "penalties, or in float32."
        )
    return None


def _steps_too_large(history):
    for player in _named(history, "update_ratio/"):
        ratio = _always(history, f"update_ratio/{player}", lambda r: r > 0.03)
        if ratio:
            return (
                f"The {_seat(player)} moves by {ratio:.1%} of its weights in "
                "a step, and about 0.1 % is healthy: lower its learning rate."
            )
    return None


def _stands_still(history):
    for player in _named(history, "update_ratio/"):
        ratio = _always(history, f"update_ratio/{player}", lambda r: r < 1e-6)
        if ratio is not None:
            return (
                f"The {_seat(player)} hardly moves ({ratio:.1g} of its weights "
                "in a step): raise its learning rate, or look whether its "
                "gradient has vanished."
            )
    return None


def _generator_gradient_vanished(history):
    name = "generator_gradient/adversarial"
    if name not in history[-1]:
        name = "gradient_norm/generator"
    values = [watch[name] for watch in history if name in watch]
    if len(values) < 2 * PATIENCE or not _is_told_apart(history, 0.95):
        return None
    usual = statistics.median(values[:PATIENCE])
    if all(value < 1e-3 * usual for value in values[-PATIENCE:]):
        return (
            "The discriminator's gradient at what the generator makes has "
            f"vanished (it was {usual:.2g} and is {values[-1]:.2g}): use the "
            "'relativistic' or 'non_saturating' formulation, raise gamma of R1 "
            "and R2, or lower the discriminator's learning rate."
        )
    return None


def _discriminator_saturated(history):
    if _is_told_apart(history, 0.97):
        return (
            "The discriminator is saturated: it tells nearly each generated "
            "sample from a real one, so the generator learns little from it. "
            "Raise gamma of R1 and R2 or lower the discriminator's learning "
            "rate."
        )
    return None


def _is_told_apart(history, accuracy):
    name = "pair_accuracy/discriminator"
    return _always(history, name, lambda a: a > accuracy) is not None


def _discriminator_overfits(history):
    gap = _always(history, "held_out_gap", lambda g: g > 0.5)
    if gap and _always(history, "pair_accuracy/discriminator", _is_known):
        return (
            "The discriminator knows its training data by heart: it puts "
            f"held-out data {gap:.0%} of the way to generated ones. Augment "
            "what it sees (`augment=('color', 'translation', 'cutout')`), "
            "train on more data, or stop here."
        )
    return None


def _is_known(accuracy):
    # Where it tells nothing apart, the way that the gap is a share of is noise.
    return accuracy > 0.7


def _penalty_dominates(history):
    for critic in _named(history, "penalty_share/"):
        share = _always(history, f"penalty_share/{critic}", lambda s: s > 1)
        if share:
            return (
                f"The penalties are {share:.3g} times the rest of the "
                f"{_seat(critic)}'s loss, so it learns to be flat and not to "
                "tell: lower their gamma."
            )
    return None


def _sharp_on_generated(history):
    r1, r2 = (_lately(history, f"penalty/{name}") for name in ("r1", "r2"))
    pairs = list(zip(r1, r2, strict=False))
    if pairs and all(b > 10 * a > 0 for a, b in pairs):
        return (
            f"The discriminator is {pairs[-1][1] / pairs[-1][0]:.0f} times "
            "steeper at generated data than at real ones (R2 over R1), which "
            "comes before a divergence: raise gamma of R2 or lower its "
            "learning rate."
        )
    return None


def _collapsed(history):
    diversity = _always(history, "diversity", lambda d: d < 0.1)
    if diversity is not None and len(history) >= 2 * PATIENCE:
        return (
            f"The samples vary by {diversity:.1%} of what the data vary: "
            f"the generator has collapsed. Use the 'relativistic' formulation "
            "with R1 and R2, add a LatentReconstructionLoss, or lower the "
            "learning rates and start again."
        )
    return None


def _adversary_drowned(history):
    ratios = _ratios(history)
    if ratios and all(ratio < 0.01 for ratio in ratios):
        return (
            f"The adversary has {ratios[-1]:.1%} of the gradient that the "
            "other losses have at the generator, which is then a plain "
            "autoencoder: lower the weight of the reconstruction."
        )
    return None


def _reconstruction_drowned(history):
    ratios = _ratios(history)
    if ratios and all(ratio > 100 for ratio in ratios):
        return (
            f"The adversary's gradient at the generator is {ratios[-1]:.0f} "
            "times that of the other losses, which count for nothing then: "
            "raise their weight."
        )
    return None


def _ratios(history):
    """Adversarial over all other gradient at the generator, lately."""
    parts = [
        _lately(history, f"generator_gradient/{kind}")
        for kind in ("adversarial", "other")
    ]
    return [a / b if b else 0.0 for a, b in zip(*parts, strict=False)]


def _codes_ignored(history):
    error = _always(history, "code_error", lambda e: e > 0.95)
    if error and len(history) >= 2 * PATIENCE:
        return (
            "Of the codes of generated data the encoder recovers nothing (an "
            f"error of {error:.2f} of their variance): add a "
            "LatentReconstructionLoss or raise its weight, or look whether "
            "the generator has collapsed."
        )
    return None


def _codes_off_the_prior(history):
    smallest = _always(history, "code/smallest_share", lambda v: v < 0.05)
    largest = _always(history, "code/largest_share", lambda v: v > 20)
    odd = smallest if smallest is not None else largest
    if odd is None:
        return None
    return (
        f"The data's codes have {odd:.2g} times the prior's variance in some "
        "dimension, so `generate` starts from codes that "
        "the generator was not shown: raise the weight of the loss that holds "
        "codes to the prior, or call `fit_sampler` after the training."
    )


def _equilibrium_lost(history):
    for end, words in ((0.0, "never pays"), (1.0, "pays in full")):
        if _always(history, "state/k", lambda k, end=end: k == end) is not None:
            if len(history) < 2 * PATIENCE:
                continue
            return (
                f"BEGAN's k stays at {end:g}: the discriminator {words} for "
                "what is generated, and there is no equilibrium. "
                + (
                    "Generated data are too easily reconstructed: make the "
                    "discriminator's codes smaller, or raise `rate`."
                    if end == 0.0
                    else "Lower gamma, or the discriminator's learning rate."
                )
            )
    measure = [watch.get("state/m_global") for watch in history]
    if None not in measure and len(measure) >= 2 * PATIENCE:
        best = min(measure)
        if all(value > 1.2 * best for value in measure[-PATIENCE:]):
            return (
                "BEGAN's measure of convergence has risen by "
                f"{measure[-1] / best - 1:.0%} over its best: lower the "
                "learning rates."
            )
    return None


def _seat(player):
    return player.replace("_", " ")


#: The gravest first.
_RULES = {
    "diverged": _diverged,
    "generator_collapsed": _collapsed,
    "generator_gradient_vanished": _generator_gradient_vanished,
    "discriminator_saturated": _discriminator_saturated,
    "discriminator_overfits": _discriminator_overfits,
    "penalty_dominates": _penalty_dominates,
    "discriminator_sharp_on_generated": _sharp_on_generated,
    "steps_too_large": _steps_too_large,
    "player_stands_still": _stands_still,
    "adversary_drowned": _adversary_drowned,
    "reconstruction_drowned": _reconstruction_drowned,
    "codes_ignored": _codes_ignored,
    "codes_off_the_prior": _codes_off_the_prior,
    "equilibrium_lost": _equilibrium_lost,
}
