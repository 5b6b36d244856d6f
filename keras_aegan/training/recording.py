"""A step of PyTorch as one program.

PyTorch is told a step operation by operation, through Keras's layers: a quarter
of the time on two cores, and more where the arithmetic is faster. What
`torch.compile` does alone is no help: it differentiates once, and penalties do
it twice.

So a step is recorded as PyTorch executes it, below its differentiation. In the
record gradients are operations as all others are, those of penalties too, and
so are optimizers and averages, on the memory of the variables themselves. It
computes what the step does, bit for bit; and it can be compiled, since nothing
is left to differentiate.
"""

import collections
import threading
import warnings

import keras
import torch
from torch._dynamo.exc import TorchDynamoException
from torch._subclasses import FakeTensor
from torch.fx.experimental.proxy_tensor import make_fx
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import (
    TorchDispatchMode,
    _disable_current_modes,
)

#: The seed of a recorded draw, to which its number is added.
_MARK = 0x5EED0000
#: PyTorch's tracer is one for the process, as is who is asked for seeds.
_ONE_AT_A_TIME = threading.Lock()


class Recorder:
    """Calls a function of a batch, and records it when it was called often.

    It may ask of an interval whether it is due (`is_due`). Each combination of
    answers and each shape of the batch have a record of their own.

    What cannot be recorded is called as it is, each time: what depends on the
    values of tensors, changes one that is not of the state, or draws without a
    seed generator. So is everything under `torch.autocast`.

    Args:
        play: a function of one tensor, which changes its state, and nothing
            else that another call would notice.
        state: a function without arguments to the tensors of that state.
        is_due: a function of an interval to whether it is due now.
        is_compiled: whether records are compiled, by `torch.compile`.
    """

    #: Calls before a record, which takes the time of some 15.
    PATIENCE = 16

    def __init__(self, play, state, is_due, is_compiled):
        self._play = play
        self._state = state
        self._is_due = is_due
        self._is_compiled = is_compiled
        self._is_possible = True
        self._answers = {}
        self._calls = collections.Counter()
        self.records = collections.defaultdict(dict)

    def is_due(self, interval):
        """Whether it is due now, which is noted."""
        self._answers[interval] = self._is_due(interval)
        return self._answers[interval]

    def __call__(self, batch):
        if torch.is_autocast_enabled(batch.device.type):
            return self._play(batch)
        signature = (batch.shape, batch.stride(), batch.dtype, batch.device)
        for answers, record in self.records[signature].items():
            if all(self._is_due(i) == is_due for i, is_due in answers):
                return record(batch)
        self._answers.clear()
        result = self._play(batch)
        answers = frozenset(self._answers.items())
        self._calls[signature, answers] += 1
        if (
            self._is_possible
            and self._calls[signature, answers] == self.PATIENCE
        ):
            self.records[signature] |= self._recorded(answers, batch)
        return result

    def _recorded(self, answers, batch):
        try:
            record = Record(self._play, self._state(), batch)
        # Of any kind: nothing was changed, and without a record all goes on.
        except Exception as error:
            self._is_possible = False
            if self._is_compiled:
                warnings.warn(
                    "jit_compile=True: this step cannot be recorded, and so "
                    "not compiled. It goes on without. Layers, losses and "
                    "optimizers (with a loss scale or gradient accumulation) "
                    "must not decide by the values of tensors, nor draw "
                    f"without a seed generator. The reason: {error}",
                    stacklevel=2,
                )
            return {}
        if self._is_compiled:
            record.compile()
        return {answers: record}


class Record:
    """One call of a function, as a program.

    Args:
        play: see `Recorder`.
        state: the tensors that it changes.
        batch: its argument. The function is called on tensors without values,
            so that nothing changes.

    Raises:
        Exception: where the function cannot be recorded, of many kinds.
    """

    def __init__(self, play, state, batch):
        self._state = state
        draws = _Draws()

        def played(batch, *twins):
            with _Exchange(state, twins, draws):
                return play(batch)

        is_gpu = batch.device.type == "cuda"
        with (
            _ONE_AT_A_TIME,
            torch.autograd.set_multithreading_enabled(False),
            # Some of Keras's draws set the process's seed.
            torch.random.fork_rng([batch.device] if is_gpu else []),
            draws,
        ):
            self._program = make_fx(
                played, tracing_mode="fake", _allow_non_fake_inputs=True
            )(batch, *(value.detach() for value in state))
        self._sources = draws.by_source(_generators(self._program))
        _spare_copies(self._program.graph)
        self._program.recompile()

    def __call__(self, batch):
        for source, total, generators in self._sources:
            start = sum(source.state.value.tolist())
            for generator, before in generators:
                # As Keras seeds each draw.
                generator.manual_seed((start + before) & 0xFFFFFFFF)
            source.state.assign_add([0, total])
        return self._program(batch, *self._state)

    def compile(self):
        """Compiles the program, when it is called first."""
        program = self._program
        compiled = torch.compile(program)

        def first(*inputs):
            try:
                result = compiled(*inputs)
            # With the first of its parts, before anything was changed.
            except TorchDynamoException as error:
                warnings.warn(
                    "jit_compile=True: the record of this step could not be "
                    "compiled. It goes on without. torch.compile needs a C++ "
                    f"compiler, on GPUs Triton. The reason: {error}",
                    stacklevel=2,
                )
                self._program = program
                return program(*inputs)
            self._program = compiled
            return result

        self._program = first


class _Exchange(TorchDispatchMode):
    """What would be done to a state is done to its twins, without values.

    On the state itself PyTorch would compute what depends on nothing else, and
    change it. Only the seeds have values, and are no part of the program. What
    is done to other tensors is not known to be done again in each step.
    """

    def __init__(self, state, twins, draws):
        super().__init__()
        self._draws = draws
        self._twins = {
            _place(value): twin
            for value, twin in zip(state, twins, strict=True)
        }

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if any(map(self._draws.knows, pytree.tree_leaves(args))):
            with _disable_current_modes():
                return function(*args, **kwargs)
        args, kwargs = pytree.tree_map_only(
            torch.Tensor, self._exchanged, (args, kwargs)
        )
        used = _written(function, args, kwargs)
        if function is torch.ops.aten._local_scalar_dense.default:
            used = args
        if any(_is_real(value) for value in used):
            raise NotImplementedError(
                f"{function} of a tensor that is no variable of the model's"
            )
        return function(*args, **kwargs)

    def _exchanged(self, tensor):
        if _is_real(tensor):
            return self._twins.get(_place(tensor), tensor)
        return tensor


class _Draws:
    """Random draws: who is asked for their seeds, how many draws before.

    Within it a seed is the number of its draw. How the sources' states change
    meanwhile, which a scope may well forget, is noted and undone.
    """

    def __init__(self):
        self._draws = []
        self._starts, self._totals = {}, {}
        self._states = {}

    def __enter__(self):
        here = threading.get_ident()
        self._next = keras.random.SeedGenerator.next

        def next_seed(source, ordered=True):
            is_here = threading.get_ident() == here
            return (self._noted if is_here else self._next)(source, ordered)

        keras.random.SeedGenerator.next = next_seed
        return self

    def __exit__(self, *_):
        keras.random.SeedGenerator.next = self._next
        for source, start in self._starts.items():
            self._totals[source] = self._since(source, source.state.value)
            source.state.assign(start)

    def _noted(self, source, ordered):
        if not ordered:
            raise NotImplementedError("a draw without a seed generator")
        with _disable_current_modes():
            before = source.state.value
            if source not in self._starts:
                self._starts[source] = before.clone()
            number = self._since(source, before)
            self._next(source)
            for state in (before, source.state.value):
                self._states[_place(state)] = state
        self._draws.append((source, number))
        return _MARK, len(self._draws) - 1

    def _since(self, source, state):
        """How many draws of a source lead to a state."""
        return int(state[1] - self._starts[source][1])

    def knows(self, tensor):
        """Whether it is the state of a source."""
        return _is_real(tensor) and _place(tensor) in self._states

    def by_source(self, generators):
        """Each source, its draws' number, and their generators.

        Args:
            generators: of a program, by what they were seeded with.

        Returns:
            List of `(source, total, pairs)`, the pairs of a generator and the
            number of draws before it.
        """
        if len(generators) != len(self._draws):
            raise NotImplementedError("a draw with a fixed seed")
        found = {source: [] for source in self._starts}
        for number, (source, before) in enumerate(self._draws):
            found[source].append((generators[_MARK + number], before))
        return [(s, self._totals[s], pairs) for s, pairs in found.items()]


def _generators(program):
    """What a program draws from, by the seed."""
    values = (
        getattr(program, node.target)
        for node in program.graph.nodes
        if node.op == "get_attr"
    )
    return {
        value.initial_seed(): value
        for value in values
        if isinstance(value, torch.Generator)
    }


def _spare_copies(graph):
    """Takes out what is not used, and copies to an order that was there.

    Keras copies what a convolution is given to channels first, and back.
    """
    clone = torch.ops.aten.clone.default
    written = {
        _memory(node)
        for call in graph.nodes
        for node in _written(call.target, call.args, call.kwargs)
    }
    for node in graph.find_nodes(op="call_function", target=clone):
        (source,) = node.args
        before = source.args[0] if source.target is clone else source
        if written & {_memory(node), _memory(source), _memory(before)}:
            continue
        order = node.kwargs.get("memory_format", torch.preserve_format)
        if order != torch.preserve_format:
            node.args = (before,)
        if node.meta["val"].stride() == before.meta["val"].stride():
            node.replace_all_uses_with(before)
    graph.eliminate_dead_code()


def _memory(node):
    """What tensors share that are views of one another."""
    return node.meta["val"].untyped_storage()._cdata


def _written(function, args, kwargs):
    """The arguments that an operation writes to, if it is one."""
    if not isinstance(function, torch._ops.OpOverload):
        return []
    arguments = function._schema.arguments
    given = dict(zip((a.name for a in arguments), args, strict=False))
    given |= kwargs
    return [
        value
        for a in arguments
        if a.alias_info and a.alias_info.is_write
        for value in pytree.tree_leaves(given.get(a.name))
        if value is not None
    ]


def _is_real(value):
    """Whether it is a tensor with values."""
    is_tensor = isinstance(value, torch.Tensor)
    return is_tensor and not isinstance(value, FakeTensor)


def _place(tensor):
    """Which memory a tensor is, and how it is read."""
    shape = tuple(tensor.shape)
    return tensor.data_ptr(), tensor.dtype, shape, tensor.stride()
