"""Errors that are the user's to mend: one line, no traceback."""

import contextlib
from collections.abc import Iterator


class UsageError(Exception):
    """A mistake in the arguments or in the data, in one line."""


@contextlib.contextmanager
def users_mistakes() -> Iterator[None]:
    """Turns the errors of what depends on the user's input into that line."""
    try:
        yield
    except (ValueError, TypeError, OSError, ImportError) as error:
        raise UsageError(" ".join(str(error).split())) from error
