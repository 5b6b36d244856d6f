"""The arithmetic and the traffic that one training step cannot do without.

Counted from two things. From the layers comes what one sweep over a network
costs; see `layer_sweeps`. From the model's own losses comes which sweeps a step
needs: the losses are computed once with a scalar of zero (a tap) added to each
output of each network, and automatic differentiation tells which taps each
loss, and the input of each network, hang on. So nothing here knows a recipe:

* a call is needed forward if a loss that is paid in this turn hangs on it;
* its weight gradient, if its own player's loss does;
* its input gradient, if a loss does whose player made, or helped to make, its
  inputs. With one-stage updates the creators' input gradients through a
  critic are the critic's own, rescaled, and cost nothing more.

What no loss hangs on is not counted, even where a backend computes it.
What is called twice on the same inputs and weights, by two turns or by R1 and
R2, counts twice: XLA merges some of that, and may do less than is needed here.

A penalty on a critic's input gradient takes four sweeps: forward, the input
gradient, and, to differentiate that with respect to the weights, one sweep in
the forward direction through the linear layers and one weight gradient. A
lazy penalty counts by its interval. That the activations' own slopes change
with their inputs is left out: leaky ReLUs' do not. It would be two sweeps more.
"""

import collections
import contextlib
import dataclasses
import math
from unittest import mock

import keras
import numpy as np
from keras import layers, ops

from keras_aegan.losses import gradient_penalty, scheduled
from keras_aegan.training.turns import CRITICS, turns

_ONWARDS = (
    layers.Dense,
    *(layers.Conv1D, layers.Conv2D, layers.Conv3D),
    *(layers.DepthwiseConv1D, layers.DepthwiseConv2D),
)
_TRANSPOSED = (
    layers.Conv1DTranspose,
    layers.Conv2DTranspose,
    layers.Conv3DTranspose,
)
_MOVES = (layers.Flatten, layers.Reshape, layers.Permute, layers.RepeatVector)
_BYTES = 4  # float32


@dataclasses.dataclass(frozen=True)
class Cost:
    """Floating-point operations, and bytes to and from memory."""

    flops: float = 0
    bytes: float = 0

    def __add__(self, other):
        return Cost(self.flops + other.flops, self.bytes + other.bytes)

    def __mul__(self, times):
        return Cost(self.flops * times, self.bytes * times)


@dataclasses.dataclass(frozen=True)
class Sweeps:
    """What one sweep over a network costs.

    Args:
        forward: from inputs to outputs.
        weights: the gradient with respect to all weights.
        inputs: the gradient with respect to the layers' inputs, as far as
            somebody asks for it.
    """

    forward: Cost = Cost()
    weights: Cost = Cost()
    inputs: Cost = Cost()

    def __add__(self, other):
        return Sweeps(
            self.forward + other.forward,
            self.weights + other.weights,
            self.inputs + other.inputs,
        )


def layer_sweeps(layer, inputs, outputs, batch: int, asked: bool) -> Sweeps:
    """What the sweeps over one layer cost.

    A dense layer or a convolution multiplies and adds, for each place of its
    output (of its input, if transposed), once for each value of its kernel,
    padding included; it reads or writes its inputs, its outputs and its kernel
    once a sweep. Other layers do one operation for each value of their output,
    and no traffic of their own, as if fused with their neighbours.

    Args:
        layer: the layer.
        inputs: its symbolic inputs.
        outputs: its symbolic outputs.
        batch: samples.
        asked: whether somebody asks for the gradient at its inputs.

    Raises:
        ValueError: for other layers with a matrix of weights.
    """
    while isinstance(layer, layers.Wrapper):
        layer = layer.layer
    sizes = [sum(_size(t) for t in side) for side in (inputs, outputs)]
    if isinstance(layer, (*_ONWARDS, *_TRANSPOSED)):
        kernel = math.prod(layer.kernel.shape)
        if isinstance(layer, _TRANSPOSED):
            places = sizes[0] / layer.kernel.shape[-1]
        else:
            places = sizes[1] / outputs[0].shape[-1]
        cost = Cost(
            2 * kernel * places * batch, _BYTES * (sum(sizes) * batch + kernel)
        )
        weights = cost
    else:
        owned = getattr(layer, "trainable_weights", [])
        if any(len(weight.shape) > 1 for weight in owned):
            raise ValueError(
                "Expected dense layers and convolutions, whose arithmetic is "
                f"known here. Received: {layer.name!r}, a "
                f"{type(layer).__name__}. Add its rule to `layer_sweeps`."
            )
        moves = isinstance(layer, _MOVES)
        cost = Cost() if moves else Cost(sizes[1] * batch, 0)
        weights = Cost()
    return Sweeps(cost, weights, cost if asked else Cost())


def network_sweeps(
    network, batch: int, outputs=None, made=(), is_own: bool = True
) -> Sweeps:
    """What the sweeps over a network cost.

    Args:
        network: a built `keras.Model`.
        batch: samples.
        outputs: places of the outputs that are used; all by default. Layers
            on no way to them cost nothing.
        made: places of the inputs at which the gradient is asked for, because
            a player made them.
        is_own: whether the gradient of the weights is asked for. The first
            layer needs none at its inputs for that.
    """
    if outputs is None:
        outputs = range(len(network.outputs))
    used = [network.outputs[place] for place in sorted(outputs)]
    asked = [place in made for place in range(len(network.inputs))]
    return _walk(keras.Model(network.inputs, used), batch, asked, is_own)


def _walk(network, batch, asked, is_own):
    total = Sweeps()
    asked = dict(zip(map(id, network.inputs), asked, strict=True))
    for _, nodes in sorted(network._nodes_by_depth.items(), reverse=True):
        for node in nodes:
            if node.is_input:
                continue
            layer, inputs = node.operation, node.input_tensors
            before = [asked[id(tensor)] for tensor in inputs]
            if isinstance(layer, keras.Model):
                inner = keras.Model(layer.inputs, layer.outputs)
                total += _walk(inner, batch, before, is_own)
            else:
                total += layer_sweeps(
                    layer, inputs, node.outputs, batch, any(before)
                )
            starts = is_own and bool(getattr(layer, "trainable_weights", ()))
            for tensor in node.outputs:
                asked[id(tensor)] = starts or any(before)
    return total


def _size(tensor):
    return math.prod(tensor.shape[1:])


@dataclasses.dataclass
class StepCount:
    """What one step needs.

    Args:
        passes: how often `(seat, sweep)` runs over a whole batch, with the
            sweeps `"forward"`, `"backward"` (weight gradients), `"through"`
            (input gradients) and `"penalty"` (all four of one).
        networks: the cost of these but for the penalties.
        penalties: the cost of the penalties.
        optimizer: of the updates: gradients and weights, the optimizers'
            moments, the averages.
    """

    passes: collections.Counter
    networks: Cost = Cost()
    penalties: Cost = Cost()
    optimizer: Cost = Cost()

    @property
    def total(self) -> Cost:
        return self.networks + self.penalties + self.optimizer


def count_step(model, batch_size: int) -> StepCount:
    """Counts one step of a compiled model.

    Args:
        model: an `AEGAN`.
        batch_size: samples a batch.
    """
    count = StepCount(collections.Counter())
    for players in turns(model):
        _count_turn(model, players, batch_size, count)
        for player in players:
            owned = _values(model.owned[player])
            kept = owned + _values(model.optimizer[player].variables)
            # Read and written; the gradients are read.
            traffic = _BYTES * (2 * kept + owned)
            count.optimizer += Cost(2 * kept, traffic)
    averages = _values([average for average, _ in model.averaged])
    count.optimizer += Cost(2 * averages, 2 * _BYTES * averages)
    return count


def _values(variables):
    return sum(math.prod(variable.shape) for variable in variables)


def _count_turn(model, players, batch_size, count):
    calls, needed = _observe(model, players, differentiable=False)
    _, moved = _observe(model, players, differentiable=True)
    is_shared = model.updates == "one_stage"
    groups = model._groups(players)

    def paid(group):
        return [
            term
            for term, payers in model.payments.items()
            if any(payers.get(player) for player in group)
        ]

    for call in calls:
        used = needed.outputs(call, paid(players))
        if not used:
            continue
        if call.penalised:
            made = range(len(call.network.inputs))
            cost = network_sweeps(call.network, batch_size, used, made)
            sweeps = cost.forward + cost.inputs
            if any(moved.outputs(call, paid(group)) for group in groups):
                sweeps += cost.forward + cost.weights
            count.penalties += sweeps * (1 / call.interval)
            count.passes[call.seat, "penalty"] += 1 / call.interval
            continue
        count.networks += network_sweeps(call.network, batch_size, used).forward
        count.passes[call.seat, "forward"] += 1
        asked = []
        for group in groups:
            used = moved.outputs(call, paid(group))
            made = {
                place
                for place in range(len(call.network.inputs))
                for maker in moved.makers(call, place)
                if calls[maker].seat in group
            }
            if used and (call.seat in group or made):
                asked.append((used, made, call.seat in group))
        if is_shared and call.seat in CRITICS and asked:
            used, made, is_own = zip(*asked, strict=True)
            asked = [(set.union(*used), set.union(*made), any(is_own))]
        for used, made, is_own in asked:
            cost = network_sweeps(call.network, batch_size, used, made, is_own)
            count.networks += cost.inputs
            if is_own:
                count.networks += cost.weights
            count.passes[call.seat, "backward" if is_own else "through"] += 1


@dataclasses.dataclass(frozen=True)
class _Call:
    """One call of a network that has a seat."""

    place: int
    seat: str
    network: keras.Model
    penalised: bool
    interval: int


class _Connections:
    """Which outputs of which calls a term, or a call's input, hangs on."""

    def __init__(self, names, taps, reached):
        self._reached = {
            name: {taps[tap] for tap in found}
            for name, found in zip(names, reached, strict=True)
        }

    def outputs(self, call, terms):
        """Places of the call's outputs that some of the terms hang on."""
        return {
            output
            for term in terms
            for place, output in self._reached.get(term, ())
            if place == call.place
        }

    def makers(self, call, part):
        """Places of the calls that one of the call's inputs hangs on."""
        return {place for place, _ in self._reached[call.place, part]}


def _observe(model, players, differentiable):
    """The calls of a turn, and what hangs on what.

    Args:
        model: the model.
        players: who moves in this turn.
        differentiable: whether only what gradients pass counts; else all that
            a value is computed from, across `stop_gradient`.
    """
    calls, taps, names = [], [], []
    seats = {id(network): seat for seat, network in model._seated().items()}
    plain, real_stop = keras.Model.__call__, ops.stop_gradient
    loss, penalised = None, False

    def play(tap):
        nonlocal loss
        for record in (calls, taps, names):
            record.clear()
        targets = []

        def called(network, *args, **kwargs):
            outputs = plain(network, *args, **kwargs)
            if id(network) not in seats:
                return outputs
            place = len(calls)
            interval = getattr(loss, "interval", 1) if penalised else 1
            seat = seats[id(network)]
            calls.append(_Call(place, seat, network, penalised, interval))
            for part, tensor in enumerate(keras.tree.flatten(args[0])):
                names.append((place, part))
                targets.append(ops.sum(tensor))
            tapped = []
            for output, tensor in enumerate(keras.tree.flatten(outputs)):
                taps.append((place, output))
                tapped.append(tensor + tap())
            return keras.tree.pack_sequence_as(outputs, tapped)

        with mock.patch.object(keras.Model, "__call__", called):
            data = np.zeros((2, *model.data_shape), "float32")
            rollout = model._rollout(
                model.spec.to_networks(ops.convert_to_tensor(data)),
                model.networks,
                training=True,
                is_due=lambda interval: True,
                waiting=set(model.players) - set(players),
            )
            for loss in model._owed(players):
                for term, value in loss.values(rollout).items():
                    names.append(term)
                    targets.append(ops.convert_to_tensor(value, "float32"))
        return targets

    def input_gradient(function, inputs):
        """In its place: hangs on the same, and is not differentiated."""
        nonlocal penalised
        penalised = True
        outputs = function(ops.stop_gradient(inputs))
        penalised = False
        return ops.stop_gradient(inputs) * ops.sum(outputs)

    stop = real_stop if differentiable else (lambda tensor: tensor)
    with contextlib.ExitStack() as stack:
        stack.enter_context(keras.StatelessScope())
        stack.enter_context(mock.patch.object(ops, "stop_gradient", stop))
        for module in (gradient_penalty, scheduled):
            stack.enter_context(
                mock.patch.object(module, "input_gradient", input_gradient)
            )
        reached = _reached(play)
    return calls, _Connections(names, taps, reached)


if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

    def _reached(play):
        """For each result of `play(tap)`, which of the taps it hangs on."""
        taps = []
        with tf.GradientTape(persistent=True) as tape:

            def tap():
                taps.append(tf.zeros(()))
                tape.watch(taps[-1])
                return taps[-1]

            targets = play(tap)
        found = [tape.gradient(target, taps) for target in targets]
        return [_given(gradients) for gradients in found]

elif keras.backend.backend() == "jax":
    import jax

    def _reached(play):
        """For each result of `play(tap)`, which of the taps it hangs on."""
        count = 0

        def counted():
            nonlocal count
            count += 1
            return jax.numpy.zeros(())

        jax.eval_shape(lambda: play(counted))

        def tapped(taps):
            taps = iter(taps)
            return play(lambda: next(taps))

        # Linear in the taps: values that no gradient passes are constants.
        zeros = [jax.numpy.zeros(())] * count
        program = jax.make_jaxpr(
            lambda changes: jax.linearize(tapped, zeros)[1](changes)
        )(zeros).jaxpr
        hangs = {tap: {index} for index, tap in enumerate(program.invars)}
        hangs = collections.defaultdict(set, hangs)
        for equation in program.eqns:
            inputs = [v for v in equation.invars if not hasattr(v, "val")]
            found = set().union(*(hangs[v] for v in inputs))
            hangs.update(dict.fromkeys(equation.outvars, found))
        return [
            set() if hasattr(v, "val") else hangs[v] for v in program.outvars
        ]

elif keras.backend.backend() == "torch":
    import torch

    def _reached(play):
        """For each result of `play(tap)`, which of the taps it hangs on."""
        taps = []

        def tap():
            taps.append(torch.zeros((), requires_grad=True))
            return taps[-1]

        targets = play(tap)
        return [
            _given(
                torch.autograd.grad(
                    target, taps, retain_graph=True, allow_unused=True
                )
            )
            if target.requires_grad
            else set()
            for target in targets
        ]


def _given(gradients):
    return {i for i, gradient in enumerate(gradients) if gradient is not None}
