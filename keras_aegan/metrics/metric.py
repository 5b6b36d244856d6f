"""What every metric of a model's samples is: fed on the host, exact."""

import keras


class SampleMetric(keras.metrics.Metric):
    """A measure of what a model makes, beside real data.

    `AEGAN.compile(metrics=[...])` takes them; `evaluate`, and `fit` for its
    validation data, then feed them batch by batch with data and with what the
    averaged networks make, both in the data's own range. They are computed on
    the host in float64, because JAX has no float64 by default and a distance
    of distributions needs it; the compiled step stays as it is.

    A subclass keeps its state in Python and not in Keras variables. It defines
    `update_state(real, made)`, `result()`, which returns a float, and
    `reset_state()`, and says what is `made` for it, and of how many at `least`.

    Args:
        name: the name in the logs.
    """

    #: What is made for it: `"generated"`, new samples, as many as there are
    #: real ones; or `"reconstructed"`, of the same real ones, in their order.
    made = "generated"
    #: How few samples of the data it has a value of.
    least = 1

    def __init__(self, name: str):
        super().__init__(name=name, dtype="float32")
        self.reset_state()

    def update_state(self, real, made):
        """Takes in one batch.

        Args:
            real: array `(n, *data_shape)`, in the data's own range.
            made: array `(n, *data_shape)`, in the same range.
        """
        raise NotImplementedError

    def result(self) -> float:
        """The measure over all batches since the last `reset_state`."""
        raise NotImplementedError

    def reset_state(self):
        """Forgets all batches."""
        raise NotImplementedError
