import numpy as np
import pytest
from keras import ops

from keras_aegan.training.tracker import Tracker


def found(tracker):
    return {
        name: float(ops.convert_to_numpy(value))
        for name, value in tracker.result().items()
    }


def update(tracker, samples, **values):
    values = {k: ops.convert_to_tensor(v, "float32") for k, v in values.items()}
    tracker.update_state(values, samples)


def test_means_are_over_samples():
    tracker = Tracker(["a", "b"])
    update(tracker, 4, b=10.0, a=1.0)
    update(tracker, 1, a=6.0, b=-10.0)
    assert found(tracker) == pytest.approx({"a": 2.0, "b": 6.0})


def test_before_the_first_batch_all_is_zero():
    assert found(Tracker(["a", "b"])) == {"a": 0.0, "b": 0.0}


def test_it_starts_anew():
    tracker = Tracker(["a"])
    update(tracker, 4, a=1.0)
    tracker.reset_state()
    update(tracker, 2, a=3.0)
    assert found(tracker) == {"a": 3.0}


def test_names_keep_their_order_and_others_are_left_out():
    tracker = Tracker(["z", "a"])
    update(tracker, 1, a=1.0, z=2.0, other=3.0)
    assert list(tracker.result()) == ["z", "a"]
    assert found(tracker) == {"z": 2.0, "a": 1.0}


def test_its_state_is_two_variables_in_float32():
    tracker = Tracker([f"term_{i}" for i in range(20)])
    assert [tuple(v.shape) for v in tracker.variables] == [(20,), ()]
    assert {v.dtype for v in tracker.variables} == {"float32"}


def test_nan_stays_with_its_own_term():
    tracker = Tracker(["a", "b"])
    update(tracker, 1, a=np.nan, b=1.0)
    result = found(tracker)
    assert np.isnan(result["a"])
    assert result["b"] == 1.0
