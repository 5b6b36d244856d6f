"""2,000 ways to hand somebody a bad preset, each found again by its seed.

`mutate` changes a good preset's files by one kind of mutation or a few, which
`KINDS` lists; everything is chosen from the seed alone.
"""

import contextlib
import random

import mutations_config
import mutations_files
import mutations_weights
from mutant import Mutant

#: How a preset is mutated, by name.
KINDS = {
    kind.__name__: kind
    for module in (mutations_files, mutations_config, mutations_weights)
    for kind in module.KINDS
}
#: Modules that no preset may make this process import.
FOREIGN = mutations_config.FOREIGN


def kinds_of(seed: int) -> list[str]:
    """The kinds of mutation that this seed's preset has."""
    chance = random.Random(seed)
    count = chance.choice((1, 1, 1, 1, 1, 2, 2, 3))
    # Each kind in turn, so that none is left to luck.
    first = list(KINDS)[seed % len(KINDS)]
    return [first, *chance.choices(list(KINDS), k=count - 1)]


def mutate(presets: list[dict[str, bytes]], seed: int, marker) -> Mutant:
    """A mutated preset.

    Args:
        presets: the files of good presets, of which one is taken.
        seed: which mutant this is.
        marker: see `Mutant`.

    Returns:
        The mutant, which is not on the disk yet.
    """
    chance = random.Random(f"mutant {seed}")
    mutant = Mutant(dict(chance.choice(presets)), chance, marker)
    mutant.load_weights = chance.random() < 0.85
    first, *others = kinds_of(seed)
    KINDS[first](mutant)
    for kind in others:
        # What one mutation broke, the next may not find.
        with contextlib.suppress(AttributeError, LookupError, TypeError):
            KINDS[kind](mutant)
    # A stranger's sums are right: they stand in the stranger's own folder.
    if chance.random() < 0.6 and "metadata.json" in mutant.files:
        if not set(kinds_of(seed)) & mutations_files.LIES:
            mutant.tell_the_truth()
    return mutant
