"""One training step, the same on every backend but for the gradients."""

import contextlib

import keras
from keras import ops

from keras_aegan.rollout import Rollout
from keras_aegan.sharing import batch_size, sharing, summed
from keras_aegan.training.diagnosis import diagnose
from keras_aegan.training.one_stage import by_player, one_stage, variables_of
from keras_aegan.training.turns import turns


class Game:
    """The moves of one step: turns, payments, gradients, averages.

    A backend's file adds what Keras leaves to it: how a round is played that
    gradients can be asked of (`_played`), who counts what is due (`is_due`),
    how a function of the model is compiled that changes nothing (`_compiled`),
    which part of a batch a device takes (`_shared`), and the signature of
    `train_step`.
    """

    def _pay(self, data, players, networks, training, cut=None):
        """What these players pay for one batch.

        Returns:
            `(totals, values)`: each player's loss, and every computed term.
        """
        waiting = set(self.players) - set(players)
        rollout = self._rollout(
            data, networks, training, waiting=waiting, cut=cut
        )
        return self._owe(rollout, players)

    def _rollout(
        self, data, networks, training, is_due=None, waiting=(), cut=None
    ):
        if is_due is None:
            is_due = self.is_due if training else lambda interval: True
        return Rollout(
            networks,
            data,
            self._draw(ops.shape(data)[0]),
            self._random,
            ops.convert_to_tensor(self.step),
            is_due,
            training,
            waiting,
            cut,
        )

    def _owe(self, rollout, players):
        """What these players pay for a rollout; see `_pay`."""
        values, totals = {}, {}
        for loss in self._owed(players):
            values.update(_scalars(loss, rollout))
        for player in players:
            owed = [
                weight * _given(values, term)
                for term, payers in self.payments.items()
                if (weight := payers.get(player))
            ]
            owed += self._regularised(player, rollout.networks[player])
            totals[player] = sum(owed, ops.zeros((), "float32"))
        return totals, values

    def _regularised(self, player, network):
        """Weight regularisers that a user's own network brings along."""
        regularised = self._regularising(player)
        averages = {}
        if regularised and network is not getattr(self, player):
            averages = {id(v): average for average, v in self.averaged}
        # A tensor, as Keras gives: a user's regulariser may know no variables.
        return [
            v.regularizer(averages.get(id(v), v).value) for v in regularised
        ]

    def _regularising(self, player):
        """A player's weights that cost something by themselves."""
        return [v for v in self.owned[player] if v.regularizer is not None]

    def _contained(self, pay):
        """What is paid, and what the networks changed in themselves meanwhile.

        Seeds, statistics and spectral norms change in a forward pass. They are
        assigned after the backward pass, whose values they must not touch.

        Returns:
            `(totals, values, changes)`, the last pairs of variable and value.
        """
        with _Changes() as changes:
            totals, values = pay()
        return totals, values, changes.pairs()

    def is_due(self, interval):
        """Whether what happens every so many steps happens in this one."""
        return ops.equal(self.step % interval, 0)

    def _owed(self, players):
        """The losses of which these players pay some term."""
        return [
            loss
            for loss in self.objectives
            if any(
                player in self.payments[term]
                for term in loss.terms()
                for player in players
            )
        ]

    def diagnosis(self):
        """A function of data and held-out data to what `diagnose` finds."""
        return self._compiled(
            lambda data, held_out: diagnose(self, data, held_out)
        )

    def _move(self, data):
        """All turns of one training step on one batch."""
        data, share = self._shared(self.spec.to_networks(inputs_of(data)))
        with sharing(share):
            return self._play(data)

    def _play(self, data):
        logged = {}
        for players in turns(self):
            totals, values, gradients = self._gradients(
                lambda cut=None, players=players: self._pay(
                    data, players, self.networks, training=True, cut=cut
                ),
                self._groups(players),
                self.updates == "one_stage",
            )
            totals, values, gradients = summed((totals, values, gradients))
            for player in players:
                self._apply_gradients(player, gradients[player])
                logged[f"{player}_loss"] = totals[player]
            logged.update(values)
        for loss in self._owed(self.players):
            loss.after_step(logged)
        self.step.assign(self.step + 1)
        self._average()
        return self._track(logged, data)

    #: Counted where the host says what is due, from when it is asked first.
    _steps_done = None

    def _begin_epoch(self):
        """Before the first step of each epoch of a `fit`."""
        self._check_owned()
        self._steps_done = None  # A callback may have loaded another.

    def _shared(self, data):
        """The rows that this device takes, and its `Share`, if not all."""
        return data, None

    def _placed(self):
        """Within it variables are made where the model's are."""
        return contextlib.nullcontext()

    def _in_order(self, order, **kwargs):
        """What `fit` is called with, for each epoch to have its own order."""
        return kwargs

    def _called_back(self, callbacks, verbose, source):
        """The callbacks and the verbosity of this process in `fit`."""
        return callbacks, verbose

    def _judge(self, data):
        """All terms and losses on one batch, without any change."""
        data, share = self._shared(self.spec.to_networks(inputs_of(data)))
        networks = {seat: self.used(seat) for seat in self.networks}
        with sharing(share):
            totals, values = summed(
                self._pay(data, self.players, networks, training=False)
            )
            for player, total in totals.items():
                values[f"{player}_loss"] = total
            return self._track(values, data)

    def _track(self, logged, data):
        self.tracker.update_state(logged, batch_size(data))
        return self.get_metrics_result()

    def _groups(self, players):
        """Players that pay the same terms share one backward pass."""
        groups = {}
        for player in players:
            debts = tuple(
                (term, payers[player])
                for term, payers in self.payments.items()
                if player in payers
            )
            regularised = player if self._regularising(player) else None
            groups.setdefault((debts, regularised), []).append(player)
        return list(groups.values())

    def _gradients(self, pay, groups, is_one_stage=False):
        """What is paid, and each player's gradient of what it pays.

        A backend's `_played` plays the round. It returns what is paid, the
        changes that networks made in themselves (see `_contained`), the keys
        of the cuts (see `Rollout`), and a function that pulls back: of a dict
        of player or cut to the gradient at what it pays or at what is cut off
        (`None` for one), to the gradients of variables and behind cuts.

        Args:
            pay: a function to `(totals, values)`, of a `cut` if one-stage.
            groups: players by what they pay, see `_groups`.
            is_one_stage: whether critics' backward passes serve all players.

        Returns:
            `(totals, values, gradients)`, the last a dict by player.
        """
        totals, values, changes, cuts, pull = self._played(
            pay, groups, is_one_stage
        )
        if is_one_stage:
            gradients = one_stage(self.owned, groups, cuts, pull)
        else:
            gradients = {}
            for group in groups:
                scale, shares = self._cotangents(group)
                owned = variables_of(self.owned, group)
                found, _ = pull({group[0]: scale}, owned)
                found = by_player(self.owned, group, found)
                for player, share in shares.items():
                    if share is not None:
                        found[player] = [share * g for g in found[player]]
                gradients |= found
        for variable, value in changes:
            variable.assign(value)
        return totals, values, gradients

    def _cotangents(self, group):
        """The scale of a group's shared backward pass, and each player's.

        With a dynamic loss scale each player has its own, so that an overflow
        in one backward pass does not skip another's step; a shared one runs at
        its first player's scale.
        """
        scales = {player: self.optimizer.scale(player) for player in group}
        if all(scale is None for scale in scales.values()):
            return None, dict.fromkeys(group)
        scales = {p: 1.0 if s is None else s for p, s in scales.items()}
        shared = scales[group[0]]
        shares = {p: scale / shared for p, scale in scales.items()}
        return ops.convert_to_tensor(shared, "float32"), shares

    def _average(self):
        """Moves the averaged networks towards the trained ones.

        The momentum starts low and rises with the steps done, so that early
        averages do not remember the random start.
        """
        if not self.averaged:
            return
        steps = ops.cast(self.step, "float32")
        momentum = ops.minimum(self.ema_momentum, (1 + steps) / (10 + steps))
        self._draw_near(1 - momentum)

    def _draw_near(self, share):
        """Moves averages this share of the way."""
        for average, variable in self.averaged:
            part = ops.cast(share, average.dtype)
            average.assign_add(part * (variable - average))


class _Changes(keras.StatelessScope):
    """What is assigned within it, be it a variable of the model's or not.

    The seed of noise that has no generator of its own is the process's.
    """

    def __init__(self):
        super().__init__()
        self._changed = {}

    def add_update(self, update):
        variable, _ = update
        self._changed[id(variable)] = variable
        super().add_update(update)

    def pairs(self):
        """Each variable and its last value."""
        return [
            (variable, self.get_current_value(variable))
            for variable in self._changed.values()
        ]


def _scalars(loss, rollout):
    """The values of a loss's terms, each of them one number."""
    found = {}
    for term, value in loss.values(rollout).items():
        found[term] = ops.convert_to_tensor(value)
        if found[term].shape != ():
            raise ValueError(
                f"Expected the loss '{loss.name}' to give one number for its "
                f"term '{term}': a mean over the batch. Received: shape "
                f"{tuple(found[term].shape)}"
            )
    return found


def _given(values, term):
    if term not in values:
        raise ValueError(
            f"A loss says in `terms()` who pays for '{term}', and gives no "
            f"value of it. Received: values of {sorted(values)}"
        )
    return values[term]


def inputs_of(batch):
    """`x` out of `x`, `(x,)` or `(x, y)`; labels are not used."""
    x, _, _ = keras.utils.unpack_x_y_sample_weight(batch)
    return x
