"""A network on moving averages of its weights."""

from types import SimpleNamespace

import keras
from keras import ops

from keras_aegan.initializers import Placeholder


class MovingAverage(keras.Model):
    """A network that runs on copies of its weights, which follow them.

    It has variables and no layers. A second network would be built layer by
    layer, which is a third of what loading a model takes, and only of layers
    that Keras can write down. `AEGAN.copied` makes a network of it.

    Args:
        network: a built `keras.Model`. It is no layer of this one, and its
            variables are not counted as this one's.
        is_blank: whether the copies are about to be loaded. `False` by
            default: they start as the network's weights.
        name: of this model.

    Call arguments:
        inputs: what the network takes.
        training: as the network's.

    Returns:
        What the network gives.

    Raises:
        ValueError: in a call, if the network has other variables by now
            (`enable_lora`, `quantize`).
        NotImplementedError: if it is saved or cloned by itself.
    """

    def __init__(
        self,
        network: keras.Model,
        is_blank: bool = False,
        name: str | None = None,
    ):
        # The network casts what comes in, and its layers their variables.
        super().__init__(name=name, dtype="float32", autocast=False)
        weights = network.weights
        # By identity: two variables that are equal are not one.
        states = {id(variable): variable for variable in network.variables}
        for variable in weights:
            del states[id(variable)]
        states = list(states.values())
        self.copies = [_blank(variable) for variable in weights]
        self.seed_generators = [keras.random.SeedGenerator(0) for _ in states]
        copies = [*self.copies, *(each.state for each in self.seed_generators)]
        pairs = list(zip([*weights, *states], copies, strict=True))
        for variable, copy in pairs[len(weights) if is_blank else 0 :]:
            copy.assign(ops.convert_to_numpy(variable))
        # Keras would take what it finds in an attribute for a part of this.
        self._followed = SimpleNamespace(
            network=network,
            pairs={id(variable): (variable, copy) for variable, copy in pairs},
        )
        self.supports_jit = all(
            layer.supports_jit for layer in network._flatten_layers()
        )
        self.trainable = False
        # PyTorch's list of parameters is made then.
        self.build(network.inputs[0].shape)

    def build(self, input_shape):
        self.built = True

    @property
    def network(self) -> keras.Model:
        """The network whose weights are followed."""
        return self._followed.network

    @property
    def pairs(self) -> list[tuple[keras.Variable, keras.Variable]]:
        """Each variable of the network, with its copy."""
        return list(self._followed.pairs.values())

    @property
    def inputs(self) -> list[keras.KerasTensor]:
        """The network's."""
        return self.network.inputs

    @property
    def outputs(self) -> list[keras.KerasTensor]:
        """The network's."""
        return self.network.outputs

    def copy_of(self, variable: keras.Variable) -> keras.Variable:
        """The copy of a variable of the network."""
        _, copy = self._followed.pairs[id(variable)]
        return copy

    def check(self) -> None:
        """Raises an error if the network has other variables by now."""
        now = {id(variable) for variable in self.network.variables}
        if now != self._followed.pairs.keys():
            raise ValueError(
                f"'{self.network.name}' has other variables than when its "
                "averages were made, as after `enable_lora` or `quantize`. "
                "Change it before AEGAN(...) is made of it, or leave averages "
                "out: from_preset(..., variant='raw')."
            )

    def get_config(self):
        raise NotImplementedError(
            f"'{self.name}' has no layers to save or to clone. Take "
            "`model.copied(seat)`, which makes a network of it, or save the "
            "whole model."
        )

    def call(self, inputs, training=None):
        self.check()
        before = [(variable, copy.value) for variable, copy in self.pairs]
        with keras.StatelessScope(before) as scope:
            start = [scope.get_current_value(v) for v, _ in before]
            outputs = self.network(inputs, training=training)
        # The states of random numbers, and what else a network changes.
        for (variable, copy), value in zip(self.pairs, start, strict=True):
            now = scope.get_current_value(variable)
            if now is not value:
                copy.assign(now)
        return outputs


def _blank(variable):
    """A variable like this one, of the same path, where nothing is yet."""
    parents, _, layer = variable.path.rpartition("/")[0].rpartition("/")
    with keras.name_scope(layer, override_parent=parents):
        return keras.Variable(
            Placeholder(),
            variable.shape,
            variable.dtype,
            trainable=False,
            autocast=False,
            aggregation=variable.aggregation,
            synchronization=variable.synchronization,
            name=variable.name,
        )
