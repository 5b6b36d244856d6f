"""Methods: a file each, with its equation, its paper and one function."""

from collections.abc import Callable

from keras_aegan.recipes.aegan import aegan
from keras_aegan.recipes.aegan_classic import aegan_classic

_RECIPES = {"aegan": aegan, "aegan_classic": aegan_classic}

__all__ = ["aegan", "aegan_classic", "get", "names"]


def names() -> list[str]:
    """The recipes' names."""
    return sorted(_RECIPES)


def get(name: str) -> Callable:
    """The recipe of this name, a function that returns an `AEGAN`.

    Args:
        name: one of `names()`.

    Raises:
        ValueError: for an unknown name.
    """
    if name not in _RECIPES:
        raise ValueError(
            f"Expected a recipe: one of {names()}. Received: {name!r}"
        )
    return _RECIPES[name]
