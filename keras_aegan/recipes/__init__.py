"""Methods: a file each, with its equation, its paper and one function.

The function has its file's name; a new file here is a new recipe.
"""

import functools
import importlib
import pkgutil
from collections.abc import Callable

import keras


def _seeded(recipe: Callable) -> Callable:
    """The recipe, with a `seed` that fixes the networks' weights too."""

    @functools.wraps(recipe)
    def build(*args, seed: int | None = None, **kwargs):
        if seed is not None:
            keras.utils.set_random_seed(seed)
        return recipe(*args, seed=seed, **kwargs)

    return build


_RECIPES = {
    module.name: _seeded(
        getattr(
            importlib.import_module(f"{__name__}.{module.name}"), module.name
        )
    )
    for module in pkgutil.iter_modules(__path__)
}
globals().update(_RECIPES)

__all__ = [*_RECIPES, "get", "names"]


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
