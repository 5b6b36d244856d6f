"""The training step on TensorFlow."""

import functools

import keras
import numpy as np
import tensorflow as tf

from keras_aegan.sharing import Share
from keras_aegan.training.game import Game


class Trainer(Game):
    def train_step(self, data):
        return self._logs(self._move(data))

    def test_step(self, data):
        return self._logs(self._judge(data))

    def _logs(self, logs):
        """Of several workers Keras takes the mean along an axis."""
        strategy = self.distribute_strategy
        workers = tf.distribute.MultiWorkerMirroredStrategy
        is_alone = strategy.num_replicas_in_sync == 1
        if is_alone or not isinstance(strategy, workers):
            return logs
        return {name: value[None] for name, value in logs.items()}

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

    def _shared(self, data):
        """The replica's rows, which `fit` has dealt out, and its `Share`."""
        replica = tf.distribute.get_replica_context()
        if replica is None or replica.num_replicas_in_sync == 1:
            return data, None

        def total(tensors):
            return replica.all_reduce(tf.distribute.ReduceOp.SUM, tensors)

        rows = tf.shape(data)[0]
        place = replica.replica_id_in_sync_group
        own = tf.one_hot(place, replica.num_replicas_in_sync)
        everybody = tf.cast(total(own * tf.cast(rows, own.dtype)), tf.int32)
        start = tf.reduce_sum(everybody[:place])
        return data, Share(start, rows, tf.reduce_sum(everybody), total)

    def _apply_gradients(self, player, gradients):
        optimizer = self.optimizer[player]
        for part in {
            optimizer,
            getattr(optimizer, "inner_optimizer", optimizer),
        }:
            # They are sums over all replicas already, before any clipping.
            part._all_reduce_sum_gradients = list
            if type(part) is keras.optimizers.Adam and not part.amsgrad:
                part.update_step = functools.partial(_adam, part)
        optimizer.apply(gradients, self.owned[player])

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        """Nothing: Keras would add the replicas' rows, be they as many or not.

        The networks are built, and so are the optimizers.
        """

    def _in_order(self, order, x, batch_size, shuffle=True, **kwargs):
        is_left_to_keras = (
            shuffle is not True
            or kwargs.get("validation_split")
            or kwargs.get("steps_per_epoch")
            or self.distribute_strategy.num_replicas_in_sync > 1
        )
        if hasattr(x, "shape") and not is_left_to_keras:
            x = _shuffled(x, batch_size, order)
            batch_size, shuffle = None, False
        return {"x": x, "batch_size": batch_size, "shuffle": shuffle, **kwargs}

    def _placed(self):
        return self.distribute_strategy.scope()

    def _compiled(self, function):
        @tf.function(autograph=False)
        def compiled(*args):
            with keras.StatelessScope():  # What is assigned is forgotten.
                return function(*args)

        return compiled


def _shuffled(x, batch_size, order):
    """Batches of an array, of which each epoch draws an order by its seed."""
    if not tf.is_tensor(x):
        x = keras.ops.convert_to_numpy(x)
    count = len(x)
    rows = None if count % batch_size else batch_size

    def permutation():
        return np.random.default_rng(order.seed).permutation(count)

    def batches(permutation):
        starts = tf.data.Dataset.range(0, count, batch_size)
        return starts.map(
            lambda start: tf.ensure_shape(
                permutation[start : start + batch_size], (rows,)
            )
        )

    # Not of a generator: TensorFlow warns of one when Python ends.
    permutations = tf.data.Dataset.range(1).map(
        lambda _: tf.numpy_function(permutation, [], tf.int64)
    )
    indices = permutations.flat_map(batches)
    # As Keras has it: the array is handed on, and a batch gathered beside.
    arrays = tf.data.Dataset.from_tensors(x).repeat()
    options = tf.data.Options()
    # They would take longer than they save of so short a chain.
    options.experimental_optimization.apply_default_optimizations = False
    return (
        tf.data.Dataset.zip((indices, arrays))
        .map(
            lambda index, x: (tf.gather(x, index),),
            num_parallel_calls=tf.data.AUTOTUNE,
        )
        .apply(tf.data.experimental.assert_cardinality(-(-count // batch_size)))
        .with_options(options)
        .prefetch(tf.data.AUTOTUNE)
    )


def _adam(optimizer, gradient, variable, learning_rate):
    """Adam's update as one kernel; Keras's are ten, each over all weights."""
    if isinstance(gradient, tf.IndexedSlices):
        return type(optimizer).update_step(
            optimizer, gradient, variable, learning_rate
        )
    place = optimizer._get_variable_index(variable)
    betas = [
        tf.cast(beta, variable.dtype)
        for beta in (optimizer.beta_1, optimizer.beta_2)
    ]
    step = tf.cast(optimizer.iterations + 1, variable.dtype)
    return tf.raw_ops.ResourceApplyAdam(
        var=variable.handle,
        m=optimizer._momentums[place].handle,
        v=optimizer._velocities[place].handle,
        beta1_power=tf.pow(betas[0], step),
        beta2_power=tf.pow(betas[1], step),
        lr=tf.cast(learning_rate, variable.dtype),
        beta1=betas[0],
        beta2=betas[1],
        epsilon=tf.cast(optimizer.epsilon, variable.dtype),
        grad=tf.cast(gradient, variable.dtype),
    )
