"""How far two batches of tensors are apart, sample by sample, on average."""

from keras import ops


def _mae(start, end):
    return ops.mean(ops.abs(end - start))


def _mse(start, end):
    return ops.mean(ops.square(end - start))


def _gaussian(start, end):
    """Minus the log-likelihood under unit variance, without its constant."""
    squares = ops.square(end - start)
    axes = tuple(range(1, len(squares.shape)))
    return 0.5 * ops.mean(ops.sum(squares, axis=axes))


def _cross_entropy(start, end):
    """Of one-hot `start` under the probabilities `end`, per position."""
    logarithm = ops.log(ops.maximum(end, 1e-7))
    return -ops.mean(ops.sum(start * logarithm, axis=-1))


DISTANCES = {
    "mae": _mae,
    "mse": _mse,
    "gaussian": _gaussian,
    "cross_entropy": _cross_entropy,
}


def check_distance(distance: str) -> str:
    """Refuses a distance that is not known."""
    if distance not in DISTANCES:
        raise ValueError(
            f"Expected distance to be one of {sorted(DISTANCES)}. Received: "
            f"distance={distance!r}"
        )
    return distance
