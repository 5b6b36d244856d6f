"""One optimizer for Keras to carry, one inside it for each player."""

import copy
from types import MappingProxyType

import keras
from keras.optimizers import LossScaleOptimizer, Optimizer


@keras.saving.register_keras_serializable(package="keras_aegan")
class PlayerOptimizers(Optimizer):
    """Every player's own optimizer, as one.

    Keras's trainers, checkpoints, learning-rate callbacks and distribution
    know `model.optimizer` and its `variables`, so all players' state travels
    through Keras's own code. `keras.optimizers.MultiOptimizer` does the same
    by the variables' paths; this one goes by ownership, steps one player at a
    time, keeps a loss scale for each player and stores its state once.

    Args:
        optimizers: dict of player to `keras.optimizers.Optimizer`, each of
            them new and given to one player only.
        name: name of the whole.
    """

    def __init__(self, optimizers: dict, name: str = "player_optimizers"):
        super().__init__(learning_rate=0.0, name=name)
        # A proxy is not a container that Keras's saving walks into: the inner
        # state is already among `variables`, and would be stored twice.
        self._players = MappingProxyType(dict(optimizers))

    def build(self, variables):
        """Built by `build_players`; Keras may ask again, with all variables."""
        if not self.built:
            raise ValueError(
                "PlayerOptimizers are built by AEGAN.compile, which knows "
                "whose each variable is. Pass them to `compile(optimizer=...)`."
            )

    def build_players(self, variables: dict) -> None:
        """Creates the state of each player's optimizer.

        Args:
            variables: dict of player to the list of its own variables.

        Raises:
            ValueError: if these are other players.
        """
        if set(variables) != set(self._players):
            raise ValueError(
                "Expected an optimizer for each player: "
                f"{sorted(variables)}. Received: those of "
                f"{sorted(self._players)}, of a model before some were frozen "
                "or freed. Give a dict of the players, or none."
            )
        for player, optimizer in self._players.items():
            optimizer.build(variables[player])
        super().build([v for owned in variables.values() for v in owned])

    def __getitem__(self, player: str) -> Optimizer:
        return self._players[player]

    @property
    def optimizers(self):
        """The players' optimizers, as Keras's learning-rate callbacks ask."""
        return self._players.values()

    @property
    def variables(self):
        inner = [v for o in self._players.values() for v in o.variables]
        return [*self._variables, *inner]

    def scale(self, player: str):
        """What this player's loss is scaled with against underflow, or None."""
        optimizer = self._players[player]
        if isinstance(optimizer, LossScaleOptimizer):
            return optimizer.scale_loss(1.0)
        return optimizer.loss_scale_factor

    @property
    def learning_rate(self):
        raise AttributeError(
            "Each player has its own learning rate: use "
            "`model.optimizer['generator'].learning_rate` and so on."
        )

    def finalize_variable_values(self, var_list):
        for optimizer in self._players.values():
            optimizer.finalize_variable_values(optimizer._trainable_variables)

    def set_weights(self, weights):
        for variable, value in zip(self.variables, weights, strict=True):
            variable.assign(value)

    def get_config(self):
        return {
            "optimizers": {
                player: keras.optimizers.serialize(optimizer)
                for player, optimizer in self._players.items()
            },
            "name": self.name,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        optimizers = {
            player: keras.optimizers.deserialize(
                optimizer, custom_objects=custom_objects
            )
            for player, optimizer in config["optimizers"].items()
        }
        return cls(optimizers, name=config["name"])


def check_unshared(owned: dict) -> None:
    """Refuses a variable that two players would train.

    Args:
        owned: dict of player to the list of its own variables.
    """
    owners = {}
    for player, variables in owned.items():
        for variable in variables:
            if id(variable) in owners:
                raise ValueError(
                    f"The {owners[id(variable)]} and the {player} share "
                    f"'{variable.path}', which each of them would train by its "
                    "own loss. Give each layers of its own, or freeze one of "
                    "them."
                )
            owners[id(variable)] = player


def check_precise(owned: dict) -> None:
    """Refuses networks of 16 bits, in which small steps are lost.

    An average's, a thousandth of the way, is less than a weight's last bit.

    Args:
        owned: dict of player to the list of its own variables.
    """
    for player, variables in owned.items():
        dtypes = {variable.dtype for variable in variables}
        if dtypes in ({"float16"}, {"bfloat16"}):
            (dtype,) = dtypes
            raise ValueError(
                f"The {player}'s weights are {dtype}, in which the small steps "
                "of a training are lost. Build the model with the policy "
                f"'mixed_{dtype}', which computes in it and keeps weights in "
                "float32."
            )


def optimizer_configs(optimizer, players: list[str]) -> dict:
    """The serialised default optimizer of each player.

    Args:
        optimizer: see `player_optimizers`; or a dict of player to such a
            configuration, or `None` for Adam.
        players: their names.
    """
    if optimizer is None:
        optimizer = keras.optimizers.Adam(2e-4, beta_1=0.5)
    if isinstance(optimizer, dict) and all(
        isinstance(optimizer.get(player), dict) for player in players
    ):
        return copy.deepcopy(optimizer)
    return {
        player: keras.optimizers.serialize(one)
        for player, one in player_optimizers(optimizer, players).items()
    }


def player_optimizers(
    optimizer, players: list[str], scale_loss: bool = False
) -> dict:
    """A fresh optimizer for each player, named after it.

    Args:
        optimizer: an optimizer, its name or its configuration, or a dict of
            player to such.
        players: their names.
        scale_loss: whether each scales its loss against underflow.
    """
    if not isinstance(optimizer, dict):
        optimizer = dict.fromkeys(players, optimizer)
    if set(optimizer) != set(players):
        raise ValueError(
            "Expected an optimizer for each player: "
            f"{sorted(players)}. Received: {sorted(map(str, optimizer))}"
        )
    fresh = {}
    for player in players:
        # Keras changes the configuration that it is given: hand it a copy.
        one = keras.optimizers.get(copy.deepcopy(optimizer[player]))
        config = keras.optimizers.serialize(one)
        config["config"]["name"] = player
        one = keras.optimizers.deserialize(config)
        if not isinstance(one, Optimizer):
            raise ValueError(
                "Expected an optimizer that Keras can make again from its "
                f"configuration, which gave {one!r} for the {player}'s. Use "
                "another."
            )
        vars(one).update(_exclusions(optimizer[player]))
        if scale_loss and not isinstance(one, LossScaleOptimizer):
            one = LossScaleOptimizer(one, name=player)
        fresh[player] = one
    return fresh


def _exclusions(optimizer):
    """What `exclude_from_weight_decay` set, which no configuration has."""
    names = ("_exclude_from_weight_decay", "_exclude_from_weight_decay_pattern")
    return {
        name: getattr(optimizer, name)
        for name in names
        if hasattr(optimizer, name)
    }


def decaying(learning_rate: float, decay_steps: int | None):
    """The rate itself, or one that falls to a tenth along a cosine."""
    if decay_steps is None:
        return learning_rate
    return keras.optimizers.schedules.CosineDecay(
        learning_rate, decay_steps, alpha=0.1
    )
