"""One backward pass of a critic for all players.

Where a critic's verdict `s_i` on a fake `v_i` depends on no other sample, the
gradients that the critic and the creators ask for at `v_i` are multiples of
one another:

    d C / d v_i  =  (d C / d s_i) / (d D / d s_i)  *  d D / d v_i

with `D` what the critic pays and `C` what creators pay. The critic's own pass
gives `d D / d v_i` on its way; the creators go on from there, rescaled sample
by sample. Shen et al. (2021).

The round is cut in three: losses, behind the verdicts; critics; creators.
"""

import keras
import numpy as np
from keras import ops

from keras_aegan.critics import judge, outputs_of
from keras_aegan.training.turns import CRITICS

# Where the critic asks nothing at a verdict (a hinge that is met, BEGAN's k at
# 0) it is made to ask this share of what the creators ask, so that there is
# something to rescale: far below the rounding of what it asks elsewhere.
_LEAST = 2.0**-64


def check_one_stage(seats, losses) -> None:
    """Refuses a game whose gradients at the fakes are not multiples.

    Args:
        seats: dict of seat to network.
        losses: the model's losses.

    Raises:
        ValueError: without a critic, for one that scores patches, and for a
            loss that looks at more than verdicts.
    """
    critics = [seat for seat in CRITICS if seat in seats]
    if not critics:
        raise ValueError(
            "updates='one_stage' shares a discriminator's backward pass. "
            "Received: a model without one. Use updates='simultaneous'."
        )
    for seat in critics:
        outputs = outputs_of(seats[seat])
        score = outputs.get("score") if isinstance(outputs, dict) else outputs
        judged = seats[seat].inputs[0].shape
        is_energy = score is None or tuple(score.shape) == tuple(judged)
        if not is_energy and np.prod(score.shape[1:]) != 1:
            raise ValueError(
                "updates='one_stage' rescales one gradient a sample, so a "
                "sample must have one score. Received: a "
                f"{seat} with scores of shape {tuple(score.shape)[1:]} a "
                "sample. Use updates='simultaneous'."
            )
    for loss in losses:
        if loss.beyond_scores:
            raise ValueError(
                "updates='one_stage' rescales the gradient of a sample's "
                f"score, and the loss '{loss.name}' looks at the "
                f"discriminator's {loss.beyond_scores} too, whose gradient is "
                "another. Use updates='simultaneous'."
            )


def check_verdicts(seats, optimizer, owned) -> None:
    """Refuses critics that do not train or that mix samples, and loss scales.

    Args:
        seats: dict of seat to network.
        optimizer: the `PlayerOptimizers`.
        owned: dict of player to its variables.

    Raises:
        ValueError: for these.
    """
    for player in owned:
        if optimizer.scale(player) is not None:
            raise ValueError(
                "updates='one_stage' hands the discriminator's gradients on "
                "to the others, so one overflow would stop all players. "
                f"Received: a loss scale for the {player}. Use "
                "updates='simultaneous', or 'mixed_bfloat16', which needs "
                "none."
            )
    for seat in CRITICS:
        if seat not in seats:
            continue
        if seat not in owned:
            raise ValueError(
                "updates='one_stage' shares the backward pass of a "
                f"discriminator that trains. Received: a frozen {seat}. Use "
                "updates='simultaneous'."
            )
        if _mixes_samples(seats[seat]):
            raise ValueError(
                "updates='one_stage' rescales each sample's gradient by "
                "itself, so a sample's score must not depend on the others. "
                f"Received: a {seat} that mixes the samples of a batch, as "
                "batch normalisation does. Use another normalisation, or "
                "updates='simultaneous'."
            )


def _mixes_samples(critic):
    """Whether a NaN in one sample reaches the scores of others."""
    inputs = []
    for tensor in critic.inputs:
        values = np.zeros((3, *tensor.shape[1:]), "float32")
        values[1] = np.nan
        inputs.append(ops.convert_to_tensor(values, tensor.dtype))
    with keras.StatelessScope():  # What the critic notes of it is forgotten.
        scores = judge(critic, inputs if inputs[1:] else inputs[0], True)
    scores = ops.convert_to_numpy(ops.stop_gradient(scores["score"]))
    return not np.isfinite(scores[[0, 2]]).all()


def one_stage(owned, groups, cuts, pull):
    """The gradients of simultaneous updates, from fewer backward passes.

    Args:
        owned: dict of player to its variables.
        groups: players by what they pay.
        cuts: keys of what is cut off, see `Rollout`.
        pull: a function that pulls back, see `Game._gradients`.

    Returns:
        A dict of player to the gradients of its variables.

    Reference:
        - [Training Generative Adversarial Networks in One Stage](
          https://arxiv.org/abs/2103.00430)
    """
    verdicts = [key for key in cuts if key[0] == "score"]
    asked = {
        group[0]: dict(
            zip(verdicts, pull({group[0]: None}, [], verdicts)[1], strict=True)
        )
        for group in groups
    }
    creators = [group for group in groups if group[0] not in CRITICS]
    arriving = {group[0]: {group[0]: None} for group in creators}
    gradients = {}
    for group in groups:
        critic = group[0]
        if critic not in CRITICS:
            continue
        own = [key for key in verdicts if key[1] in group]
        cotangents = {
            key: _never_nothing(
                asked[critic][key], [asked[g[0]][key] for g in creators]
            )
            for key in own
        }
        inputs = [key for key in cuts if key[0] == "input" and key[1] in group]
        found, at_inputs = pull(
            {critic: None, **cotangents}, variables_of(owned, group), inputs
        )
        gradients |= by_player(owned, group, found)
        for key, gradient in zip(inputs, at_inputs, strict=True):
            verdict = ("score", *key[1:3])
            for creator in arriving:
                ratio = _ratio(asked[creator][verdict], cotangents[verdict])
                shape = (-1, *[1] * (len(gradient.shape) - 1))
                ratio = ops.cast(ops.reshape(ratio, shape), gradient.dtype)
                arriving[creator][key] = ratio * gradient
    for group in creators:
        found, _ = pull(arriving[group[0]], variables_of(owned, group))
        gradients |= by_player(owned, group, found)
    return gradients


def _never_nothing(by_critic, by_creators):
    least = _LEAST * sum(map(ops.absolute, by_creators))
    return ops.where(ops.absolute(by_critic) > least, by_critic, least)


def _ratio(by_creator, by_critic):
    nobody = ops.equal(by_critic, 0.0)
    ratio = by_creator / ops.where(nobody, 1.0, by_critic)
    return ops.where(nobody, 0.0, ratio)


def variables_of(owned, group):
    """The variables of a group of players, one after the other."""
    return [variable for player in group for variable in owned[player]]


def by_player(owned, group, gradients):
    """The gradients of these variables, a list for each player."""
    gradients = iter(gradients)
    return {
        player: [next(gradients) for _ in owned[player]] for player in group
    }
