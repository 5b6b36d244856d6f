"""The training step on JAX: stateless outside, the same moves inside.

Keras hands the state in as lists of arrays and wants them back. A
`StatelessScope` lets the shared code read and assign variables as on the other
backends, and keeps what it assigned.
"""

import dataclasses
import itertools

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


#: The parts of a state, in Keras's order.
_PARTS = (
    "trainable_variables",
    "non_trainable_variables",
    "optimizer_variables",
    "metrics_variables",
)


class Trainer(Game):
    def _get_jax_state(self, purge_model_variables=False, **parts):
        """The state, which Keras takes out of the variables for a while.

        It notes what to give back from the first step on. What is raised
        before, such as a bad first batch, would leave them empty.
        """
        state = super()._get_jax_state(
            purge_model_variables=purge_model_variables, **parts
        )
        if purge_model_variables:
            names = [name for name in _PARTS if parts.get(name)]
            self._jax_state = dict(zip(names, state, strict=True))
        return state

    def evaluate(self, *args, **kwargs):
        try:
            return super().evaluate(*args, **kwargs)
        finally:
            self.jax_state_sync()

    def predict(self, *args, **kwargs):
        try:
            return super().predict(*args, **kwargs)
        finally:
            self.jax_state_sync()

    def make_train_function(self, force=False):
        self._steps_done = None
        if self.train_function is not None and not force:
            return
        super().make_train_function(force)
        compiled = self.train_function
        if self._is_looped():
            compiled = self._compiled_execution()

        def train_function(state, batches):
            return compiled(state, self._with_due(state, batches))

        self.train_function = train_function

    def _is_looped(self):
        """Whether the batches of an execution run in one compiled loop.

        Keras's is a loop in Python. It is kept for convolutions on the CPU,
        which XLA's compiler leaves to naive loops within a loop, too.
        """
        if self.steps_per_execution == 1 or self.run_eagerly:
            return False
        has_convolutions = any(
            hasattr(layer, "kernel_size")
            for network in self.networks.values()
            for layer in network._flatten_layers()
        )
        on_cpu = jax.default_backend() == "cpu"
        return self.jit_compile and not (on_cpu and has_convolutions)

    def _compiled_execution(self):
        shardings = None
        if keras.distribution.distribution() is not None:
            shardings = (None, self._get_state_sharding_spec())
        compiled = jax.jit(
            self._loop, donate_argnums=0, out_shardings=shardings
        )

        def execution(state, batches):
            steps = list(itertools.islice(batches, self.steps_per_execution))
            if not steps:
                raise StopIteration
            for part in _repeating(steps):
                logs, state = compiled(state, part)
            return logs, state

        return execution

    def _loop(self, state, steps):
        """Training steps of which the same ones repeat, as one loop."""
        period = _period(steps)
        if period == len(steps):
            return self.train_step(state, steps[0])
        stacked = jax.tree.map(
            lambda *leaves: jax.numpy.stack(leaves),
            *(steps[i : i + period] for i in range(0, len(steps), period)),
        )

        def body(state, steps):
            for part in _repeating(steps):
                logs, state = self._loop(state, part)
            return state, logs

        state, logs = jax.lax.scan(body, state, stacked)
        return jax.tree.map(lambda values: values[-1], logs), state

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
        if interval not in self._intervals():
            raise ValueError(
                "JAX counts on the host what is due, before a step: expected "
                f"a loss with `interval = {interval}` as its attribute. "
                f"Received: is_due({interval}) with losses of the intervals "
                f"{sorted(self._intervals())}."
            )
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

    def _played(self, pay, groups, is_cut):
        moving = [v for group in groups for p in group for v in self.owned[p]]
        others = {id(v): v for v in self.variables}
        for variable in moving:
            del others[id(variable)]
        kept = [(variable, variable.value) for variable in others.values()]

        keys = []

        def play(values, offsets):
            """What is paid and cut off, and what else came of it.

            The gradient of an offset, all of which are zero, is that of what
            follows the cut.
            """
            cuts = {}

            def cut(key, tensor):
                cuts[key] = tensor
                leaf = jax.lax.stop_gradient(tensor)
                return leaf if offsets is None else leaf + offsets[key]

            mapping = [*zip(moving, values, strict=True), *kept]
            with keras.StatelessScope(mapping) as scope:
                totals, terms = pay(cut) if is_cut else pay()
            keys[:] = cuts
            # Seeds, statistics and spectral norms change in a forward pass.
            changes = {
                index: after
                for index, (variable, before) in enumerate(mapping)
                if (after := scope.get_current_value(variable)) is not before
            }
            return (totals, list(cuts.values())), (totals, terms, changes)

        values, offsets = [variable.value for variable in moving], {}
        if is_cut:
            (_, cuts), _ = jax.eval_shape(lambda v: play(v, None), values)
            offsets = {
                key: jax.numpy.zeros(cut.shape, cut.dtype)
                for key, cut in zip(keys, cuts, strict=True)
            }
        (paid, cuts), pull_back, (totals, terms, changes) = jax.vjp(
            play, values, offsets, has_aux=True
        )

        def pull(cotangents, variables, wanted=()):
            # One forward pass serves all players: a symbolic zero for all else
            # keeps its backward pass out of this one.
            def of(key, output):
                if key not in cotangents:
                    return self._zero(output)
                scale = cotangents[key]
                one = jax.numpy.ones_like(output)
                return one if scale is None else (scale * one).astype(one.dtype)

            found, leaves = pull_back(
                (
                    {
                        player: of(player, total)
                        for player, total in paid.items()
                    },
                    [of(key, out) for key, out in zip(keys, cuts, strict=True)],
                )
            )
            found = {id(v): g for v, g in zip(moving, found, strict=True)}
            return (
                [found[id(variable)] for variable in variables],
                [leaves[key] for key in wanted],
            )

        mapped = [*moving, *(variable for variable, _ in kept)]
        changes = [(mapped[index], after) for index, after in changes.items()]
        return totals, terms, changes, keys, pull

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

    def _apply_gradients(self, player, gradients):
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


def _repeating(steps):
    """Cuts steps into parts of which each is a repetition, or one step.

    A program is compiled for each part that is new. What is due repeats every
    few steps, so that these are few, and one where an execution is a multiple.
    """
    while steps:
        period = _period(steps)
        end = len(steps) // period * period
        if end == period:  # Nothing repeats as a whole: the first that do.
            kinds = _kinds(steps)
            changes = (i for i, kind in enumerate(kinds) if kind != kinds[0])
            end = next(changes, 1)
        yield steps[:end]
        steps = steps[end:]


def _period(steps):
    """After how many steps they are the same again, or their number."""
    kinds = _kinds(steps)
    return next(
        period
        for period in range(1, len(steps) + 1)
        if kinds[period:] == kinds[: len(steps) - period]
    )


def _kinds(steps):
    """What a step is compiled for: what is due, and the batch's shape."""
    return [
        (jax.tree.structure(step), [x.shape for x in jax.tree.leaves(step)])
        for step in steps
    ]


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
