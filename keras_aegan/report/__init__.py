"""A training on one page of HTML, which opens without a network."""

from keras_aegan.report.page import write_report

__all__ = ["write_report"]
