import keras
import numpy as np
import pytest
from keras import ops

from keras_aegan.losses import CodeAdversarialLoss, DataAdversarialLoss

LOSSES = {
    "discriminator": (DataAdversarialLoss, "data generated reconstructed"),
    "latent_discriminator": (
        CodeAdversarialLoss,
        "prior_codes codes recovered_codes",
    ),
}
critics = pytest.mark.parametrize("critic", LOSSES)


class Scores:
    """A rollout of which only the scores are read."""

    waiting = ()

    def __init__(self, critic, real, fake, cycled):
        names = LOSSES[critic][1].split()
        self.critic = critic
        self.scores = dict(zip(names, (real, fake, cycled), strict=True))

    def score(self, critic, what):
        assert critic == self.critic
        return ops.convert_to_tensor(self.scores[what])


@pytest.fixture
def scores():
    rng = np.random.default_rng(0)
    return [3 * rng.normal(size=(5, 1)).astype("float32") for _ in range(3)]


def cross_entropy(logits, label):
    """As in the textbook, in float64: no softplus in sight."""
    probability = 1 / (1 + np.exp(-logits.astype("float64")))
    return -np.mean(
        label * np.log(probability) + (1 - label) * np.log(1 - probability)
    )


def values(loss, critic, scores):
    found = loss.values(Scores(critic, *scores))
    return {name: float(value) for name, value in found.items()}


@critics
@pytest.mark.parametrize("labels", [(1.0, 0.0), (0.95, 0.05), (0.9, 0.0)])
def test_non_saturating_is_the_cross_entropy(critic, labels, scores):
    real, fake, _ = scores
    loss = LOSSES[critic][0](
        "non_saturating", real_label=labels[0], fake_label=labels[1]
    )
    assert values(loss, critic, scores) == pytest.approx(
        {
            f"{critic}_adversarial": cross_entropy(real, labels[0])
            + cross_entropy(fake, labels[1]),
            # The creators aim at 1, whatever the critic's labels are.
            f"{critic}_fooling": cross_entropy(fake, 1.0),
        },
        rel=1e-5,
    )


@critics
def test_relativistic_compares_pairs(critic, scores):
    real, fake, _ = scores
    assert values(LOSSES[critic][0](), critic, scores) == pytest.approx(
        {
            f"{critic}_adversarial": np.mean(np.log1p(np.exp(fake - real))),
            f"{critic}_fooling": np.mean(np.log1p(np.exp(real - fake))),
        },
        rel=1e-5,
    )


@critics
@pytest.mark.parametrize("formulation", ["relativistic", "non_saturating"])
def test_the_cycle_is_a_second_weighted_pair(critic, formulation, scores):
    real, fake, cycled = scores
    kind = LOSSES[critic][0]
    plain = kind(formulation)
    first = values(plain, critic, [real, fake, cycled])
    second = values(plain, critic, [real, cycled, fake])
    both = values(kind(formulation, cycle_weight=0.3), critic, scores)
    wanted = {term: first[term] + 0.3 * second[term] for term in first}
    assert both == pytest.approx(wanted, rel=1e-5)


@critics
@pytest.mark.parametrize("formulation", ["relativistic", "non_saturating"])
def test_large_scores_stay_finite(critic, formulation):
    scores = [np.array([[s]], "float32") for s in (1e4, -1e4, 0)]
    found = values(LOSSES[critic][0](formulation), critic, scores)
    assert found[f"{critic}_adversarial"] == pytest.approx(0, abs=1e-6)
    assert np.isfinite(found[f"{critic}_fooling"])


@critics
def test_terms_and_payers(critic):
    kind = LOSSES[critic][0]
    assert kind(weight=0.2).terms() == {
        f"{critic}_adversarial": {critic: 1.0},
        f"{critic}_fooling": {"encoder": 0.2, "generator": 0.2, "prior": 0.2},
    }
    named = kind(name="mine", players=("encoder",))
    assert named.terms() == {
        "mine_adversarial": {critic: 1.0},
        "mine_fooling": {"encoder": 1.0},
    }


@pytest.mark.parametrize(
    ("loss", "seats"),
    [
        (DataAdversarialLoss(), {"discriminator", "generator"}),
        (
            DataAdversarialLoss(cycle_weight=1),
            {"discriminator", "generator", "encoder"},
        ),
        (CodeAdversarialLoss(), {"latent_discriminator", "encoder"}),
    ],
)
def test_seats_that_must_be_filled(loss, seats):
    assert set(loss.seats) == seats


@critics
def test_config_round_trip(critic):
    loss = LOSSES[critic][0](
        "non_saturating",
        weight=0.5,
        cycle_weight=0.25,
        real_label=0.9,
        fake_label=0.1,
        players=("generator",),
        name="mine",
    )
    config = keras.saving.serialize_keras_object(loss)
    assert config["registered_name"].startswith("keras_aegan>")
    again = keras.saving.deserialize_keras_object(config)
    assert type(again) is type(loss)
    assert again.get_config() == loss.get_config()
    assert again.terms() == loss.terms()
    assert again.seats == loss.seats


@critics
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"formulation": "wgan"}, r"one of \['density_ratio', 'hinge'"),
        ({"weight": -1}, "a weight of 0 or more"),
        ({"weight": np.nan}, "a weight of 0 or more"),
        ({"cycle_weight": -0.1}, "a cycle_weight of 0 or more"),
        ({"cycle_weight": np.nan}, "a cycle_weight of 0 or more"),
        ({"real_label": 1.1}, "0 <= fake_label < real_label <= 1"),
        ({"fake_label": -0.1}, "0 <= fake_label < real_label <= 1"),
        (
            {"real_label": 0.4, "fake_label": 0.6},
            "0 <= fake_label < real_label <= 1",
        ),
        ({"real_label": 0.9}, "leave real_label and fake_label away"),
        ({"fake_label": 0.1}, "formulation='non_saturating'"),
        ({"players": ("decoder",)}, "players"),
        ({"players": "generator"}, "players"),
    ],
)
def test_bad_arguments(critic, arguments, message):
    with pytest.raises(ValueError, match=message):
        LOSSES[critic][0](**arguments)
