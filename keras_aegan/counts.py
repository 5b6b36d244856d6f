"""How many of something a user asks for: a whole number, and not too small."""

import numpy as np


def check_count(argument: str, value, least: int = 1) -> None:
    """Refuses what is no whole number, or below `least`.

    Args:
        argument: its name, for the error.
        value: what was given.
        least: the smallest that is allowed.

    Raises:
        ValueError: for any other.
    """
    if not isinstance(value, (int, np.integer)) or value < least:
        raise ValueError(
            f"Expected {argument} to be a whole number, {least} or more. "
            f"Received: {argument}={value!r}"
        )
