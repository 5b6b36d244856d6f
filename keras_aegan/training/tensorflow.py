"""The training step on TensorFlow."""

import keras
import tensorflow as tf

from keras_aegan.training.game import Game


class Trainer(Game):
    def train_step(self, data):
        return self._move(data)

    def test_step(self, data):
        return self._judge(data)

    def _gradients(self, pay, groups):
        with tf.GradientTape(persistent=len(groups) > 1) as tape:
            totals, values, changes = self._contained(pay)
        gradients = {}
        for group in groups:
            scale, shares = self._cotangents(group)
            owned = [self.owned[player] for player in group]
            found = tape.gradient(
                totals[group[0]],
                [[variable.value for variable in part] for part in owned],
                output_gradients=scale,
                unconnected_gradients=tf.UnconnectedGradients.ZERO,
            )
            for player, part in zip(group, found, strict=True):
                share = shares[player]
                gradients[player] = (
                    part if share is None else [share * g for g in part]
                )
        for variable, value in changes:
            variable.assign(value)
        return totals, values, gradients

    def _apply(self, player, gradients):
        self.optimizer[player].apply(gradients, self.owned[player])

    def _compiled(self, function):
        @tf.function(autograph=False)
        def compiled(*args):
            with keras.StatelessScope():  # What is assigned is forgotten.
                return function(*args)

        return compiled
