"""The arithmetic that a backend puts into one training step.

On TensorFlow what its own profiler knows of the operations that the traced
step cannot do without; on JAX XLA's cost analysis of the compiled step, with
bytes; on PyTorch the products and convolutions that are run. XLA leaves out
what a convolution multiplies with its padding; the others count it.
"""

from unittest import mock

import keras
import numpy as np
from counting import Cost


def compiled_cost(model, batch_size: int) -> Cost:
    """What a step of a compiled model costs, as its backend tells.

    Lazy penalties count by their intervals.

    Args:
        model: a compiled `AEGAN` that was not trained yet.
        batch_size: samples a batch.
    """
    data = np.zeros((batch_size, *model.data_shape), model.spec.dtype)

    def cost(*due):
        with mock.patch.object(
            model, "is_due", lambda interval: interval in due
        ):
            return _cost(model, data)

    always = total = cost(1)
    intervals = {getattr(loss, "interval", 1) for loss in model.objectives}
    for interval in intervals - {1}:
        more = cost(1, interval) + always * -1
        total += more * (1 / interval)
    return total


if keras.backend.backend() == "tensorflow":
    import tensorflow as tf
    from tensorflow.python.framework.ops import get_stats_for_node_def

    def _cost(model, data):
        step = tf.function(model.train_step, autograph=False)
        graph = step.get_concrete_function(tf.constant(data)).graph
        results = [tensor.op for tensor in graph.structured_outputs.values()]
        waiting = [*results, *graph.control_outputs]
        needed = {}
        while waiting:
            operation = waiting.pop()
            if operation.name not in needed:
                needed[operation.name] = operation
                waiting += [tensor.op for tensor in operation.inputs]
                waiting += operation.control_inputs
        known = (
            get_stats_for_node_def(graph, operation.node_def, "flops").value
            for operation in needed.values()
        )
        return Cost(float(sum(flops or 0 for flops in known)))

elif keras.backend.backend() == "jax":
    import jax

    def _cost(model, data):
        state = model._get_jax_state(
            trainable_variables=True,
            non_trainable_variables=True,
            optimizer_variables=True,
            metrics_variables=True,
        )
        # What is due is asked of the model, not sent along with the batch.
        step = jax.jit(
            lambda state, data: model.train_step(state, (data, None))
        )
        found = step.lower(state, data).compile().cost_analysis()
        return Cost(found["flops"], found["bytes accessed"])

elif keras.backend.backend() == "torch":
    from torch.utils._python_dispatch import TorchDispatchMode
    from torch.utils.flop_counter import flop_registry

    class _Counter(TorchDispatchMode):
        """`FlopCounterMode` without its hooks on modules.

        They refuse a gradient with respect to a tensor inside a network.
        """

        flops = 0

        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            result = function(*args, **kwargs or {})
            rule = flop_registry.get(function._overloadpacket)
            if rule is not None:
                self.flops += rule(*args, **kwargs or {}, out_val=result)
            return result

    def _cost(model, data):
        with _Counter() as counter:
            model.train_on_batch(data)
        return Cost(counter.flops)
