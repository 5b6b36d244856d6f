"""Text as data: arrays of token ids, which the networks see as one-hot."""

import numpy as np
from keras import ops

from keras_aegan.data import DataSpec


class TokenSpec(DataSpec):
    """What one text looks like: `length` whole numbers below the vocabulary.

    Args:
        length: number of tokens in a text.
        vocabulary_size: number of tokens that there are; ids start at 0.
    """

    remedy = (
        "Encode the texts with the model's own vocabulary, or build the model "
        "with theirs."
    )
    shape_remedy = (
        "Pass ids, not one-hot vectors, of texts that are cut or padded to "
        "this length."
    )

    def __init__(self, length: int, vocabulary_size: int):
        if vocabulary_size < 2:
            raise ValueError(
                "Expected text of a vocabulary of 2 tokens or more. Received: "
                f"vocabulary_size={vocabulary_size}"
            )
        super().__init__((length,), (0, vocabulary_size - 1), "int32")
        self.vocabulary_size = vocabulary_size
        self.slack = 0.0
        self.wanted = f"token ids from 0 to {vocabulary_size - 1}"

    def to_networks(self, data):
        """Ids `(batch, length)` to one-hot `(batch, length, vocabulary)`."""
        ids = ops.cast(data, "int32")
        return ops.one_hot(ids, self.vocabulary_size, dtype="float32")

    def from_networks(self, data):
        """Probabilities `(batch, length, vocabulary)` to the likeliest ids."""
        return ops.argmax(data, axis=-1)

    def finish(self, data: np.ndarray, dtype=None) -> np.ndarray:
        """Casts ids, to int32 where the asked dtype cannot hold all of them."""
        dtype = np.dtype(dtype or self.dtype)
        holds = np.iinfo(dtype).max >= self.vocabulary_size - 1
        return data.astype(dtype if holds else self.dtype)

    def check_dtype(self, dtype, name="x"):
        """Refuses data that are no whole numbers."""
        if np.dtype(dtype).kind not in "iu":
            raise ValueError(
                "Expected token ids as whole numbers, such as int32. Received: "
                f"{name} of dtype {np.dtype(dtype)}"
            )
