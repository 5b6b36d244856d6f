"""AEGAN: an autoencoder in a generative adversarial network, as one model."""

import copy
import itertools
import math
import numbers
import os
import pathlib
from types import MappingProxyType

import keras
import numpy as np
from keras import ops

from keras_aegan.critics import results_of
from keras_aegan.data import DataSpec, refuse_sample_weights, without_labels
from keras_aegan.export import PARTS, export_part
from keras_aegan.generation import batch_sizes, collect, watched
from keras_aegan.initializers import is_blank
from keras_aegan.losses import Loss
from keras_aegan.moving_average import MovingAverage
from keras_aegan.priors import (
    PRIORS,
    interpolate_codes,
    on_sphere,
    sample_noise,
)
from keras_aegan.samplers import fit_prior, is_fitted, log_density
from keras_aegan.seats import check_seats, payments
from keras_aegan.sharing import drawn
from keras_aegan.tokens import TokenSpec
from keras_aegan.training import Trainer
from keras_aegan.training.epoch_order import EpochOrder
from keras_aegan.training.one_stage import check_one_stage, check_verdicts
from keras_aegan.training.optimizer import (
    PlayerOptimizers,
    check_precise,
    check_unshared,
    optimizer_configs,
    player_optimizers,
)
from keras_aegan.training.sides import CREATORS, CRITICS
from keras_aegan.training.tracker import Tracker

_SEATS = (*CREATORS, *CRITICS)
_SECOND = "second_encoder"
_AVERAGED = ("generator", "encoder", _SECOND, "prior")
_UPDATES = ("simultaneous", "one_stage", "alternating")
_ANOMALIES = ("reconstruction", "features", "f_anogan", "latent", "density")


class _Presets:
    """`AEGAN.presets`: the bundled presets, without an instance."""

    def __get__(self, instance, owner):
        from keras_aegan.hub import bundled_presets

        return bundled_presets()


@keras.saving.register_keras_serializable(package="keras_aegan")
class AEGAN(Trainer, keras.Model):
    """An autoencoder inside a generative adversarial network.

    Up to six networks take a seat each, losses say what each of them pays,
    and `fit` plays the game on TensorFlow, JAX or PyTorch. Every seat that
    pays for something is a player with an optimizer of its own; its gradient
    is that of its own loss with respect to its own variables.

    | seat | maps | empty means |
    |---|---|---|
    | `encoder` | data to code | no encode, no reconstruct |
    | `generator` | code to data (the decoder) | never empty |
    | `discriminator` | data to score | no adversary on data |
    | `latent_discriminator` | code, or data and code, to score | no adversary \
on codes |
    | `prior` | noise to code | a distribution by name |
    | `second_encoder` | data to code | no code of reconstructions |

    A seat whose network is frozen (`trainable = False`) plays along and pays
    nothing.

    Most people start from a recipe (`keras_aegan.recipes`) or a preset
    (`AEGAN.from_preset`) rather than from this constructor.

    Args:
        generator: `keras.Model` from codes to data, in -1 to 1 for data with
            a range.
        encoder: `keras.Model` from data to codes, or to a dict of `"mean"`
            and `"log_variance"`, or `None`.
        discriminator: `keras.Model` from data to scores (logits, high means
            real), to a reconstruction of the data (an autoencoder, which
            scores minus its squared error), or to a dict with some of
            `"score"`, `"features"`, `"reconstruction"`; or `None`.
        latent_discriminator: `keras.Model` from codes, or from `[data, codes]`,
            to scores, or `None`.
        prior: `"normal"` (default), `"uniform"` in -1 to 1, `"sphere"` (unit
            norm), a `keras.Model` from normal noise to codes, or `None` for a
            model whose codes follow no distribution until `fit_sampler`.
        losses: list of `keras_aegan.losses.Loss`.
        second_encoder: `keras.Model` from data to codes that encodes
            reconstructions (GANomaly), or `None`.
        updates: `"simultaneous"` (default), one rollout for all players;
            `"one_stage"`, the same gradients from fewer backward passes, for
            discriminators that judge each sample by itself, by its score or
            energy alone; `"alternating"`, the discriminators first and then
            the others on the discriminators' new weights; or a list of turns,
            each a list of the players that move together on a rollout of its
            own: `[["encoder"], ["generator"]]`.
        steps: dict of player to its number of steps a batch, 1 by default;
            only for alternating updates. Each step draws fresh noise.
        ema_momentum: momentum of the averaged copies of generator and encoder
            that `generate`, `encode`, `reconstruct` and presets use; it rises
            to this value as `(1 + step) / (10 + step)`. `None` for no
            averages. Defaults to `0.999`.
        data_range: `(low, high)` of the user's data, default `(0, 255)`, or
            `None` for data without a range.
        data_dtype: dtype of generated data, default `"uint8"`.
        tokens: whether the data are token ids `(length,)`, which the networks
            see as one-hot `(length, vocabulary)`; `data_range` is then unused.
        optimizer: what `compile()` uses when it is not given one: an optimizer
            that each player gets a copy of, or a dict of player to optimizer.
            Defaults to Adam with a learning rate of 2e-4 and `beta_1=0.5`.
        seed: integer seed of the training's noise; random by default.
        name: the model's name.

    Raises:
        ValueError: where seats do not fit each other, a loss needs an empty
            seat, a seat has no loss, or an argument is out of its range.

    Example:

    ```python
    from keras_aegan import AEGAN, losses, networks

    model = AEGAN(
        generator=networks.residual_generator((28, 28, 1), latent_dim=32),
        encoder=networks.residual_encoder((28, 28, 1), latent_dim=32),
        discriminator=networks.residual_discriminator((28, 28, 1)),
        losses=[
            losses.DataAdversarialLoss(),
            losses.R1Penalty(0.1),
            losses.R2Penalty(0.1),
            losses.ReconstructionLoss("mae", weight=1.0),
        ],
    )
    model.fit(images, batch_size=64, epochs=5)
    pictures = model.generate(16)
    ```

    Reference:
        - [Autoencoding Generative Adversarial Networks](
          https://arxiv.org/abs/2004.05472)
    """

    presets = _Presets()

    def __init__(
        self,
        generator: keras.Model,
        encoder: keras.Model | None = None,
        discriminator: keras.Model | None = None,
        latent_discriminator: keras.Model | None = None,
        prior: str | keras.Model | None = "normal",
        *,
        losses: list[Loss],
        second_encoder: keras.Model | None = None,
        updates: str | list[list[str]] = "simultaneous",
        steps: dict[str, int] | None = None,
        ema_momentum: float | None = 0.999,
        data_range: tuple[float, float] | None = (0, 255),
        data_dtype: str = "uint8",
        tokens: bool = False,
        optimizer=None,
        seed: int | None = None,
        name: str | None = None,
        **kwargs,
    ):
        super().__init__(name=name, **kwargs)

        # === Seats ===
        self.generator = generator
        self.encoder = encoder
        self.discriminator = discriminator
        self.latent_discriminator = latent_discriminator
        self.prior = prior
        self.second_encoder = second_encoder
        check_seats(self._seated(), prior)
        data_shape = generator.output_shape[1:]
        if tokens and len(data_shape) != 2:
            raise ValueError(
                "With tokens=True the generator gives probabilities "
                "(length, vocabulary_size). Received: a generator of data "
                f"{data_shape}."
            )
        self.spec = (
            TokenSpec(*data_shape)
            if tokens
            else DataSpec(data_shape, data_range, data_dtype)
        )

        # === Game ===
        self.objectives = list(losses)
        self.payments = MappingProxyType(
            payments(self.objectives, self._seated())
        )
        self.updates = (
            updates if isinstance(updates, str) else tuple(map(tuple, updates))
        )
        self.steps = MappingProxyType(dict(steps or {}))
        self._check_updates()
        names = [f"{seat}_loss" for seat in self._paying()]
        self.tracker = Tracker([*names, *self.payments])

        # === State ===
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.step = self.add_weight(
            (), "zeros", dtype="int32", trainable=False, name="step"
        )
        self.ema_momentum = None
        for seat in _AVERAGED:
            setattr(self, f"ema_{seat}", None)
        seats = self._seated()
        if ema_momentum is not None:
            self._start_averages(
                ema_momentum,
                [
                    seat
                    for seat in _AVERAGED
                    if seat in seats and seats[seat].trainable_variables
                ],
            )

        self._default_optimizer = MappingProxyType(
            optimizer_configs(optimizer, self._paying())
        )
        self.built = True

    def _start_averages(self, momentum, seats, blank=()):
        """Adds the averages of some seats, of which some are yet blank."""
        if not 0 <= momentum < 1:
            raise ValueError(
                "Expected ema_momentum from 0 to below 1, or None for no "
                f"averages. Received: ema_momentum={momentum}"
            )
        self.ema_momentum = momentum
        for seat in seats:
            name = f"ema_{seat}"
            average = MovingAverage(getattr(self, seat), seat in blank, name)
            setattr(self, name, average)

    @property
    def averages(self) -> dict[str, MovingAverage]:
        """The averages, by the seats whose networks they follow."""
        return {
            seat: average
            for seat in _AVERAGED
            if (average := getattr(self, f"ema_{seat}")) is not None
        }

    @property
    def averaged(self) -> list[tuple[keras.Variable, keras.Variable]]:
        """Every average of a variable, with the variable."""
        return [
            (average, variable)
            for network in self.averages.values()
            for variable, average in network.pairs
            if "float" in average.dtype
        ]

    # === Seats ===

    def _seated(self) -> dict[str, keras.Model]:
        """The filled seats, without the averages."""
        seats = {seat: getattr(self, seat) for seat in _SEATS}
        return {
            seat: network
            for seat, network in seats.items()
            if isinstance(network, keras.Model)
        }

    def _paying(self) -> list[str]:
        """The seats that pay for some term, in the order of their moves."""
        return [
            seat
            for seat in (*CRITICS, *CREATORS)
            if any(payers.get(seat) for payers in self.payments.values())
        ]

    def _seat(self, seat: str, verb: str) -> keras.Model:
        """The network to use in a seat, or an error that names the seat."""
        if not isinstance(getattr(self, seat), keras.Model):
            raise ValueError(
                f"`{verb}` needs the {seat} seat, which is empty in this "
                f"model. Build it with AEGAN(..., {seat}=...)."
            )
        return self.used(seat)

    def used(self, seat: str) -> keras.Model:
        """The network that the verbs use: the average where there is one."""
        return self.averages.get(seat, getattr(self, seat))

    def copied(self, seat: str, trainable: bool = True) -> keras.Model:
        """A copy of the network that the verbs use, for a second stage.

        Args:
            seat: a filled seat, such as `"generator"`.
            trainable: `False` to freeze it (`recipes.latent_gan`,
                `recipes.f_anogan`); by default it goes on training
                (`recipes.mixture_aegan`), but for layers that were frozen.

        Returns:
            A `keras.Model` of the same weights.
        """
        used = self._seat(seat, "copied")
        network = keras.models.clone_model(getattr(self, seat))
        network.set_weights(used.get_weights())
        if not trainable:
            network.trainable = False
        return network

    @property
    def data_settings(self) -> dict:
        """The constructor's arguments that say what the data are."""
        return {
            "data_range": self.data_range,
            "data_dtype": self.spec.dtype.name,
            "tokens": isinstance(self.spec, TokenSpec),
        }

    @property
    def networks(self) -> dict[str, keras.Model]:
        """The filled seats and, under `ema_...`, their averages."""
        averages = {f"ema_{s}": each for s, each in self.averages.items()}
        return {**self._seated(), **averages}

    @property
    def layers(self) -> list[keras.layers.Layer]:
        """The networks and losses, in the order by which files name them.

        Keras's own order is that of time, and `fit_sampler` fills a seat late.
        """
        return [*self.networks.values(), *self.objectives]

    @property
    def progress(self) -> dict[str, keras.Variable]:
        """State beside the networks' that a preset keeps."""
        state = {"step": self.step}
        for loss in self.objectives:
            for variable in loss.weights:
                state[f"losses/{loss.name}/{variable.name}"] = variable
        return state

    @property
    def training_state(self) -> dict[str, keras.Variable]:
        """What a training needs beside networks and progress to go on."""
        optimizer = {
            f"optimizer/{i}": variable
            for i, variable in enumerate(self.optimizer.variables)
        }
        return {**self._random_states(), **optimizer}

    @property
    def optimizers(self) -> dict[str, dict]:
        """Each player's optimizer, as a config: the compiled one, if any."""
        if not self.compiled:
            return copy.deepcopy(dict(self._default_optimizer))
        return self.optimizer.get_config()["optimizers"]

    @property
    def data_shape(self) -> tuple[int, ...]:
        """Shape of one sample of data."""
        return self.spec.shape

    @property
    def data_range(self) -> tuple[float, float] | None:
        """`(low, high)` of the data, or `None`."""
        return self.spec.range

    @property
    def latent_shape(self) -> tuple[int, ...]:
        """Shape of one code."""
        return tuple(self.generator.input_shape[1:])

    @property
    def noise_shape(self) -> tuple[int, ...]:
        """Shape of one draw from the prior."""
        if isinstance(self.prior, keras.Model):
            return tuple(self.prior.input_shape[1:])
        return self.latent_shape

    def _draw(self, count):
        """Noise for a training step, from the model's own seed."""
        if self.prior is None:
            return None
        kind = self.prior if isinstance(self.prior, str) else "normal"
        return self._random(kind, (count, *self.noise_shape))

    def _random(self, kind, shape):
        """Random numbers of a training step, from the model's own seed."""
        return drawn(lambda s: PRIORS[kind](s, self.seed_generator), shape)

    # === Training ===

    def compile(
        self,
        optimizer=None,
        *,
        metrics: list | None = None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: bool | str = "auto",
        auto_scale_loss: bool = True,
    ):
        """Gives each player its optimizer and readies the model for `fit`.

        Calling it is optional: `fit` does it with the recipe's own optimizer.
        The variables that are trained are those that are trainable now, and
        what is paid is what the losses weigh now.

        Args:
            optimizer: an optimizer or its name, of which each player gets its
                own copy; a dict of player (`"generator"`, `"encoder"`,
                `"discriminator"`, `"latent_discriminator"`, `"prior"`) to
                optimizer; or `None` (default) for the model's own. Each
                player's is then found as `model.optimizer["generator"]`.
            metrics: list of `keras_aegan.metrics.SampleMetric`, which compare
                what the model makes with data in `evaluate`, and in `fit` with
                its validation data. They are no part of a saved model.
            run_eagerly: whether to run each step uncompiled, for debugging.
            steps_per_execution: batches a call, between which no callback
                runs: one compiled loop on TensorFlow and JAX (but for
                convolutions on JAX's CPU), a plain one on PyTorch. Best a
                multiple of the penalties' `interval`.
            jit_compile: whether to compile with XLA; `"auto"` leaves the
                choice to Keras. Not on PyTorch, whose `torch.compile` cannot
                differentiate twice, as the penalties need.
            auto_scale_loss: whether each player's loss is scaled dynamically
                under `mixed_float16`.

        Example:

        ```python
        model.compile(keras.optimizers.Adam(2e-4, beta_1=0.0))
        model.compile({"generator": "adam", "encoder": "adam",
                       "discriminator": keras.optimizers.Adam(5e-4)})
        model.compile(metrics=[metrics.FrechetDistance("mnist")])
        ```
        """
        self._check_metrics(metrics or ())
        _check_positive("steps_per_execution", steps_per_execution)
        if jit_compile is True and keras.backend.backend() == "torch":
            raise ValueError(
                "jit_compile=True is not supported on the PyTorch backend: "
                "torch.compile cannot differentiate twice, as the penalties "
                "need. Leave it at 'auto'."
            )
        for seat, network in self._seated().items():
            if network.trainable_variables and seat not in self._paying():
                raise ValueError(
                    f"The {seat} was frozen when this model was made, and is "
                    "no player in it. Freeze it again, or make the model with "
                    f"`{seat}.trainable = True`."
                )
        owned = {
            player: variables
            for player in self._paying()
            if (variables := getattr(self, player).trainable_variables)
        }
        if not owned:
            raise ValueError(
                "No network has trainable variables. Set `trainable = True` "
                "on one of them before `compile`."
            )
        check_unshared(owned)
        check_precise(owned)
        for average in self.averages.values():
            average.check()
        if optimizer is None:
            optimizer = {
                player: self._default_optimizer[player] for player in owned
            }
        with self._placed():
            if not isinstance(optimizer, PlayerOptimizers):
                optimizer = PlayerOptimizers(
                    player_optimizers(
                        optimizer,
                        list(owned),
                        auto_scale_loss
                        and self.dtype_policy.name == "mixed_float16",
                    )
                )
            optimizer.build_players(owned)
        self.payments = MappingProxyType(self._owed_now())
        if self.updates == "one_stage":
            check_verdicts(self._seated(), optimizer, owned)
        self.owned = MappingProxyType(owned)
        # Not as a list: Keras would compute them in each compiled step.
        self.sample_metrics = MappingProxyType(
            {metric.name: metric for metric in metrics or ()}
        )
        self.players = list(owned)
        self.stateful = MappingProxyType({id(v): v for v in self.variables})
        self.tracker.choose(
            [f"{player}_loss" for player in owned]
            + [t for loss in self._owed(owned) for t in loss.terms()]
        )
        super().compile(
            optimizer=optimizer,
            run_eagerly=run_eagerly,
            steps_per_execution=steps_per_execution,
            jit_compile=jit_compile,
            auto_scale_loss=False,
        )
        self._jit_compile_asked = jit_compile
        # A game has no single loss; Keras would log a constant 0.
        self._loss_tracker = None

    def save(self, filepath, *args, **kwargs):
        """Saves the model as a `.keras` file; see `keras.Model.save`.

        Args:
            filepath: the file, which ends in `.keras`.
            *args: as in `keras.Model.save`.
            **kwargs: as in `keras.Model.save`.

        Raises:
            ValueError: for an HDF5 file, which Keras could not load again.
        """
        if str(filepath).endswith((".h5", ".hdf5")):
            raise ValueError(
                "An HDF5 file cannot hold a game of several networks. Save to "
                "a path that ends in `.keras`, the weights alone by "
                f"`save_weights`, or a preset. Received: filepath={filepath}"
            )
        return super().save(filepath, *args, **kwargs)

    def get_compile_config(self):
        # Frozen or freed since, it could not be compiled like that again.
        if not self.compiled or self._changed_players():
            return {}
        config = super().get_compile_config()
        names = ("optimizer", "run_eagerly", "steps_per_execution")
        config = {name: config[name] for name in names}
        # Not what "auto" became here: it may be another elsewhere.
        return {**config, "jit_compile": self._jit_compile_asked}

    def compile_from_config(self, config):
        self.compile(**keras.saving.deserialize_keras_object(config))

    def fit(
        self,
        x=None,
        y=None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose="auto",
        callbacks=None,
        **kwargs,
    ):
        """Trains the players, as `keras.Model.fit` does.

        Args:
            x: data of shape `(samples, *data_shape)` in the model's
                `data_range`: a NumPy array or tensor, or a `tf.data.Dataset`,
                `keras.utils.PyDataset`, PyTorch `DataLoader` or generator of
                batches `x`, `(x,)` or `(x, y)`. It is checked before it is
                used; labels are ignored.
            y: labels, ignored.
            batch_size: samples a batch, of an array, on all devices together;
                32 by default.
            epochs: how often the data are gone through, 1 by default.
            verbose: as in `keras.Model.fit`.
            callbacks: as in `keras.Model.fit`. With several processes of
                PyTorch they run in the first alone.
            **kwargs: as in `keras.Model.fit` (`validation_data` ...), but for
                `class_weight` and `sample_weight`, which a game has no use for.

        Returns:
            A `keras.callbacks.History` with each player's loss
            (`generator_loss` ...) and each term by its name.
        """
        _refuse_weights(kwargs)
        callbacks = getattr(callbacks, "callbacks", callbacks)
        callbacks = keras.tree.flatten(callbacks or [])
        for callback in callbacks:
            if isinstance(callback, keras.callbacks.TerminateOnNaN):
                raise ValueError(
                    "TerminateOnNaN watches a log named 'loss', which a game "
                    "does not have, and would do nothing. Use "
                    "EarlyStopping(monitor='generator_loss', mode='min', "
                    "patience=...), which NaN stops."
                )
        order = EpochOrder()
        as_compiled = keras.callbacks.LambdaCallback(
            on_epoch_begin=lambda epoch, logs=None: self._check_owned()
        )
        # Last: what another callback changes counts too.
        callbacks = [*callbacks, order, as_compiled]
        if self.compiled:
            self._check_readable(kwargs.get("validation_data"))
        callbacks, verbose = self._called_back(callbacks, verbose, x)
        if any(
            type(loss).after_epoch is not Loss.after_epoch
            for loss in self.objectives
        ):
            callbacks = [self._epochs(), *callbacks]
        if not self.compiled:
            self.compile()
        self._check_owned()
        x, kwargs = _without_split(self.spec.checked(x), kwargs)
        batch_size = _array_batch(x, batch_size)
        if kwargs.get("validation_data") is not None:
            refuse_sample_weights(kwargs["validation_data"])
            validation = without_labels(kwargs["validation_data"])
            kwargs["validation_data"] = self.spec.checked(validation)
            size = kwargs.get("validation_batch_size") or batch_size
            kwargs["validation_batch_size"] = _array_batch(validation, size)
        # Keras would begin where an earlier `fit` went on from a backup.
        self._initial_epoch = None
        return super().fit(
            epochs=epochs,
            verbose=verbose,
            callbacks=callbacks,
            **self._in_order(order, x=x, batch_size=batch_size, **kwargs),
        )

    def _epochs(self):
        """A callback that tells losses that an epoch ended.

        It comes first, so that what the others save is that of the epoch.
        """

        def after_epoch(epoch, logs=None):
            for loss in self.objectives:
                loss.after_epoch()

        return keras.callbacks.LambdaCallback(on_epoch_end=after_epoch)

    def evaluate(
        self,
        x=None,
        y=None,
        batch_size: int | None = None,
        verbose="auto",
        *,
        steps: int | None = None,
        return_dict: bool = False,
        **kwargs,
    ):
        """Every term and every player's loss on data, without training.

        The averaged networks are judged where there are any, since they are
        what the model is used with; penalties are computed on every batch.
        The metrics that `compile` was given come after it, in a pass of their
        own over the data; samples are always made of the same noise.

        Args:
            x: as in `fit`; with metrics no generator, which can be read once.
            y: labels, ignored.
            batch_size: samples a batch, of an array; 32 by default.
            verbose: as in `keras.Model.evaluate`.
            steps: batches to read at most. Defaults to all.
            return_dict: whether to return a dict by name.
            **kwargs: as in `keras.Model.evaluate` (`callbacks`).

        Returns:
            A list of values in the order of their names, or with
            `return_dict=True` a dict.
        """
        _refuse_weights(kwargs)
        if not self.compiled:
            self.compile()
        self._check_readable(x)
        if not kwargs.get("_use_cached_eval_dataset"):
            x = self.spec.checked(x)
        batch_size = _array_batch(x, batch_size)
        found = super().evaluate(
            x,
            None,
            batch_size,
            verbose,
            steps=steps,
            return_dict=True,
            **kwargs,
        )
        found |= self._measured(x, batch_size, steps)
        return found if return_dict else [found[name] for name in sorted(found)]

    def _measured(self, x, batch_size, steps):
        """The metrics of what the model makes beside some data."""
        metrics = self.sample_metrics.values()
        if not metrics:
            return {}
        for metric in metrics:
            metric.reset_state()
        wanted = {metric.made for metric in metrics}
        noise = np.random.default_rng(0)
        batches = self.spec.batches(x, batch_size)
        for batch in itertools.islice(batches, steps):
            size = len(batch)
            made = {}
            if "generated" in wanted:
                made["generated"] = self.generate(size, noise, size)
            if "reconstructed" in wanted:
                made["reconstructed"] = self.reconstruct(batch, size)
            for metric in metrics:
                metric.update_state(batch, made[metric.made])
        found = {}
        for metric in metrics:
            try:
                result = metric.result()
            except ValueError as error:
                raise ValueError(
                    f"The metric {metric.name} has no value on these data. "
                    f"{error}"
                ) from error
            found |= (
                result if isinstance(result, dict) else {metric.name: result}
            )
        return found

    def train_on_batch(self, x, y=None, **kwargs):
        """One training step on one batch; see `fit`."""
        _refuse_weights(kwargs)
        if not self.compiled:
            self.compile()
        self._check_owned()
        self.spec.check(x)
        return super().train_on_batch(x, **kwargs)

    def test_on_batch(self, x, y=None, **kwargs):
        """Every term on one batch; see `evaluate`."""
        _refuse_weights(kwargs)
        if not self.compiled:
            self.compile()
        self.spec.check(x)
        return super().test_on_batch(x, **kwargs)

    def call(self, inputs, training=False):
        """Reconstructs data, in their own range; without an encoder, scores.

        It is what `predict` returns. A model without an encoder and without a
        discriminator has nothing to say of data.
        """
        data = self.spec.to_networks(inputs)
        if self.encoder is None:
            return self._seat("discriminator", "call")(data, training=False)
        codes = _mean(self.used("encoder")(data, training=False))
        decoded = self.used("generator")(codes, training=False)
        return self.spec.from_networks(decoded)

    def _check_readable(self, x):
        """Refuses data that metrics cannot read a second time."""
        if self.sample_metrics and hasattr(x, "__next__"):
            raise ValueError(
                "Metrics of samples read the data again, after the losses, "
                "and a generator can be read once. Pass an array, a dataset or "
                "a data loader."
            )

    def _check_metrics(self, metrics):
        """Refuses now what would end a training after its first epoch."""
        names = set()
        for metric in metrics:
            if not hasattr(metric, "made"):
                raise ValueError(
                    "Expected metrics of keras_aegan.metrics, such as "
                    "FrechetDistance(): Keras's own compare predictions with "
                    f"labels, which a game has not. Received: {metric!r}"
                )
            if metric.name in names:
                raise ValueError(
                    f"Two metrics are named '{metric.name}', of which one "
                    "would be lost. Give one of them another name: `name=...`."
                )
            names.add(metric.name)
            if metric.made == "reconstructed":
                self._seat("encoder", metric.name)
            elif self.prior is None:
                raise ValueError(
                    f"The metric {metric.name} draws samples, which a model "
                    "with prior=None does after `fit_sampler` alone. Fit the "
                    "sampler first, or leave the metric out."
                )
            # Some have their data's range from what extracts features.
            known = getattr(metric, "extractor", metric)
            if isinstance(self.spec, TokenSpec) and hasattr(
                known, "data_range"
            ):
                raise ValueError(
                    f"The metric {metric.name} is of quantities, and token ids "
                    "are names: no distance or error of them means anything. "
                    "Leave it out, and compare `model.reconstruct(x)` with x."
                )
            told = getattr(known, "data_range", self.data_range)
            if told != self.data_range:
                raise ValueError(
                    f"The metric {metric.name} is for data_range={told}, and "
                    f"the model's data are of another: pass it data_range="
                    f"{self.data_range}."
                )

    def _check_owned(self):
        """Refuses a training that is not what was compiled."""
        for player in self._changed_players():
            raise ValueError(
                f"The trainable variables of the {player} changed since "
                "`compile()`. Call `compile()` again, and then `fit`."
            )
        if self._owed_now() != self.payments:
            raise ValueError(
                "The weight of a loss changed since `compile()`. Call "
                "`compile()` again, and then `fit`: within one it stays as it "
                "is."
            )

    def _owed_now(self):
        """The payments with the weights that the losses have by now."""
        return {
            term: {player: payers[player] for player in self.payments[term]}
            for loss in self.objectives
            for term, payers in loss.terms().items()
        }

    def _changed_players(self):
        """The players that were frozen or freed, in part, since `compile`."""

        def ids(variables):
            return [id(v) for v in variables]

        return [
            seat
            for seat, network in self._seated().items()
            if ids(network.trainable_variables) != ids(self.owned.get(seat, []))
        ]

    def _check_updates(self):
        if not isinstance(self.updates, str):
            moving = {player for turn in self.updates for player in turn}
            # A frozen one may be named: it was a player, or shall be.
            named = set(self._paying()) <= moving <= set(self._seated())
            if not named or self.steps:
                raise ValueError(
                    "Expected the turns of updates to name each of the players "
                    f"{self._paying()}, and no steps. Received: updates="
                    f"{self.updates}, steps={dict(self.steps)}"
                )
        elif self.updates not in _UPDATES:
            raise ValueError(
                f"Expected updates to be one of {_UPDATES} or a list of turns. "
                f"Received: updates={self.updates!r}"
            )
        for player, count in self.steps.items():
            if player not in self._seated():
                raise ValueError(
                    "Expected steps to be a dict of player to its number of "
                    f"steps, with the players {self._paying()}. Received: "
                    f"steps={dict(self.steps)}"
                )
            if not isinstance(count, int) or count < 1:
                raise ValueError(
                    "Expected a player's steps to be a whole number, 1 or "
                    f"more. Received: steps={dict(self.steps)}"
                )
        if self.updates != "alternating" and set(self.steps.values()) - {1}:
            raise ValueError(
                f"With {self.updates} updates every player makes one step a "
                "batch. Use updates='alternating'. Received: "
                f"steps={dict(self.steps)}"
            )
        if self.updates == "one_stage":
            check_one_stage(self._seated(), self.objectives)

    # === Verbs ===

    def generate(
        self,
        n: int = 1,
        seed: int | np.random.Generator | None = None,
        batch_size: int = 64,
        out: np.ndarray | str | os.PathLike | None = None,
        verbose: int = 0,
    ) -> np.ndarray | pathlib.Path:
        """New samples from the prior.

        They are made and put where they belong batch by batch: a million of
        them need the memory of two batches beside their own place.

        Args:
            n: number of samples.
            seed: integer; the same seed gives the same samples, on any
                backend. Random by default. Or a `numpy.random.Generator`.
            batch_size: samples computed at a time.
            out: where the samples go; by default a new array. A writable
                array of their shape and dtype, such as a `numpy.memmap`, is
                filled. A path that ends in `.npy` is written as such a file,
                which is there only once it is whole. Any other path is a new
                or empty folder that gets a PNG picture a sample, in 8 bits,
                named by its number; after an interruption it has the first
                ones, each whole.
            verbose: 1 for a progress bar.

        Returns:
            An array `(n, *data_shape)` in the data's range and dtype: a new
            one, `out`, or the file's, read-only and read as it is used. For
            pictures the folder's `pathlib.Path`.

        Raises:
            ValueError: if the codes follow no known distribution, or `out` is
                not for these samples.
            ImportError: for pictures, if Pillow is not installed.

        Example:

        ```python
        pictures = model.generate(16, seed=0)
        many = model.generate(1_000_000, batch_size=256, out="many.npy")
        ```
        """
        random = np.random.default_rng(seed)
        batches = (
            self.decode(self.sample_codes(size, random, batch_size), batch_size)
            for size in batch_sizes(n, batch_size)
        )
        return collect(
            watched(batches, n, verbose),
            (int(n), *self.data_shape),
            self.spec.dtype,
            out,
            self.data_range,
        )

    def sample_codes(
        self,
        n: int = 1,
        seed: int | np.random.Generator | None = None,
        batch_size: int = 64,
    ) -> np.ndarray:
        """New codes from the prior, which `generate` makes samples of.

        Args:
            n: number of codes.
            seed: as in `generate`: `decode(sample_codes(n, seed))` is
                `generate(n, seed)`.
            batch_size: codes computed at a time, by a prior that is a network.

        Returns:
            A float32 array `(n, *latent_shape)`.

        Raises:
            ValueError: if the codes follow no known distribution.
        """
        if not isinstance(n, (int, np.integer)) or n < 1:
            raise ValueError(
                f"Expected n to be a whole number, 1 or more. Received: n={n}"
            )
        if self.prior is None:
            raise ValueError(
                "The codes of this model follow no known distribution, so "
                "there is nothing to generate from. Fit one to the codes of "
                "your data: `model.fit_sampler('gmm', x)`."
            )
        kind = self.prior if isinstance(self.prior, str) else "normal"
        codes = sample_noise(kind, (n, *self.noise_shape), seed)
        if isinstance(self.prior, keras.Model):
            codes = _run(self.used("prior"), codes, batch_size)
        return codes

    def fit_sampler(
        self,
        kind: str,
        x,
        components: int = 10,
        seed: int | None = None,
        batch_size: int = 64,
    ) -> None:
        """Fits a distribution to the codes of data, to generate from.

        For models whose codes follow no prior, or not well enough. What is
        fitted takes the prior's seat as a frozen network and is saved with the
        model. Training moves the codes: fit it again after more of it.

        Args:
            kind: `"gaussian"`, with a full covariance, or `"gmm"`, a mixture
                of them (needs scikit-learn, `pip install
                "keras-aegan[sklearn]"`).
            x: `(n, *data_shape)` in the data's range, many more samples than
                values in a code.
            components: of the mixture.
            seed: integer seed of the mixture's start; random by default.
            batch_size: samples encoded at a time.

        Raises:
            ValueError: if the model has no encoder or trains a prior of its
                own, or for bad data.

        Example:

        ```python
        model.fit_sampler("gmm", images)
        pictures = model.generate(16)
        ```

        Reference:
            - [From Variational to Deterministic Autoencoders](
              https://arxiv.org/abs/1903.12436), section 4
        """
        self._seat("encoder", "fit_sampler")
        if isinstance(self.prior, keras.Model) and self.prior.trainable_weights:
            raise ValueError(
                "This model trains a prior of its own, which `generate` uses. "
                "`fit_sampler` is for models without one."
            )
        codes = self.encode(x, batch_size)
        prior = fit_prior(codes, kind, components, seed)
        for network in (self.prior, self.ema_prior):
            if isinstance(network, keras.Model):
                # Keras would keep it, and its weights in every file.
                self._tracker.untrack(network)
        self.prior, self.ema_prior = prior, None
        # On TensorFlow they would go on with the prior before.
        self.train_function = self.test_function = None

    def decode(self, codes, batch_size: int = 64) -> np.ndarray:
        """Codes to data.

        Args:
            codes: `(n, *latent_shape)`.
            batch_size: codes computed at a time.

        Returns:
            An array `(n, *data_shape)` in the data's range and dtype.
        """
        codes = self._checked_codes(codes)
        decoded = _run(self.used("generator"), codes, batch_size)
        return self._finish(decoded)

    def encode(self, x, batch_size: int = 64) -> np.ndarray:
        """Data to codes.

        Args:
            x: `(n, *data_shape)` in the data's range.
            batch_size: samples computed at a time.

        Returns:
            A float32 array `(n, *latent_shape)`; the means, from an encoder
            that gives distributions.

        Raises:
            ValueError: if the model has no encoder, or for bad data.
        """
        encoder = self._seat("encoder", "encode")
        x = ops.convert_to_numpy(x)
        self.spec.check(x)
        return _mean(_run(encoder, x, batch_size, self.spec.to_networks))

    def reconstruct(self, x, batch_size: int = 64) -> np.ndarray:
        """Data to codes and back.

        Args:
            x: `(n, *data_shape)` in the data's range.
            batch_size: samples computed at a time.

        Returns:
            An array of the shape, range and dtype of `x`.

        Raises:
            ValueError: if the model has no encoder, or for bad data.
        """
        self._seat("encoder", "reconstruct")
        x = ops.convert_to_numpy(x)
        _, decoded = self._round_trip(x, batch_size)
        return self._finish(decoded, x.dtype)

    def judge(self, x, batch_size: int = 64) -> tuple:
        """The discriminator's judgement of reconstructions and of data.

        Args:
            x: `(n, *data_shape)` in the data's range.
            batch_size: samples computed at a time.

        Returns:
            `D(G(E(x)))` and `D(x)`, two float32 arrays: scores, or, from an
            autoencoder, reconstructions in -1 to 1; dicts of arrays from a
            discriminator that gives several results by name.

        Raises:
            ValueError: if the model has no encoder or no discriminator, or
                for bad data.
        """
        discriminator = self._seat("discriminator", "judge")
        x = ops.convert_to_numpy(x)
        _, again = self._round_trip(x, batch_size)
        prepare = self.spec.to_networks
        return (
            _run(discriminator, again, batch_size),
            _run(discriminator, x, batch_size, prepare),
        )

    def anomaly_score(
        self,
        x,
        kind: str | None = None,
        kappa: float = 1.0,
        batch_size: int = 64,
    ) -> np.ndarray:
        """How badly the model knows each sample, after training on normal ones.

        With `x~ = G(E(x))`, in the networks' range, each a mean over the
        values:

        | kind | score |
        |---|---|
        | `"reconstruction"` | `|x - x~|^2` |
        | `"features"` | `|l(x) - l(x~)|^2`, of the discriminator's features |
        | `"f_anogan"` | the first and `kappa` times the second |
        | `"latent"` | `|E(x) - E'(x~)|^2`, by the second encoder where there \
is one, else by the encoder again |
        | `"density"` | `-log p(E(x))`, of the distribution that `fit_sampler` \
fitted to the codes of normal data; no mean |

        A sample's score is its own: nothing is rescaled by the others.

        Args:
            x: `(n, *data_shape)` in the data's range.
            kind: one of the above; by default `"latent"` with a second
                encoder, else `"f_anogan"` with a discriminator that gives
                features, else `"reconstruction"`.
            kappa: weight of the features' error.
            batch_size: samples computed at a time.

        Returns:
            A float32 array `(n,)`: the higher, the less normal.

        Raises:
            ValueError: for an unknown kind, a model that lacks what it needs,
                or bad data.

        Example:

        ```python
        threshold = np.quantile(model.anomaly_score(normal), 0.95)
        is_odd = model.anomaly_score(images) > threshold
        ```

        Reference:
            - [f-AnoGAN](https://doi.org/10.1016/j.media.2019.01.010)
            - [GANomaly](https://arxiv.org/abs/1805.06725), equation 6
            - [DAGMM](https://openreview.net/forum?id=BJJLHbb0-), equation 6,
              for the density
        """
        critic = self.discriminator
        has_features = critic is not None and "features" in results_of(critic)
        if kind is None:
            kind = "f_anogan" if has_features else "reconstruction"
            kind = "latent" if self.second_encoder is not None else kind
        if kind not in _ANOMALIES:
            raise ValueError(
                f"Expected kind to be one of {_ANOMALIES}, or None for the "
                f"model's own. Received: kind={kind!r}"
            )
        if kind in ("features", "f_anogan") and not has_features:
            raise ValueError(
                f"kind={kind!r} compares the discriminator's features. "
                "Received: a model whose discriminator gives none. Build it "
                "with `outputs=('score', 'features')`."
            )
        self._seat("encoder", "anomaly_score")
        x = ops.convert_to_numpy(x)
        if kind == "density":
            if not is_fitted(self.prior):
                raise ValueError(
                    "kind='density' asks the distribution of normal codes, "
                    "and none was fitted to this model's. Fit one: "
                    "`model.fit_sampler('gmm', normal)`."
                )
            codes = self.encode(x, batch_size)
            return -log_density(self.prior, codes).astype("float32")
        codes, again = self._round_trip(x, batch_size)
        if kind == "latent":
            seat = "encoder" if self.second_encoder is None else _SECOND
            recovered = _run(self.used(seat), again, batch_size)
            return _means(np.square(codes - _mean(recovered)))
        score = np.zeros(len(x), "float32")
        if kind != "features":
            score += _means(self._squared_errors(x, again))
        if kind != "reconstruction":
            prepare = self.spec.to_networks
            judged = _run(critic, x, batch_size, prepare)["features"]
            judged_again = _run(critic, again, batch_size)["features"]
            weight = 1.0 if kind == "features" else kappa
            score += weight * _means(np.square(judged - judged_again))
        return score

    def anomaly_map(self, x, batch_size: int = 64) -> np.ndarray:
        """Where in each picture the model is at a loss.

        The error `|x - G(E(x))|^2` of each pixel, a mean over its channels, in
        the networks' range. A map's mean is the picture's
        `anomaly_score(x, kind="reconstruction")`.

        Args:
            x: `(n, height, width, channels)` in the data's range.
            batch_size: samples computed at a time.

        Returns:
            A float32 array `(n, height, width)`, 0 or more: the higher, the
            less normal the pixel.

        Raises:
            ValueError: if the data are no pictures, the model has no encoder,
                or for bad data.

        Example:

        ```python
        row, column = np.unravel_index(
            model.anomaly_map(image[None])[0].argmax(), image.shape[:2]
        )
        ```
        """
        if len(self.data_shape) != 3:
            raise ValueError(
                "A map is of pictures: expected a model of data (height, "
                f"width, channels). Received: data {self.data_shape}. Use "
                "`anomaly_score`, which is of any data."
            )
        self._seat("encoder", "anomaly_map")
        x = ops.convert_to_numpy(x)
        _, again = self._round_trip(x, batch_size)
        return self._squared_errors(x, again).mean(axis=-1)

    def interpolate(self, a, b, steps: int = 8) -> np.ndarray:
        """The way from samples to other samples, through their codes.

        Along the great circle where the prior is normal or a sphere, where a
        straight line would leave the shell that the codes lie on; straight
        otherwise.

        Args:
            a: `(n, *data_shape)`, where the ways start.
            b: `(n, *data_shape)`, where they end.
            steps: samples on each way, both ends included.

        Returns:
            An array `(n, steps, *data_shape)` in the range and dtype of `a`.

        Raises:
            ValueError: if the model has no encoder, or for bad data.
        """
        self._seat("encoder", "interpolate")
        if not isinstance(steps, (int, np.integer)) or steps < 2:
            raise ValueError(
                "Expected steps to be a whole number, 2 or more. Received: "
                f"steps={steps}"
            )
        a, b = ops.convert_to_numpy(a), ops.convert_to_numpy(b)
        if a.shape != b.shape:
            raise ValueError(
                "Expected a and b of one shape. Received: "
                f"{a.shape} and {b.shape}"
            )
        codes = interpolate_codes(
            self.encode(a), self.encode(b), steps, self.prior
        )
        flat = codes.reshape(-1, *self.latent_shape)
        decoded = self._finish(_run(self.used("generator"), flat, 64), a.dtype)
        return decoded.reshape(len(a), steps, *self.data_shape)

    def attribute_direction(
        self, x, labels, batch_size: int = 64
    ) -> np.ndarray:
        """Where codes go as samples get an attribute, for `edit`.

        From the mean code of the samples without it to that of those with it.
        What else differs between the two, on average, goes along: give samples
        that are alike in all else, or many.

        Args:
            x: `(n, *data_shape)` in the model's `data_range`.
            labels: `(n,)`, true or 1 for the samples that have the attribute,
                false or 0 for those that do not.
            batch_size: samples computed at a time.

        Returns:
            A float32 array of the shape of one code.

        Raises:
            ValueError: if the model has no encoder, for bad data, and for
                labels that are not of two kinds or not one a sample.

        Example:

        ```python
        hat = model.attribute_direction(faces, has_hat)
        with_hats = model.edit(faces[~has_hat], hat)
        ```

        Reference:
            - [Autoencoding beyond pixels using a learned similarity metric](
              https://arxiv.org/abs/1512.09300), section 4.2
        """
        self._seat("encoder", "attribute_direction")
        labels = np.asarray(ops.convert_to_numpy(labels))
        if labels.shape != (len(x),) or set(np.unique(labels)) != {0, 1}:
            raise ValueError(
                "Expected labels of 0 and 1 (or of false and true), one for "
                f"each of the {len(x)} samples, and some of both. Received: "
                f"shape {labels.shape} with the values "
                f"{np.unique(labels)[:5].tolist()}"
            )
        has, codes = labels.astype(bool), self.encode(x, batch_size)
        return codes[has].mean(axis=0) - codes[~has].mean(axis=0)

    def edit(
        self, x, attribute, strength: float = 1.0, batch_size: int = 64
    ) -> np.ndarray:
        """Samples with more of an attribute: `G(E(x) + strength attribute)`.

        Args:
            x: `(n, *data_shape)` in the model's `data_range`.
            attribute: a direction of codes, as of `attribute_direction`.
            strength: how far to go. 1 is as far as samples with and without
                the attribute are apart, below 0 takes it away, 0 reconstructs.
            batch_size: samples computed at a time.

        Returns:
            An array `(n, *data_shape)` in the range and dtype of `x`.

        Raises:
            ValueError: if the model has no encoder, or for bad data, a
                direction of another shape or a strength that is not finite.
        """
        self._seat("encoder", "edit")
        attribute = self._checked_codes(np.asarray(attribute)[None])
        if not isinstance(strength, numbers.Real) or not np.isfinite(strength):
            raise ValueError(
                "Expected strength to be a finite number. Received: "
                f"strength={strength!r}"
            )
        codes = self.encode(x, batch_size) + np.float32(strength) * attribute
        if self.prior == "sphere":
            codes = on_sphere(codes)
        decoded = _run(self.used("generator"), codes, batch_size)
        return self._finish(decoded, ops.convert_to_numpy(x).dtype)

    def _round_trip(self, x, batch_size):
        """`E(x)` and `G(E(x))` of the user's data, in the networks' range."""
        codes = self.encode(x, batch_size)
        return codes, _run(self.used("generator"), codes, batch_size)

    def _squared_errors(self, x, again):
        """Each value's error, of the user's data and of `G(E(x))`."""
        return np.square(ops.convert_to_numpy(self.spec.to_networks(x)) - again)

    def _finish(self, decoded, dtype=None):
        decoded = ops.convert_to_numpy(self.spec.from_networks(decoded))
        return self.spec.finish(decoded, dtype)

    def _checked_codes(self, codes):
        codes = np.asarray(ops.convert_to_numpy(codes), "float32")
        if codes.shape[1:] != self.latent_shape or not len(codes):
            raise ValueError(
                "Expected codes of shape (n, "
                f"{', '.join(map(str, self.latent_shape))}) with n of 1 or "
                f"more. Received: shape {codes.shape}"
            )
        if not np.isfinite(codes).all():
            raise ValueError(
                "Expected finite codes. Received: codes with NaN or infinity."
            )
        return codes

    # === Saving ===

    def _random_states(self):
        random = [v for v in self.variables if v.name == "seed_generator_state"]
        return {f"random_{i}": v for i, v in enumerate(random)}

    def _own_state(self):
        """What Keras would not save: random states, beside the step."""
        return {"step": self.step, **self._random_states()}

    def save_own_variables(self, store):
        for name, variable in self._own_state().items():
            store[name] = variable.numpy()

    def load_own_variables(self, store):
        state = self._own_state()
        if set(store.keys()) != set(state):
            raise ValueError(
                "The file is of another model: expected the state "
                f"{sorted(state)}. Received: {sorted(store.keys())}"
            )
        for name, variable in state.items():
            variable.assign(store[name])

    def get_config(self):
        config = super().get_config()
        serialize = keras.saving.serialize_keras_object
        config.update(
            {seat: serialize(net) for seat, net in self._seated().items()}
        )
        if not isinstance(self.prior, keras.Model):
            config["prior"] = self.prior
        config.update(
            losses=[serialize(loss) for loss in self.objectives],
            updates=self.updates
            if isinstance(self.updates, str)
            else [list(turn) for turn in self.updates],
            steps=dict(self.steps),
            ema_momentum=self.ema_momentum,
            averaged=list(self.averages),
            **self.data_settings,
            optimizer=copy.deepcopy(dict(self._default_optimizer)),
            seed=self.seed,
        )
        return config

    @classmethod
    def from_config(cls, config, custom_objects=None):
        config = dict(config)
        momentum = config.pop("ema_momentum")
        averaged = [
            seat
            for seat in config.pop("averaged", ("generator", "encoder"))
            if config.get(seat)
        ]
        # What starts blank is about to be loaded, and its average with it.
        blank = [seat for seat in averaged if is_blank(config[seat])]

        def revive(value):
            """What is serialised; a network or loss may be given as it is."""
            if not isinstance(value, dict):
                return value
            return keras.saving.deserialize_keras_object(
                value, custom_objects=custom_objects
            )

        for seat in _SEATS:
            if seat in config:
                config[seat] = revive(config[seat])
        config["losses"] = [revive(loss) for loss in config["losses"]]
        model = cls(**config, ema_momentum=None)
        if momentum is not None:
            model._start_averages(momentum, averaged, blank)
        return model

    @classmethod
    def from_preset(
        cls,
        preset: str | os.PathLike,
        load_weights: bool = True,
        *,
        revision: str | None = None,
        token: str | bool | None = None,
        cache_dir: str | os.PathLike | None = None,
        local_files_only: bool = False,
        variant: str | None = None,
        dtype: str | None = None,
        **overrides,
    ) -> "AEGAN":
        """A model from a preset.

        Args:
            preset: the name of a bundled preset (`AEGAN.presets` lists them);
                `"hf://OWNER/NAME"` or `"hf://OWNER/NAME@REVISION"` on the
                Hugging Face Hub; or a folder that `save_to_preset` wrote, as
                a path: `"./mine"` or a `pathlib.Path`.
            load_weights: whether to load the weights; `False` gives the
                architecture with fresh ones.
            revision: branch, tag or commit, for a preset on the Hub.
            token: for a private or gated one, if not logged in with `hf auth
                login`.
            cache_dir: folder for files of the Hub; the Hub client's cache by
                default.
            local_files_only: whether to use that cache without asking the Hub.
            variant: `"ema"` (default where there are averages) or `"raw"`, the
                networks without averages.
            dtype: dtype or policy to compute in instead of float32, such as
                `"mixed_bfloat16"`.
            **overrides: arguments of this class instead of the preset's, such
                as `seed`, `losses`, or a network of your own.

        Returns:
            An `AEGAN`, ready to generate and to go on training.

        Raises:
            TypeError: for what is no name and no path, or an unknown argument.
            ValueError: of its kinds in `keras_aegan.hub`: for an unknown name
                (with close matches), repository or revision; no access or no
                connection; or a preset that is damaged, of a newer version, or
                names code that is neither Keras's nor this package's.

        Example:

        ```python
        model = AEGAN.from_preset("aegan_mnist")
        model = AEGAN.from_preset("hf://me/mine@v1", variant="raw")
        ```
        """
        from keras_aegan.hub import load_preset

        return load_preset(
            preset,
            load_weights=load_weights,
            revision=revision,
            token=token,
            cache_dir=cache_dir,
            local_files_only=local_files_only,
            variant=variant,
            dtype=dtype,
            expected_class=cls,
            **overrides,
        )

    def save_to_preset(
        self,
        folder: str | os.PathLike,
        metadata: dict | None = None,
        *,
        include_optimizer: bool = False,
        dtype: str | None = None,
        max_shard_size: int | str = "5GB",
    ):
        """Writes the model as a preset: configuration, weights and card.

        The folder is written beside its place and moved there when it is
        whole.

        Args:
            folder: where to write; an older preset there is replaced.
            metadata: dict of facts for the card, such as `trained_on`,
                `command` and `measured`.
            include_optimizer: whether to keep the optimizers and random
                states too: `from_preset` then returns a model that is
                compiled and resumes the training exactly.
            dtype: `"bfloat16"` or `"float16"` for weights of half the size.
            max_shard_size: largest size of a weights file, in bytes or as
                `"5GB"`.

        Returns:
            The folder's `pathlib.Path`.
        """
        from keras_aegan.hub import save_preset

        return save_preset(
            self,
            folder,
            metadata=metadata,
            include_optimizer=include_optimizer,
            dtype=dtype,
            max_shard_size=max_shard_size,
        )

    def export(
        self,
        filepath: str | os.PathLike,
        format: str = "tf_saved_model",
        verbose: bool | None = None,
        input_signature=None,
        *,
        part: str = "generator",
        **kwargs,
    ) -> None:
        """Writes a part of the model as a program that runs without Keras.

        It takes and gives what the verb does, in batches of any size: the
        user's data, in their range and dtype, and codes. It has the averaged
        networks, where there are some, computes in float32 and checks nothing.
        It is written beside its place and moved there when it is whole; an
        earlier export of the same format there is replaced, nothing else.

        | format | written on | run by |
        |---|---|---|
        | `"tf_saved_model"`, a folder | TensorFlow, JAX | \
`tf.saved_model.load(path).serve(x)` |
        | `"onnx"`, a file | TensorFlow, JAX, PyTorch | \
`onnxruntime.InferenceSession(path)` |
        | `"torch"`, a file `.pt2` | PyTorch | \
`torch.export.load(path).module()(x)` |

        Args:
            filepath: the folder or file to write.
            format: one of those; `"tf_saved_model"` by default.
            verbose: whether to print what was written; `True` by default.
            input_signature: as in `keras.Model.export`, for another one than
                batches of any size.
            part: `"generator"` (default), which runs `decode`; `"encoder"`,
                `encode`; or `"reconstruction"`, `reconstruct`.
            **kwargs: as in `keras.Model.export`: options of the format.

        Raises:
            ValueError: for an unknown part, one whose seat is empty, a format
                that the backend has not, or a path where something else
                stands.
            ImportError: for a package that is missing, with the `pip install`
                that brings it.

        Example:

        ```python
        model.export("generator.onnx", "onnx")
        session = onnxruntime.InferenceSession("generator.onnx")
        (pictures,) = session.run(None, {"codes": model.sample_codes(16)})
        ```
        """
        if part not in PARTS:
            raise ValueError(
                f"Expected part to be one of {list(PARTS)}. Received: "
                f"part={part!r}"
            )
        for seat in PARTS[part]:
            self._seat(seat, "export")
        export_part(self, filepath, format, part, input_signature, **kwargs)
        if verbose is None or verbose:
            print(f"Exported the {part} to {filepath}")


def _array_batch(x, batch_size):
    """The batch size of an array, which Keras else takes from the steps."""
    if batch_size is None:
        return 32 if hasattr(x, "shape") else None
    _check_positive("batch_size", batch_size)
    return batch_size


def _check_positive(argument, value):
    if not isinstance(value, (int, np.integer)) or value < 1:
        raise ValueError(
            f"Expected {argument} to be a whole number, 1 or more. Received: "
            f"{argument}={value!r}"
        )


def _without_split(x, kwargs):
    """An array and `fit`'s arguments, the last of it as `validation_data`.

    By Keras's `validation_split`, which would leave TensorFlow the order.
    """
    share = kwargs.get("validation_split")
    if kwargs.get("validation_data") is not None or not hasattr(x, "shape"):
        return x, kwargs
    first = math.floor(len(x) * (1 - share)) if share else len(x)
    if not 0 < first < len(x):  # Keras says what is wrong, if it is.
        return x, kwargs
    split = {"validation_split": None, "validation_data": x[first:]}
    return x[:first], kwargs | split


def _refuse_weights(kwargs):
    for weight in ("class_weight", "sample_weight"):
        if kwargs.get(weight) is not None:
            raise ValueError(
                f"`{weight}` has no meaning in an adversarial game and is "
                "not supported. Repeat the samples that should count more."
            )


def _mean(encoding):
    """The codes that an encoder gives: of a distribution, its mean."""
    return encoding["mean"] if isinstance(encoding, dict) else encoding


def _means(values):
    """The mean of each sample."""
    return np.mean(values, axis=tuple(range(1, values.ndim)))


def _run(network, inputs, batch_size, prepare=None):
    """A network's outputs on all inputs, in batches, as float32.

    Keras's `predict` would read them through a pipeline of its own, which
    takes longer than the network and, on PyTorch, moves the random state that
    the order of training data comes from. The last batch is filled up to the
    others' size, so that it needs no compilation of its own; a single batch to
    the next power of two.
    """
    _check_positive("batch_size", batch_size)
    count = len(inputs)
    size = min(batch_size, 1 << (count - 1).bit_length())
    outputs = []
    for start in range(0, count, size):
        batch = inputs[start : start + size]
        missing = size - len(batch)
        if missing:
            filling = np.broadcast_to(batch[-1:], (missing, *batch.shape[1:]))
            batch = np.concatenate([batch, filling])
        batch = batch if prepare is None else prepare(batch)
        outputs.append(network.predict_on_batch(batch))
    return keras.tree.map_structure(
        lambda *parts: np.concatenate(parts)[:count].astype("float32"), *outputs
    )
