"""How good it is: distances, reconstruction, codes and anomalies in numbers."""

from keras_aegan.metrics.anomaly import AnomalyThreshold, calibrate, detection
from keras_aegan.metrics.codes import (
    active_units,
    code_moments,
    maximum_mean_discrepancy,
    mmd_test,
)
from keras_aegan.metrics.duality_gap import duality_gap
from keras_aegan.metrics.evaluation import evaluate_model
from keras_aegan.metrics.features import Extractor, extractor_for
from keras_aegan.metrics.frechet import FrechetDistance, frechet_distance
from keras_aegan.metrics.kernel import KernelDistance, kernel_distance
from keras_aegan.metrics.metric import SampleMetric
from keras_aegan.metrics.neighbors import (
    MemorizationRatio,
    PrecisionRecallDensityCoverage,
    birthday_test,
    memorization_ratio,
    precision_recall_density_coverage,
)
from keras_aegan.metrics.reconstruction import (
    MeanAbsoluteError,
    PeakSignalToNoiseRatio,
    StructuralSimilarity,
    idempotence_error,
    mean_absolute_error,
    peak_signal_to_noise_ratio,
    round_trip_error,
    structural_similarity,
)

__all__ = [
    "AnomalyThreshold",
    "Extractor",
    "FrechetDistance",
    "KernelDistance",
    "MeanAbsoluteError",
    "MemorizationRatio",
    "PeakSignalToNoiseRatio",
    "PrecisionRecallDensityCoverage",
    "SampleMetric",
    "StructuralSimilarity",
    "active_units",
    "birthday_test",
    "calibrate",
    "code_moments",
    "detection",
    "duality_gap",
    "evaluate_model",
    "extractor_for",
    "frechet_distance",
    "idempotence_error",
    "kernel_distance",
    "maximum_mean_discrepancy",
    "mean_absolute_error",
    "memorization_ratio",
    "mmd_test",
    "peak_signal_to_noise_ratio",
    "precision_recall_density_coverage",
    "round_trip_error",
    "structural_similarity",
]
