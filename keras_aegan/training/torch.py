"""The training step on PyTorch."""

import keras
import torch

from keras_aegan.training.game import Game


class Trainer(Game):
    def train_step(self, data):
        with torch.no_grad():
            return self._move(data)

    def test_step(self, data):
        return self._judge(data)

    def _gradients(self, pay, groups):
        with torch.enable_grad():
            totals, values, changes = self._contained(pay)
        gradients = {}
        for index, group in enumerate(groups):
            scale, shares = self._cotangents(group)
            owned = [v for player in group for v in self.owned[player]]
            found = iter(
                torch.autograd.grad(
                    # A player may owe nothing in a step, a lazy penalty alone.
                    totals[group[0]].requires_grad_(),
                    [variable.value for variable in owned],
                    grad_outputs=scale,
                    retain_graph=index < len(groups) - 1,
                    allow_unused=True,
                    materialize_grads=True,
                )
            )
            for player in group:
                part = [next(found) for _ in self.owned[player]]
                share = shares[player]
                gradients[player] = (
                    part if share is None else [share * g for g in part]
                )
        for variable, value in changes:
            variable.assign(value.detach())
        totals = {player: total.detach() for player, total in totals.items()}
        values = {term: value.detach() for term, value in values.items()}
        return totals, values, gradients

    def _apply(self, player, gradients):
        self.optimizer[player].apply(gradients, self.owned[player])

    def _compiled(self, function):
        def called(*args):
            # What is assigned is forgotten.
            with torch.no_grad(), keras.StatelessScope():
                return function(*args)

        return called
