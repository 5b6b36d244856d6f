"""The training step on TensorFlow."""

import keras
import tensorflow as tf

from keras_aegan.training.game import Game


class Trainer(Game):
    def train_step(self, data):
        return self._move(data)

    def test_step(self, data):
        return self._judge(data)

    def _played(self, pay, groups, is_cut):
        outputs, leaves = {}, {}

        def cut(key, tensor):
            outputs[key], leaves[key] = tensor, tf.stop_gradient(tensor)
            tape.watch(leaves[key])
            return leaves[key]

        with tf.GradientTape(persistent=True) as tape:
            totals, values, changes = self._contained(
                (lambda: pay(cut)) if is_cut else pay
            )
        targets = {**totals, **outputs}

        def pull(cotangents, variables, keys=()):
            return tape.gradient(
                [targets[key] for key in cotangents],
                [
                    [variable.value for variable in variables],
                    [leaves[key] for key in keys],
                ],
                # Among several a `None` would stand for zero.
                output_gradients=[
                    tf.ones_like(targets[key])
                    if cotangent is None
                    else cotangent
                    for key, cotangent in cotangents.items()
                ],
                unconnected_gradients=tf.UnconnectedGradients.ZERO,
            )

        return totals, values, changes, list(outputs), pull

    def _apply(self, player, gradients):
        self.optimizer[player].apply(gradients, self.owned[player])

    def _compiled(self, function):
        @tf.function(autograph=False)
        def compiled(*args):
            with keras.StatelessScope():  # What is assigned is forgotten.
                return function(*args)

        return compiled
