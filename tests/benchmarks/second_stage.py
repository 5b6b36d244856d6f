"""What the second of two stages owes to what, at equal wall-clock.

    python tests/benchmarks/second_stage.py mnist.npz --steps 1884 --seconds 30

One `rae` trains for `--steps` with each seed, and from there each of the games
below, all for `--seconds` of training as `equal_time.py` counts them (timed in
turns, the shortest turn), with a mixture of 40 Gaussians on the codes where
nothing else is said; the first is `mixture_aegan` as it is. `rae` itself goes
on for as long beside them, and gets a new mixture. Then what `equal_time.py`
measures. The first stages, the times and the results are kept in `--folder`;
what is there is not made again.

With `--skip-z` the generator of all of them is given the code at each size
anew, and not at the smallest alone; the first stage is another then, and so
must be the `--folder`.
"""

import argparse
import functools
import json
import pathlib

import keras
from contestants import non_saturating, unpenalized
from data_sets import load
from equal_time import features_of, measure, step_seconds, table, train
from keras import layers, ops
from two_stages import COMPONENTS

from keras_aegan import AEGAN, recipes
from keras_aegan.critics import judge
from keras_aegan.losses import ReconstructionLoss
from keras_aegan.losses.input_gradient import input_gradient


def _with(components=COMPONENTS, **options):
    def build(first, shape, seed, steps):
        return recipes.mixture_aegan(first(components), seed=seed, **options)

    return build


def _decay(first, shape, seed, steps):
    return _with(decay_steps=steps)(first, shape, seed, steps)


def _changed(change, first, shape, seed, steps):
    """`mixture_aegan` with other losses, which `change` makes of its own."""
    whole = _with()(first, shape, seed, steps)
    return AEGAN(
        **{
            seat: getattr(whole, seat)
            for seat in ("generator", "encoder", "discriminator", "prior")
        },
        losses=[loss for old in whole.objectives for loss in change(old)],
        optimizer=whole.get_config()["optimizer"],
        **whole.data_settings,
        seed=seed,
    )


def _by_encoder(loss):
    """The reconstruction as the encoder's alone (AEGAN's decoupling)."""
    if not isinstance(loss, ReconstructionLoss):
        return [loss]
    return [ReconstructionLoss("mae", weight=loss.weight, players=("encoder",))]


class AdaptiveReconstructionLoss(ReconstructionLoss):
    """Weighs so much of the adversary's gradient, whatever that is.

    What both send into the generator's data is compared, and the ratio taken
    as a constant (VQGAN's adaptive weight, of the other loss).
    """

    def values(self, rollout):
        real = ops.stop_gradient(rollout.score("discriminator", "data"))
        network = rollout.networks["discriminator"]

        def fooling(made):
            score = judge(network, made, rollout.training)["score"]
            return ops.mean(ops.softplus(real - score))

        def error(made):
            return ops.mean(ops.abs(made - rollout.data))

        adversary = _length(input_gradient(fooling, rollout.generated))
        own = _length(input_gradient(error, rollout.reconstructed))
        ratio = ops.stop_gradient(adversary / own)
        return {self.name: ratio * super().values(rollout)[self.name]}


def _length(gradient):
    return ops.sqrt(ops.sum(ops.square(gradient)))


def _adaptive(weight):
    def change(loss):
        if not isinstance(loss, ReconstructionLoss):
            return [loss]
        return [AdaptiveReconstructionLoss("mae", weight=weight)]

    return functools.partial(_changed, change)


def _goes_on(first, shape, seed, steps):
    return first(None)


GAMES = {
    "mixture_aegan": _with(),
    "rae goes on": _goes_on,
    # In the order of the gain that was expected.
    "no averages": _with(ema_momentum=None),
    "decay": _decay,
    "non-saturating": functools.partial(_changed, non_saturating),
    "no penalties": functools.partial(_changed, unpenalized),
    "gamma 0.1": _with(gamma=0.1),
    "decoupled": functools.partial(_changed, _by_encoder),
    "augmented": _with(augment=("translation", "cutout")),
    "weight 3": _with(reconstruction_weight=3.0),
    "weight 10": _with(reconstruction_weight=10.0),
    "adaptive weight 1": _adaptive(1.0),
    "adaptive weight 3": _adaptive(3.0),
    "weight 100": _with(reconstruction_weight=100.0),
    "1 component": _with(components=1),
    "10 components": _with(components=10),
    "no cycle of codes": _with(latent_reconstruction_weight=0.0),
    "width 16": _with(width=16),
    "two blocks": _with(blocks=2),
    "learning rate 2e-4": _with(learning_rate=2e-4),
    "learning rate 1e-3": _with(learning_rate=1e-3),
}


def _rae(shape, seed, skip_z):
    model = recipes.rae(shape, seed=seed)
    if not skip_z:
        return model
    return AEGAN(
        generator=_with_skips(model.generator),
        encoder=model.encoder,
        prior=None,
        losses=model.objectives,
        optimizer=model.get_config()["optimizer"],
        seed=seed,
    )


def _with_skips(generator):
    """The same network, to whose features a projection of the code is added."""
    code = None

    def call(layer, *args, **kwargs):
        nonlocal code
        if layer.name == "start":
            (code,) = args
        features = layer(*args, **kwargs)
        if not layer.name.startswith("up_"):
            return features
        shift = layers.Dense(
            features.shape[-1],
            kernel_initializer="zeros",
            name=f"{layer.name}_z",
        )(code)
        return layers.Add()([features, layers.Reshape((1, 1, -1))(shift)])

    return keras.models.clone_model(generator, call_function=call)


def first_stage(data, seed, steps, batch_size, skip_z, folder):
    """The first stage, trained once: a function of a number of Gaussians.

    With `None` of them it is as it was saved, and trains on from there.
    """

    def first(components):
        if components is None:
            return AEGAN.from_preset(folder / "rae")
        made = folder / f"mixture_{components}"
        if not made.exists():
            model = AEGAN.from_preset(folder / "rae")
            model.fit_sampler("gmm", data[:10_000], components, seed=0)
            model.save_to_preset(made)
        return AEGAN.from_preset(made)

    if not (folder / "rae").exists():
        keras.utils.set_random_seed(seed)
        model = _rae(data.shape[1:], seed, skip_z)
        model.compile()
        train(model, data, seed, steps, batch_size)
        model.save_to_preset(folder / "rae", include_optimizer=True)
    return first


def run(args, games, known, add):
    data, _, test, _ = sets = load(args.data)
    # Whole batches alone: another shape would be compiled.
    data = data[: len(data) // args.batch_size * args.batch_size]
    features = features_of(args.data.stem, sets, args.folder)
    for seed in args.seeds:
        first = first_stage(
            data,
            seed,
            args.steps,
            args.batch_size,
            args.skip_z,
            args.folder / f"{seed}",
        )
        methods = {
            name: functools.partial(game, first) for name, game in games.items()
        }
        if None not in known:
            times = step_seconds(data, methods, args.batch_size, 1.5)
            known[None] = {"times": times}
            add(known[None])
        for name, build in methods.items():
            if (name, seed) in known:
                continue
            steps = round(args.seconds / known[None]["times"][name])
            keras.utils.set_random_seed(seed)
            model = build(data.shape[1:], seed, steps)
            if not model.compiled:
                model.compile()
            train(model, data, seed, steps, args.batch_size)
            found = measure(model, data, test, features, args.samples)
            line = {"data": args.data.stem, "method": name, "seed": seed}
            add(line | {"steps": steps} | found)
            keras.backend.clear_session()


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("--games", nargs="+", default=list(GAMES))
    parser.add_argument("--steps", type=int, required=True, help="of `rae`")
    parser.add_argument("--skip-z", action="store_true")
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2])
    parser.add_argument("--samples", type=int, default=2_000)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--folder", default="second_stage", type=pathlib.Path)
    parser.add_argument("--table", action="store_true")
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    output = args.folder / "results.jsonl"
    lines = []
    if output.exists():
        lines = list(map(json.loads, output.read_text().splitlines()))
    if args.table:
        return table(lines)
    known = {
        (line["method"], line["seed"]) if "seed" in line else None: line
        for line in lines
    }

    def add(line):
        print(json.dumps(line), flush=True)
        with output.open("a") as file:
            file.write(json.dumps(line) + "\n")

    return run(args, {name: GAMES[name] for name in args.games}, known, add)


if __name__ == "__main__":
    main()
