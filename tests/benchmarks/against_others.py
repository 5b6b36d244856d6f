"""`fit` against libraries and loops by hand, on equal networks, as a table.

    python tests/benchmarks/against_others.py --environment ~/rivals

The games of DCGAN, BEGAN, VAE/GAN and AEGAN on made-up images, batch 64,
float32, DCGAN-like networks that are equal in layers and parameters, Adam.
Contestants, each in a process of its own, which stays for all turns:

* ours: `keras_aegan.AEGAN` through `fit`, on each of `--backend`, with each of
  `--updates`;
* plain loops in PyTorch and TensorFlow, in the order of published codes
  (`rivals/plain_torch.py`, `rivals/plain_tensorflow.py`);
* pythae, vegans and torchgan from PyPI, in an environment of their own, which
  is made in the folder `--environment` and kept there (by default in a
  temporary folder, for this run).

They take turns, never two at a time, in an order that turns round. A turn's
first four steps, in which they compile, are not timed. A second's images are
those that the players who create have trained on. The ratio is how many times
as fast as the contestant the reference is, in the same turn: ours on the first
of `--backend`, with the first of `--updates` that the game admits.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import venv

BATCH = 64
LIBRARIES = ("pythae==0.1.2", "vegans==0.4.0", "torchgan==0.1.0")
RIVALS = pathlib.Path(__file__).parent / "rivals"
GAMES = ("dcgan", "began", "vae_gan", "aegan")
#: Who plays a game beside us: a file of `rivals`, and the game's name there.
OTHERS = {
    "dcgan": {
        "plain PyTorch": ("plain_torch", "dcgan"),
        "plain TensorFlow": ("plain_tensorflow", "dcgan"),
        "torchgan": ("with_torchgan", "dcgan"),
        "vegans VanillaGAN": ("with_vegans", "dcgan"),
    },
    "began": {
        "plain PyTorch": ("plain_torch", "began"),
        "plain TensorFlow": ("plain_tensorflow", "began"),
        "torchgan": ("with_torchgan", "began"),
        "vegans EBGAN": ("with_vegans", "began"),
    },
    "vae_gan": {
        "pythae VAEGAN": ("with_pythae", "vae_gan"),
        "vegans VAEGAN": ("with_vegans", "vae_gan"),
    },
    "aegan": {
        f"plain {name}, {order}": (script, game)
        for name, script in (
            ("PyTorch", "plain_torch"),
            ("TensorFlow", "plain_tensorflow"),
        )
        for order, game in (
            ("AEGAN-keras's order", "aegan"),
            ("PokeGAN's order", "aegan, one step each"),
        )
    },
}


class Contestant:
    """A process that trains when it is told to.

    Args:
        game: one of `GAMES`.
        name: its name in the table.
        python: the interpreter that runs it.
        script: a file of `rivals`, without its ending.
        settings: what the file's `build` takes.
        backend: Keras's backend.
    """

    def __init__(self, game, name, python, script, settings, backend):
        self.game, self.name = game, name
        self.rates, self.parameters, self.error = [], None, None
        self._command = [python, str(RIVALS / f"{script}.py")]
        self._command.append(json.dumps(settings))
        self._backend = backend
        self._steps = settings["steps"]

    def start(self):
        """Starts the process, and waits for what it builds."""
        self._log = tempfile.TemporaryFile("w+")
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env={
                **os.environ,
                "KERAS_BACKEND": self._backend,
                "TF_CPP_MIN_LOG_LEVEL": "3",
            },
            text=True,
        )
        answer = self._answer()
        self.parameters = answer.get("parameters")
        self.error = answer.get("error")
        if self.error:
            self.stop()

    def turn(self):
        """Lets it train for a turn, and notes its images per second."""
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        self.rates.append(self._steps * BATCH / self._answer()["seconds"])

    def stop(self):
        """Ends the process."""
        self._process.stdin.close()
        self._process.wait()

    def _answer(self):
        line = self._process.stdout.readline()
        if not line:
            self._log.seek(0)
            raise SystemExit(f"{self.name} ended:\n{self._log.read()}")
        return json.loads(line)


def environment(folder: pathlib.Path) -> str:
    """The interpreter of the libraries' environment, made where it is not."""
    python = folder / "bin" / "python"
    if not (folder / "made").exists():
        print(f"Installing {', '.join(LIBRARIES)} in {folder}", file=sys.stderr)
        venv.create(folder, clear=True, with_pip=True)
        install = [str(python), "-m", "pip", "install", "--quiet"]
        needed = ["-r", str(RIVALS / "requirements.txt")]
        subprocess.run([*install, *needed], check=True)
        subprocess.run([*install, "--no-deps", *LIBRARIES], check=True)
        (folder / "made").touch()
    return str(python)


def contestants(game, args, folder):
    """All that play a game, ours first and the reference first of them."""
    setup = {"game": game, "size": args.size, "steps": args.steps}
    found = [
        (f"ours, {backend}, {updates}", "ours", {"updates": updates}, backend)
        for backend in args.backend
        for updates in args.updates
    ]
    found += [
        (name, script, {"game": called}, "tensorflow")
        for name, (script, called) in OTHERS[game].items()
    ]
    for name, script, settings, backend in found:
        chosen = f"{game} {name}"
        if args.only and not any(only in chosen for only in args.only):
            continue
        python = sys.executable
        if script.startswith("with_"):
            python = environment(folder)
        yield Contestant(
            game, name, python, script, {**setup, **settings}, backend
        )


def race(game, args, folder):
    """Runs a game's contestants in turns; those that play, and all."""
    everybody = list(contestants(game, args, folder))
    for contestant in everybody:
        print(f"{game}: {contestant.name}", file=sys.stderr)
        contestant.start()
    running = [c for c in everybody if not c.error]
    for turn in range(args.turns):
        for contestant in running[:: -1 if turn % 2 else 1]:
            contestant.turn()
    for contestant in running:
        contestant.stop()
    if len({c.parameters for c in running}) > 1:
        raise SystemExit(
            f"Unequal networks in {game}: "
            f"{ {c.name: c.parameters for c in running} }"
        )
    return running, everybody


def spread(values, digits):
    """The median, and the least and most."""
    middle, *ends = (
        f"{value:.{digits}f}"
        for value in (statistics.median(values), min(values), max(values))
    )
    return f"{middle} ({ends[0]} to {ends[1]})"


def rows(running, everybody):
    """A game's lines of the table."""
    reference = next((c for c in running if c.name.startswith("ours")), None)
    for contestant in everybody:
        start = f"| {contestant.game} | {contestant.name} |"
        if contestant.error:
            reason = contestant.error.replace("\n", " ").replace("|", "\\|")
            yield f"{start} {reason} | | |"
            continue
        ratio = ""
        if contestant is reference:
            ratio = "1, the reference"
        elif reference:
            pairs = zip(reference.rates, contestant.rates, strict=True)
            ratio = spread([ours / theirs for ours, theirs in pairs], 2)
        millions = f"{contestant.parameters / 1e6:.2f} M"
        rates = spread(contestant.rates, 0)
        yield f"{start} {rates} | {ratio} | {millions} |"


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--backend", nargs="+", default=["tensorflow"])
    parser.add_argument(
        "--updates",
        nargs="+",
        default=["one_stage", "simultaneous", "alternating"],
    )
    parser.add_argument("--size", type=int, choices=(32, 64), default=32)
    parser.add_argument(
        "--steps", type=int, default=12, help="timed, a turn; whole cycles of 4"
    )
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument(
        "--only", nargs="+", help='parts of names, as "began" or "plain"'
    )
    parser.add_argument("--environment", type=pathlib.Path)
    args = parser.parse_args()
    if args.steps % 4 or args.steps < 4 or args.turns < 1:
        parser.error("--steps has to be a multiple of 4, --turns 1 or more")
    with tempfile.TemporaryDirectory() as folder:
        folder = (args.environment or pathlib.Path(folder)).resolve()
        print(
            f"| game, {args.size}x{args.size} | contestant | images a second "
            "| times as fast is ours | parameters |\n|---|---|---|---|---|"
        )
        for game in GAMES:
            for row in rows(*race(game, args, folder)):
                print(row, flush=True)


if __name__ == "__main__":
    main()
