"""The training step on PyTorch."""

import contextlib
import warnings

import keras
import torch
from keras import ops
from torch import distributed

from keras_aegan.training import processes
from keras_aegan.training.game import Game, inputs_of
from keras_aegan.training.recording import Recorder


class Trainer(Game):
    # Keras takes one batch a call. Several are a plain loop, which spares the
    # time between calls: callbacks, and the logs that they are given.

    def make_train_function(self, force=False):
        self._steps_done = None
        if self.train_function is None or force:
            self._recorder = self._new_recorder()
            self._make_for_one(super().make_train_function)
            self.train_function = _by_batch(self.train_function, _last)

    def make_test_function(self, force=False):
        if self.test_function is None or force:
            self._make_for_one(super().make_test_function)
            self.test_function = _by_batch(self.test_function, _last)

    def make_predict_function(self, force=False):
        if self.predict_function is None or force:
            self._make_for_one(super().make_predict_function)
            self.predict_function = _by_batch(self.predict_function, _joined)

    _is_fitting = False

    def fit(self, x, *args, **kwargs):
        self._is_fitting = True
        try:
            with self._short_executions(), self._reading(x):
                return super().fit(x, *args, **kwargs)
        finally:
            self._is_fitting = False

    def evaluate(self, x, *args, **kwargs):
        is_called_back = self._is_fitting and not kwargs.get(
            "_use_cached_eval_dataset"  # `fit` itself, in every process.
        )
        if is_called_back and processes.are_many():
            raise RuntimeError(
                "`evaluate` needs all processes, and callbacks run in the "
                "first alone, which would wait for the others for ever. Give "
                "`fit` validation_data, or call `evaluate` after it."
            )
        with self._short_executions(), self._reading(x):
            return super().evaluate(x, *args, **kwargs)

    def predict(self, *args, **kwargs):
        with self._short_executions():
            return super().predict(*args, **kwargs)

    @contextlib.contextmanager
    def _short_executions(self):
        """Keras warns of too few data where an epoch's last call is shorter."""
        with warnings.catch_warnings():
            if self.steps_per_execution > 1:
                message = "Your input ran out of data"
                warnings.filterwarnings("ignore", message)
            yield

    _is_divided = False

    @contextlib.contextmanager
    def _reading(self, source):
        """Notes whether the data come to each process divided."""
        before, self._is_divided = (
            self._is_divided,
            bool(processes.sampler_of(source)),
        )
        try:
            yield
        finally:
            self._is_divided = before

    def _called_back(self, callbacks, verbose, source):
        if not processes.are_many():
            return callbacks, verbose
        if distributed.get_rank():
            callbacks, verbose = [], 0
        together = processes.Together(processes.sampler_of(source))
        return [*callbacks, together], verbose

    def _make_for_one(self, make):
        asked = self.steps_per_execution, self.jit_compile
        # Keras's compiler of a step, which cannot differentiate twice.
        self.steps_per_execution, self.jit_compile = 1, False
        make(force=True)
        self.steps_per_execution, self.jit_compile = asked

    _recorder = None

    def _new_recorder(self):
        asked = self._jit_compile_asked
        if self.run_eagerly or not asked:
            return None
        return Recorder(
            self._move, self._state, self._counted_due, asked is True
        )

    def _state(self):
        """The tensors that a step changes, and those that it might."""
        variables = [
            *self.variables,
            *self.metrics_variables,
            *self.optimizer.variables,
        ]
        tensors = [variable.value for variable in variables]
        # Of modules of PyTorch's within the networks.
        for layer in self._flatten_layers():
            tensors += layer.buffers()
        return list({id(tensor): tensor for tensor in tensors}.values())

    def train_step(self, data):
        move = self._recorder
        if move is None or processes.are_many():  # They talk within a step.
            move = self._move
        with torch.no_grad():
            logs = move(ops.convert_to_tensor(inputs_of(data)))
        if self._steps_done is not None:
            self._steps_done += 1
        return logs

    def is_due(self, interval):
        if self._recorder is None:
            return self._counted_due(interval)
        return self._recorder.is_due(interval)

    def _counted_due(self, interval):
        # Counted here: to ask the device in each step would be to wait for it.
        if self._steps_done is None:
            self._steps_done = int(self.step.value)
        return self._steps_done % interval == 0

    def test_step(self, data):
        return self._judge(data)

    def _played(self, pay, groups, is_cut):
        outputs, leaves = {}, {}

        def cut(key, tensor):
            outputs[key] = tensor
            leaves[key] = tensor.detach().requires_grad_()
            return leaves[key]

        with torch.enable_grad(), self._waiting(groups):
            totals, values, changes = self._contained(
                (lambda: pay(cut)) if is_cut else pay
            )
        # A player may owe nothing in a step, a lazy penalty alone.
        paid = {p: total.requires_grad_() for p, total in totals.items()}
        targets = {**paid, **outputs}

        last = groups[-1][0]

        def pull(cotangents, variables, keys=()):
            asked = {
                key: cotangent
                for key, cotangent in cotangents.items()
                if targets[key].requires_grad  # Of what a player made.
            }
            found = torch.autograd.grad(
                [targets[key] for key in asked],
                [
                    *(variable.value for variable in variables),
                    *(leaves[key] for key in keys),
                ],
                grad_outputs=list(asked.values()),
                # Keras's networks leave cycles that hold their outputs, and so
                # all that was kept for the backward pass, until Python looks.
                retain_graph=not (variables and last in cotangents),
                allow_unused=True,
                materialize_grads=True,
            )
            return found[: len(variables)], found[len(variables) :]

        changes = [(variable, value.detach()) for variable, value in changes]
        totals = {player: total.detach() for player, total in totals.items()}
        values = {term: value.detach() for term, value in values.items()}
        return totals, values, changes, list(outputs), pull

    @contextlib.contextmanager
    def _waiting(self, groups):
        """Nothing is kept for a backward pass through who does not move."""
        moving = {player for group in groups for player in group}
        waiting = [
            variable.value
            for player in self.owned.keys() - moving
            for variable in self.owned[player]
        ]
        for value in waiting:
            value.requires_grad_(False)
        try:
            yield
        finally:
            for value in waiting:
                value.requires_grad_(True)

    def _shared(self, data):
        """Of the same batch in each process, this one's rows."""
        if not processes.are_many():
            return data, None
        return processes.shared(data, self._is_divided)

    def _apply_gradients(self, player, gradients):
        self.optimizer[player].apply(gradients, self.owned[player])

    def _draw_near(self, share):
        averages, variables = zip(*self.averaged, strict=True)
        averages = [average.value for average in averages]
        ways = torch._foreach_sub([v.value for v in variables], averages)
        torch._foreach_mul_(ways, share)
        torch._foreach_add_(averages, ways)

    def _compiled(self, function):
        def called(*args):
            # What is assigned is forgotten.
            with torch.no_grad(), keras.StatelessScope():
                return function(*args)

        return called


def _by_batch(function, combined):
    """Calls a function of one batch for each, and combines the results."""

    def called(batches):
        return combined([function([batch]) for batch in batches])

    return called


def _last(results):
    return results[-1]


def _joined(results):
    return keras.tree.map_structure(lambda *parts: torch.cat(parts), *results)
