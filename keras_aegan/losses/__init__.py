"""What the players are paid for, a class a term."""

from keras_aegan.losses.adversarial import (
    CodeAdversarialLoss,
    DataAdversarialLoss,
    JointAdversarialLoss,
)
from keras_aegan.losses.codes import (
    CodeNormLoss,
    KLDivergenceLoss,
    MaximumMeanDiscrepancyLoss,
)
from keras_aegan.losses.energy import (
    AdaptiveMarginEnergyLoss,
    EquilibriumEnergyLoss,
    MarginEnergyLoss,
)
from keras_aegan.losses.gradient_penalty import (
    GradientPenalty,
    R1Penalty,
    R2Penalty,
)
from keras_aegan.losses.introspective import (
    IntrospectiveEncoderLoss,
    IntrospectiveGeneratorLoss,
)
from keras_aegan.losses.loss import Loss
from keras_aegan.losses.reconstruction import (
    CriticReconstructionLoss,
    FeatureReconstructionLoss,
    LatentReconstructionLoss,
    ReconstructionLoss,
    ReencodingLoss,
)
from keras_aegan.losses.scheduled import ScheduledAdversarialLoss

__all__ = [
    "AdaptiveMarginEnergyLoss",
    "CodeAdversarialLoss",
    "CodeNormLoss",
    "CriticReconstructionLoss",
    "DataAdversarialLoss",
    "EquilibriumEnergyLoss",
    "FeatureReconstructionLoss",
    "GradientPenalty",
    "IntrospectiveEncoderLoss",
    "IntrospectiveGeneratorLoss",
    "JointAdversarialLoss",
    "KLDivergenceLoss",
    "LatentReconstructionLoss",
    "Loss",
    "MarginEnergyLoss",
    "MaximumMeanDiscrepancyLoss",
    "R1Penalty",
    "R2Penalty",
    "ReconstructionLoss",
    "ReencodingLoss",
    "ScheduledAdversarialLoss",
]
