"""Sample metrics in `compile`, `evaluate` and `fit`."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import torch
from keras import ops

from keras_aegan import losses, metrics, recipes
from keras_aegan.metrics import frechet_distance

ON_PIXELS = "frechet_distance_pixels"


class Batches(keras.utils.PyDataset):
    def __init__(self, x):
        super().__init__()
        self.x = x

    @property
    def num_batches(self):
        return -(-len(self.x) // 8)

    def __getitem__(self, index):
        return (self.x[8 * index : 8 * index + 8], np.zeros(8))


SOURCES = {
    "array": lambda x: x,
    "tf": lambda x: tf.data.Dataset.from_tensor_slices(x).batch(8),
    "pydataset": Batches,
    "loader": lambda x: torch.utils.data.DataLoader(
        torch.utils.data.TensorDataset(torch.from_numpy(x)), batch_size=8
    ),
}


@pytest.fixture
def model(tiny_model):
    return tiny_model(("encoder", "discriminator"))


def of_pixels(model, x):
    """By hand: all of the samples at once."""
    made = model.generate(len(x), seed=0)
    real, made = (part.reshape(len(x), -1) / 255 for part in (x, made))
    return frechet_distance(real, made)


@pytest.mark.parametrize("kind", sorted(SOURCES))
def test_evaluate_on_any_source(model, images, kind):
    x = images(52)
    model.compile(
        metrics=[
            metrics.FrechetDistance(),
            metrics.MeanAbsoluteError(),
            metrics.PrecisionRecallDensityCoverage(k=3),
        ]
    )
    found = model.evaluate(
        SOURCES[kind](x), batch_size=8, verbose=0, return_dict=True
    )
    assert found[ON_PIXELS] == pytest.approx(of_pixels(model, x), rel=1e-5)
    error = np.abs(model.reconstruct(x).astype("float32") - x).mean()
    assert found["mean_absolute_error"] == pytest.approx(error, rel=1e-6)
    assert 0 <= found["coverage_pixels"] <= 1
    # The losses stand beside them as they do without.
    model.compile()
    alone = model.evaluate(x, batch_size=8, verbose=0, return_dict=True)
    assert alone["reconstruction"] == found["reconstruction"]
    assert len(found) == len(alone) + 6


def test_the_same_whatever_the_batches(model, images):
    x = images(50)
    model.compile(metrics=[metrics.FrechetDistance()])
    one, other = (
        model.evaluate(x, batch_size=size, verbose=0, return_dict=True)
        for size in (50, 7)
    )
    assert one[ON_PIXELS] == pytest.approx(other[ON_PIXELS], rel=1e-6)


def test_values_come_in_the_order_of_their_names(model, images):
    model.compile(metrics=[metrics.FrechetDistance()])
    x = images(40)
    by_name = model.evaluate(x, verbose=0, return_dict=True)
    values = dict(
        zip(sorted(by_name), model.evaluate(x, verbose=0), strict=True)
    )
    for name in (ON_PIXELS, "reconstruction"):  # Without noise of their own.
        assert values[name] == by_name[name]


def test_no_more_steps_than_asked(model, images):
    x = images(60)
    model.compile(metrics=[metrics.FrechetDistance()])
    found = model.evaluate(
        SOURCES["tf"](x).repeat(), steps=5, verbose=0, return_dict=True
    )
    wanted = of_pixels(model, x[:40])
    assert found[ON_PIXELS] == pytest.approx(wanted, rel=1e-5)


def test_fit_reports_them_for_validation_data(model, images):
    x, held_out = images(16), images(40, seed=1)
    model.compile(metrics=[metrics.FrechetDistance()])
    history = model.fit(
        x, batch_size=8, epochs=2, validation_data=held_out, verbose=0
    ).history
    found = history["val_" + ON_PIXELS]
    assert len(found) == 2 and found[0] != found[1]
    assert found[1] == pytest.approx(of_pixels(model, held_out), rel=1e-5)
    assert ON_PIXELS not in history  # The step does not pay for them.


def test_they_leave_the_training_as_it_is(tiny_model, images):
    x, trained = images(16), []
    for chosen in ([], [metrics.FrechetDistance()]):
        keras.utils.set_random_seed(0)
        model = tiny_model(("encoder", "discriminator"))
        model.compile(metrics=chosen)
        model.fit(
            x,
            batch_size=4,
            epochs=2,
            validation_data=images(40, seed=1),
            verbose=0,
        )
        trained.append([ops.convert_to_numpy(v) for v in model.variables])
    for a, b in zip(*trained, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_saved_model_does_not_have_them(model, images, tmp_path):
    model.compile(metrics=[metrics.FrechetDistance()])
    model.fit(images(8), batch_size=8, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert not loaded.sample_metrics
    loaded.compile(loaded.optimizer, metrics=[metrics.FrechetDistance()])
    x = images(40)
    found = loaded.evaluate(x, verbose=0, return_dict=True)
    assert found[ON_PIXELS] == pytest.approx(of_pixels(model, x), rel=1e-5)
    iterations = loaded.optimizer["generator"].iterations
    assert int(ops.convert_to_numpy(iterations)) == 1


def test_what_cannot_be_measured_is_refused(model, tiny_model, images):
    with pytest.raises(ValueError, match="metrics of keras_aegan.metrics"):
        model.compile(metrics=["accuracy"])
    with pytest.raises(ValueError, match="compare predictions with labels"):
        model.compile(metrics=[keras.metrics.MeanSquaredError()])
    model.compile(metrics=[metrics.FrechetDistance()])
    with pytest.raises(ValueError, match="a generator can be read once"):
        model.evaluate((x for x in [images(8)]), verbose=0)
    alone = tiny_model(("discriminator",))
    with pytest.raises(ValueError, match="_error` needs the encoder seat"):
        alone.compile(metrics=[metrics.MeanAbsoluteError()])
    twice = [metrics.FrechetDistance(name=name) for name in "aa"]
    with pytest.raises(ValueError, match="Two metrics are named 'a'"):
        model.compile(metrics=twice)
    # Before the first epoch, and not after it.
    with pytest.raises(ValueError, match="a generator can be read once"):
        model.fit(images(8), validation_data=(x for x in [images(8)]))
    assert int(model.step) == 0
    without = tiny_model(
        ("encoder",), prior=None, losses=[losses.ReconstructionLoss()]
    )
    with pytest.raises(ValueError, match="prior=None does after `fit_sampler`"):
        without.compile(metrics=[metrics.FrechetDistance()])
    signed = tiny_model(
        ("encoder", "discriminator"), data_range=(-1, 1), data_dtype="float32"
    )
    for metric in (metrics.FrechetDistance, metrics.PeakSignalToNoiseRatio):
        with pytest.raises(ValueError, match=r"data_range=\(-1.0, 1.0\)"):
            signed.compile(metrics=[metric()])
        signed.compile(metrics=[metric(data_range=(-1, 1))])


def test_token_ids_are_no_quantities():
    model = recipes.arae((5,), 7, 4, 8, 3, (8,))
    for metric in (
        metrics.PeakSignalToNoiseRatio(),
        metrics.FrechetDistance("pixels", data_range=(0.0, 6.0)),
    ):
        with pytest.raises(ValueError, match="token ids are names"):
            model.compile(metrics=[metric])


def test_a_metric_of_ones_own(model, images):
    """It is known by what it does."""

    class Count:
        name, made = "count", "generated"

        def reset_state(self):
            self.count = 0

        def update_state(self, real, made):
            self.count += len(made)

        def result(self):
            return float(self.count)

    model.compile(metrics=[Count()])
    found = model.evaluate(images(5), verbose=0, return_dict=True)
    assert found["count"] == 5


def test_wrong_data_are_told_before_few(model, images):
    model.compile(metrics=[metrics.FrechetDistance()])
    for x, wanted in (
        (np.array(3.0), "Expected data of shape"),
        (images(1)[0], "Expected data of shape"),
        (images(4)[:0], "at least one sample"),
    ):
        with pytest.raises(ValueError, match=wanted):
            model.evaluate(x, verbose=0)


class OneBatch(keras.utils.PyDataset):
    def __init__(self, batch):
        super().__init__()
        self.batch = batch

    def __len__(self):
        return 1

    def __getitem__(self, index):
        return self.batch


@pytest.mark.filterwarnings("ignore:A Fréchet distance from 2 real")
@pytest.mark.parametrize(
    ("metric", "least"),
    [
        (metrics.FrechetDistance, 2),
        (metrics.KernelDistance, 2),
        (metrics.PrecisionRecallDensityCoverage, 6),
    ],
)
def test_data_that_are_too_few_are_told_with_the_metric(
    model, images, metric, least
):
    metric = metric()
    model.compile(metrics=[metric])
    few = images(least - 1)
    wanted = f"{metric.name} has no value.*{least} samples or more"
    with pytest.raises(ValueError, match=wanted):
        model.evaluate(few, verbose=0)
    # Before the first epoch, and not after it.
    for validation in (
        {"validation_data": few},
        {"validation_split": (least - 1) / 16},
    ):
        with pytest.raises(ValueError, match=wanted):
            model.fit(images(16), **validation, verbose=0)
    assert int(model.step) == 0
    # Of a dataset it shows when they are read.
    with pytest.raises(ValueError, match=wanted):
        model.evaluate(OneBatch(few), verbose=0)
    assert len(model.evaluate(images(least), verbose=0)) > 5
