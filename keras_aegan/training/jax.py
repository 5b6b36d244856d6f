"""The training step on JAX: stateless outside, the same moves inside.

Keras hands the state in as lists of arrays and wants them back. A
`StatelessScope` lets the shared code read and assign variables as on the other
backends, and keeps what it assigned.
"""

import dataclasses

import jax
import keras
from jax.interpreters import ad

from keras_aegan.training.game import Game


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class _Due:
    """Which lazy intervals are due in a step: a step is compiled for each.

    Known while compiling, because in a branch chosen on the device XLA's CPU
    compiler leaves convolutions to naive loops (35 times slower here).
    """

    intervals: frozenset


class Trainer(Game):
    def make_train_function(self, force=False):
        # Read anew from the state at the first step of each `fit`.
        self._steps_done = None
        if self.train_function is not None and not force:
            return
        super().make_train_function(force)
        compiled = self.train_function

        def train_function(state, batches):
            return compiled(state, self._with_due(state, batches))

        self.train_function = train_function

    def _with_due(self, state, batches):
        """Sends along with each batch what is due, counted on the host."""
        if self._steps_done is None:
            places = [id(v) for v in self.non_trainable_variables]
            self._steps_done = int(state[1][places.index(id(self.step))])
        for batch in batches:
            due = {i for i in self._intervals() if self._steps_done % i == 0}
            self._steps_done += 1
            yield batch, _Due(frozenset(due))

    def _intervals(self):
        return {getattr(loss, "interval", 1) for loss in self.objectives}

    def is_due(self, interval):
        return interval in self._due.intervals

    def train_step(self, state, data):
        data, self._due = data
        parts = (
            self.trainable_variables,
            self.non_trainable_variables,
            self.optimizer.variables,
            self.metrics_variables,
        )
        return _within(parts, state, lambda: self._move(data))

    def test_step(self, state, data):
        parts = (
            self.trainable_variables,
            self.non_trainable_variables,
            self.metrics_variables,
        )
        return _within(parts, state, lambda: self._judge(data))

    def _gradients(self, pay, groups):
        moving = [v for group in groups for p in group for v in self.owned[p]]
        others = {id(v): v for v in self.variables}
        for variable in moving:
            del others[id(variable)]
        kept = [(variable, variable.value) for variable in others.values()]

        def play(values):
            mapping = [*zip(moving, values, strict=True), *kept]
            with keras.StatelessScope(mapping) as scope:
                totals, terms = pay()
            # Seeds, statistics and spectral norms change in a forward pass.
            changes = {
                index: after
                for index, (variable, before) in enumerate(mapping)
                if (after := scope.get_current_value(variable)) is not before
            }
            return totals, (totals, terms, changes)

        _, pull_back, (totals, terms, changes) = jax.vjp(
            play, [variable.value for variable in moving], has_aux=True
        )
        mapped = [*moving, *(variable for variable, _ in kept)]
        for index, after in changes.items():
            mapped[index].assign(after)
        gradients = {}
        for group in groups:
            scale, shares = self._cotangents(group)
            paid = totals[group[0]]
            one = jax.numpy.ones_like(paid)
            # One forward pass serves all players: a symbolic zero for the
            # other losses keeps their backward passes out of this one.
            cotangents = {
                player: (one if scale is None else scale * one)
                if player == group[0]
                else self._zero(total)
                for player, total in totals.items()
            }
            (found,) = pull_back(cotangents)
            found = {id(v): g for v, g in zip(moving, found, strict=True)}
            for player in group:
                part = [found[id(v)] for v in self.owned[player]]
                share = shares[player]
                gradients[player] = (
                    part if share is None else [share * g for g in part]
                )
        return totals, terms, gradients

    def _compiled(self, function):
        @jax.jit
        def compiled(state, args):
            parts = self._state_parts()
            result, _ = _within(parts, state, lambda: function(*args))
            return result  # What is assigned is forgotten.

        def called(*args):
            # Within `fit` the variables are empty, until they are asked for.
            self.jax_state_sync()
            state = [[v.value for v in part] for part in self._state_parts()]
            return compiled(state, args)

        return called

    def _state_parts(self):
        return (
            self.trainable_variables,
            self.non_trainable_variables,
            self.optimizer.variables,
        )

    def _zero(self, total):
        """No gradient of a loss: symbolic, but for JAX's loops.

        JAX transposes a loop with symbolic zeros to the wrong shape.
        """
        has_loops = any(
            isinstance(layer, keras.layers.RNN)
            for network in self.networks.values()
            for layer in network._flatten_layers()
        )
        if has_loops:
            return jax.numpy.zeros_like(total)
        return ad.Zero(jax.typeof(total).to_ct_aval())

    def _apply(self, player, gradients):
        optimizer, owned = self.optimizer[player], self.owned[player]
        weights, state = optimizer.stateless_apply(
            [variable.value for variable in optimizer.variables],
            gradients,
            [variable.value for variable in owned],
        )
        for variable, value in zip(owned, weights, strict=True):
            variable.assign(value)
        for variable, value in zip(optimizer.variables, state, strict=True):
            variable.assign(value)


def _within(parts, state, moves):
    """Runs moves on this state, and returns their result and the new state.

    The zips are strict: with a list too short Keras would go on, and lose the
    variables that are missing.
    """
    mapping = [
        pair
        for variables, values in zip(parts, state, strict=True)
        for pair in zip(variables, values, strict=True)
    ]
    with keras.StatelessScope(mapping) as scope:
        result = moves()
    new_state = tuple(
        [scope.get_current_value(variable) for variable in variables]
        for variables in parts
    )
    return result, new_state
