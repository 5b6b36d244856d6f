"""What every loss is: named terms, and who pays for each."""

import keras

_CREATORS = ("encoder", "generator", "prior")
_PAYING = (*_CREATORS, "second_encoder")
#: The creators' networks that lead to a rollout's tensors.
_PATHS = {
    "data": (),
    "prior_codes": ("prior",),
    "codes": ("encoder",),
    "generated": ("generator", "prior"),
    "reconstructed": ("generator", "encoder"),
    "recovered_codes": ("encoder", "generator", "prior"),
    "second_codes": ("second_encoder", "generator", "encoder"),
}


class Loss(keras.layers.Layer):
    """A part of the game: terms computed from a rollout, paid by players.

    A loss says two things. `terms` tells, before anything is computed, which
    terms it has and how much of each a player pays; `values` computes the
    terms from a `Rollout`. A player's loss is the weighted sum of all that it
    pays, and its gradient is taken with respect to its own variables alone, so
    a loss needs no `stop_gradient` and never touches `trainable`.

    A loss is a Keras layer so that its state, if it has any, is made of Keras
    variables that every trainer carries and every checkpoint holds.

    Args:
        weight: what the paying players multiply the term with.
        players: the seats that pay for the creative side's terms. By default
            all of `"encoder"`, `"generator"` and `"prior"` that can be trained.
        name: prefix of the terms' names in the logs; needed when a model has
            two losses of the same kind.
    """

    #: Seats that must be filled for this loss to be computed.
    seats: tuple[str, ...] = ()
    #: What a seat's network must give by name, besides a score or a code.
    needs: dict[str, str | tuple[str, ...]] = {}
    #: How many inputs the critic that it asks has.
    inputs: int = 1
    #: What creators pay of a critic's judgement of fakes beside its verdict.
    beyond_scores: str | None = None

    def __init__(
        self,
        weight: float = 1.0,
        players: tuple[str, ...] | None = None,
        name: str | None = None,
        **kwargs,
    ):
        super().__init__(name=name, **kwargs)
        if not weight >= 0:
            raise ValueError(
                f"Expected a weight of 0 or more. Received: weight={weight}"
            )
        if players is not None and (
            isinstance(players, str) or not set(players) <= set(_PAYING)
        ):
            raise ValueError(
                f"Expected players to be a tuple of some of {_PAYING}, or "
                f"None for all that there are. Received: players={players!r}"
            )
        self.weight = float(weight)
        self.players = None if players is None else tuple(players)
        self.built = True

    @property
    def creators(self) -> tuple[str, ...]:
        """The seats that pay for what is created: codes and data."""
        return _CREATORS if self.players is None else self.players

    @property
    def path(self) -> set[str]:
        """The creators' seats whose weights the terms depend on.

        Those that pay and are not on it learn nothing from the loss.
        """
        return set(_PAYING)

    def terms(self) -> dict[str, dict[str, float]]:
        """The name of each term, and what each player pays of it.

        A term that nobody pays for is only shown in the logs.
        """
        raise NotImplementedError

    def values(self, rollout) -> dict:
        """The value of each term on one batch, scalars in float32."""
        raise NotImplementedError

    def after_step(self, values: dict) -> None:
        """Moves the loss's own variables, once a training step.

        Args:
            values: the value of every term in this step, scalar tensors.
        """

    def after_epoch(self) -> None:
        """Moves the loss's own variables at the end of each epoch of `fit`."""

    def get_config(self):
        config = super().get_config()
        config.update(weight=self.weight, players=self.players)
        return config


def path_of(*tensors: str) -> set[str]:
    """The creators' seats that lead to tensors of a `Rollout`."""
    return {seat for tensor in tensors for seat in _PATHS[tensor]}


def check_has_none(loss: Loss, arguments: dict, remedies: dict) -> None:
    """Refuses arguments that a loss does not take from its base class.

    Args:
        loss: the loss.
        arguments: what it was given beside its own.
        remedies: from an argument's name to what to do instead.

    Raises:
        TypeError: if one of them was given.
    """
    for argument, remedy in remedies.items():
        if argument in arguments:
            raise TypeError(
                f"`{type(loss).__name__}` has no argument '{argument}'. "
                f"{remedy}"
            )
