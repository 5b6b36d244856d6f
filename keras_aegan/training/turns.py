"""Who moves when: the two sides of the game, and the turns of one step."""

#: Who judges, and who makes what is judged.
CRITICS = ("discriminator", "latent_discriminator")
CREATORS = ("encoder", "second_encoder", "generator", "prior")
_UPDATES = ("simultaneous", "one_stage", "alternating")


def turns(model) -> list[list[str]]:
    """Who moves together, on the same weights and the same batch."""
    players, updates = model.players, model.updates
    if updates in ("simultaneous", "one_stage"):
        return [players]
    if updates != "alternating":
        chosen = [[p for p in turn if p in players] for turn in updates]
        return [turn for turn in chosen if turn]
    found = []
    for side in (CRITICS, CREATORS):
        steps = {p: model.steps.get(p, 1) for p in players if p in side}
        found += [
            [player for player, count in steps.items() if count > done]
            for done in range(max(steps.values(), default=0))
        ]
    return found


def check_updates(updates, steps, seated, paying) -> None:
    """Refuses turns and numbers of steps that are of no game.

    Args:
        updates: a way of moving by name, or a sequence of turns.
        steps: dict of player to its number of steps.
        seated: the filled seats.
        paying: the seats that pay for something.

    Raises:
        ValueError: for what is unknown, left out or below 1.
    """
    if not isinstance(updates, str):
        moving = {player for turn in updates for player in turn}
        # A frozen one may be named: it was a player, or shall be.
        if not set(paying) <= moving <= set(seated) or steps:
            raise ValueError(
                "Expected the turns of updates to name each of the players "
                f"{paying}, and no steps. Received: updates={updates}, "
                f"steps={steps}"
            )
    elif updates not in _UPDATES:
        raise ValueError(
            f"Expected updates to be one of {_UPDATES} or a list of turns. "
            f"Received: updates={updates!r}"
        )
    for player, count in steps.items():
        if player not in seated:
            raise ValueError(
                "Expected steps to be a dict of player to its number of "
                f"steps, with the players {paying}. Received: steps={steps}"
            )
        if not isinstance(count, int) or count < 1:
            raise ValueError(
                "Expected a player's steps to be a whole number, 1 or more. "
                f"Received: steps={steps}"
            )
    if updates != "alternating" and set(steps.values()) - {1}:
        raise ValueError(
            f"With {updates} updates every player makes one step a batch. Use "
            f"updates='alternating'. Received: steps={steps}"
        )
