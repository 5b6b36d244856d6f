"""What a recipe can be told on the command line, with `--option`."""

import ast
import inspect

from keras_aegan.cli.mistakes import UsageError

_COMMON = ("updates", "data_range", "data_dtype", "ema_momentum", "seed")


def parameters_of(recipe: str) -> dict[str, inspect.Parameter]:
    """The options that a recipe has, by name."""
    from keras_aegan import AEGAN, recipes

    # The first parameter is the shape, which the data tell, or the first model.
    _, *valid = inspect.signature(recipes.get(recipe)).parameters.values()
    if valid[-1].kind is inspect.Parameter.VAR_KEYWORD:
        whole = inspect.signature(AEGAN).parameters
        valid[-1:] = [whole[option] for option in _COMMON]
    return {option.name: option for option in valid}


def read_options(recipe: str, texts: list[str]) -> dict:
    """The keyword arguments for a recipe that `NAME=VALUE` texts say."""
    return {_name_of(text, [recipe]): _value_of(text) for text in texts}


def divide(texts: list[str], stages: tuple[str, ...]) -> list[list[str]]:
    """The options for the recipe of each stage, which may share some."""
    names = {text: _name_of(text, stages) for text in texts}
    return [
        [text for text in texts if names[text] in parameters_of(recipe)]
        for recipe in stages
    ]


def _name_of(text, recipes):
    name, equals, _ = text.partition("=")
    known = {recipe: parameters_of(recipe) for recipe in recipes}
    if not equals or not any(name in each for each in known.values()):
        told = " or ".join(
            f"of the recipe {recipe}, which has (with its defaults) "
            f"{', '.join(map(_with_default, each.values()))}"
            for recipe, each in known.items()
        )
        raise UsageError(
            f"--option {text}: expected NAME=VALUE with an option {told}."
        )
    return name


def _value_of(text):
    _, _, value = text.partition("=")
    try:
        return ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return value


def _with_default(option):
    if option.default is option.empty:
        return option.name
    return f"{option.name}={option.default}"
