"""A contestant's side of the race: it waits for its turn and times it.

What all contestants share, whatever their framework: nothing here imports one.
"""

import json
import math
import os
import sys

import numpy as np

LATENT, BATCH, RATE, BETA = 64, 64, 2e-4, 0.5
#: Steps at the start of each turn that are not timed: what compiles, compiles.
#: A cycle of AEGAN's is as many.
WARM = CYCLE = 4
# AEGAN-keras's, as in `recipes.aegan_classic`: the weights of the two
# reconstructions and of the two adversaries, and the labels.
AEGAN = (10.0, 5.0, 1.0, 1.0)
REAL, FAKE = 0.95, 0.05
# BEGAN's.
GAMMA, K_RATE = 0.5, 0.001


def images(size: int, steps: int, channels: str) -> np.ndarray:
    """Made-up pictures in -1 to 1 for a turn, channels `"first"` or `"last"`.

    Float32, as the networks take them, so that nobody has to convert.
    """
    shape = (3, size, size) if channels == "first" else (size, size, 3)
    rng = np.random.default_rng(0)
    return rng.uniform(-1, 1, ((WARM + steps) * BATCH, *shape)).astype(
        "float32"
    )


def serve(build) -> None:
    """Answers the race's questions, a line of JSON each.

    Args:
        build: a function of the contestant's settings (the keywords that came
            as JSON on the command line) that returns its number of parameters
            and a function `turn` of no arguments that trains a turn and
            returns the seconds of the timed steps and the last losses.
    """
    # What a library prints is no answer.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def answer(**found):
        print(json.dumps(found), file=answers, flush=True)

    try:
        parameters, turn = build(**json.loads(sys.argv[1]))
    except Exception as error:
        answer(error=f"{type(error).__name__}: {error}")
        raise
    answer(parameters=int(parameters))
    for _ in sys.stdin:
        seconds, losses = turn()
        assert losses and all(map(math.isfinite, losses)), losses
        answer(seconds=seconds)
