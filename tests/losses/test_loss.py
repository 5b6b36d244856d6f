"""What losses take from their base class: who pays, and who learns from it."""

import pytest

from keras_aegan import losses


@pytest.mark.parametrize(
    ("loss", "seats"),
    [
        (losses.ReconstructionLoss(), "encoder generator"),
        (losses.LatentReconstructionLoss(), "encoder generator prior"),
        (losses.ReencodingLoss(), "encoder generator second_encoder"),
        (losses.FeatureReconstructionLoss(), "encoder generator"),
        (losses.KLDivergenceLoss(), "encoder"),
        (losses.CodeNormLoss(), "encoder"),
        (losses.MaximumMeanDiscrepancyLoss(), "encoder prior"),
        (losses.DataAdversarialLoss(), "generator prior"),
        (
            losses.DataAdversarialLoss(fake="reconstructed"),
            "encoder generator",
        ),
        (
            losses.DataAdversarialLoss(cycle_weight=1),
            "encoder generator prior",
        ),
        (losses.CodeAdversarialLoss("hinge"), "encoder"),
        # Each fake is compared with a code of the prior.
        (losses.CodeAdversarialLoss("relativistic"), "encoder prior"),
        (
            losses.CodeAdversarialLoss("hinge", cycle_weight=1),
            "encoder generator prior",
        ),
        (
            losses.CodeAdversarialLoss(
                "hinge", real="codes", players=("prior",)
            ),
            "prior",
        ),
        (losses.CodeAdversarialLoss("hinge", real="codes"), "encoder prior"),
        (losses.JointAdversarialLoss(), "encoder generator prior"),
        (losses.MarginEnergyLoss(0.2), "generator prior"),
        (
            losses.EquilibriumEnergyLoss(fake="reconstructed"),
            "encoder generator",
        ),
    ],
)
def test_whose_weights_the_terms_depend_on(loss, seats):
    assert set(loss.path) == set(seats.split())


def test_nobody_may_pay():
    (payers,) = losses.ReconstructionLoss(players=()).terms().values()
    assert payers == {}


@pytest.mark.parametrize(
    ("kind", "arguments", "message"),
    [
        (losses.R1Penalty, {"weight": 10.0}, "multiplied with gamma"),
        (losses.R2Penalty, {"players": ()}, "choose it with critic"),
        (losses.GradientPenalty, {"weight": 1.0}, "multiplied with gamma"),
        (
            losses.IntrospectiveEncoderLoss,
            {"weight": 2.0},
            "'negative_kl_weight'",
        ),
        (
            losses.IntrospectiveGeneratorLoss,
            {"players": ("encoder",)},
            "The generator pays",
        ),
        (
            losses.CriticReconstructionLoss,
            {"players": ("encoder",)},
            "The discriminator pays",
        ),
        (
            losses.ScheduledAdversarialLoss,
            {"cycle_weight": 1.0},
            "It judges reconstructions",
        ),
    ],
)
def test_what_would_have_no_effect_is_refused(kind, arguments, message):
    (argument,) = arguments
    with pytest.raises(TypeError, match=f"no argument '{argument}'.*{message}"):
        kind(**arguments)


def test_a_scheduled_adversary_keeps_the_weight_of_real_data():
    loss = losses.ScheduledAdversarialLoss(real_weight=2.0)
    again = type(loss).from_config(loss.get_config())
    assert again.real_weight == 2.0
    assert again.get_config() == loss.get_config()
