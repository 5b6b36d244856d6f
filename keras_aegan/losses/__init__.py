"""What the players are paid for, a class a term."""

from keras_aegan.losses.adversarial import (
    CodeAdversarialLoss,
    DataAdversarialLoss,
)
from keras_aegan.losses.gradient_penalty import R1Penalty, R2Penalty
from keras_aegan.losses.loss import Loss
from keras_aegan.losses.reconstruction import (
    LatentReconstructionLoss,
    ReconstructionLoss,
)

__all__ = [
    "CodeAdversarialLoss",
    "DataAdversarialLoss",
    "LatentReconstructionLoss",
    "Loss",
    "R1Penalty",
    "R2Penalty",
    "ReconstructionLoss",
]
