"""Every term's and every player's mean, as one metric."""

import keras
from keras import ops


class Tracker(keras.metrics.Metric):
    """The mean of many scalars over the samples of an epoch.

    One metric with a vector instead of a metric a scalar: two small
    operations a step, whatever the number of terms.

    Args:
        names: the names of all scalars there can be.
    """

    def __init__(self, names, name: str = "tracker"):
        super().__init__(name=name, dtype="float32")
        self._names = self._chosen = tuple(names)
        self.total = self.add_variable((len(self._names),), "zeros", name="sum")
        self.samples = self.add_variable((), "zeros", name="samples")

    def choose(self, names) -> None:
        """Restricts the scalars to those that this training computes."""
        self._chosen = tuple(name for name in self._names if name in names)

    def update_state(self, values: dict, samples):
        zero = ops.zeros((), "float32")
        stacked = ops.stack(
            [
                values[name] if name in self._chosen else zero
                for name in self._names
            ]
        )
        samples = ops.cast(samples, "float32")
        self.total.assign(self.total + stacked * samples)
        self.samples.assign(self.samples + samples)

    def result(self):
        means = ops.divide_no_nan(self.total, self.samples)
        return {
            name: means[i]
            for i, name in enumerate(self._names)
            if name in self._chosen
        }
