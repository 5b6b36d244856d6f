"""AEGAN: an autoencoder in a generative adversarial network, as one model."""

import copy
import itertools
import math
import os
from types import MappingProxyType

import keras
import numpy as np

from keras_aegan.counts import check_count
from keras_aegan.data import DataSpec, refuse_sample_weights, without_labels
from keras_aegan.export import PARTS, export_part
from keras_aegan.initializers import is_blank
from keras_aegan.losses import Loss
from keras_aegan.moving_average import MovingAverage
from keras_aegan.priors import PRIORS
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
from keras_aegan.training.tracker import Tracker
from keras_aegan.training.turns import CREATORS, CRITICS, check_updates
from keras_aegan.verbs import Verbs, mean_of

_SEATS = (*CREATORS, *CRITICS)
_AVERAGED = ("generator", "encoder", "second_encoder", "prior")


class _Presets:
    """`AEGAN.presets`: the bundled presets, without an instance."""

    def __get__(self, instance, owner):
        from keras_aegan.hub import bundled_presets

        return bundled_presets()


@keras.saving.register_keras_serializable(package="keras_aegan")
class AEGAN(Verbs, Trainer, keras.Model):
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
        check_updates(
            self.updates, dict(self.steps), self._seated(), self._paying()
        )
        if self.updates == "one_stage":
            check_one_stage(self._seated(), self.objectives)
        names = [f"{seat}_loss" for seat in self._paying()]
        self.tracker = Tracker([*names, *self.payments])

        # === State ===
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(
            seed, name="seed_generator"
        )
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
                choice to Keras. On PyTorch, `"auto"` records a step that was
                made 16 times and repeats it, with the same results in less
                time: what in it is no variable, such as an attribute of a
                loss, stays as it was then, as in a compiled step elsewhere.
                `True` compiles the record too, by `torch.compile`, with a C++
                compiler (on GPUs Triton) in half a minute for each kind of
                step. `False` does neither. Neither is done with several
                processes, nor where values of tensors decide what is computed.
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
        check_count("steps_per_execution", steps_per_execution)
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
            on_epoch_begin=lambda epoch, logs=None: self._begin_epoch()
        )
        # Last: what another callback changes counts too.
        callbacks = [*callbacks, order, as_compiled]
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
            self._check_measurable(validation)
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
        if not kwargs.get("_use_cached_eval_dataset"):
            given, x = x, self.spec.checked(x)
            self._check_measurable(given)
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
        codes = mean_of(self.used("encoder")(data, training=False))
        decoded = self.used("generator")(codes, training=False)
        return self.spec.from_networks(decoded)

    def _check_measurable(self, x):
        """Refuses data that metrics cannot read again, or that are too few."""
        if self.sample_metrics and hasattr(x, "__next__"):
            raise ValueError(
                "Metrics of samples read the data again, after the losses, "
                "and a generator can be read once. Pass an array, a dataset or "
                "a data loader."
            )
        for metric in self.sample_metrics.values():
            least = getattr(metric, "least", 1)
            if hasattr(x, "shape") and len(x) < least:
                raise ValueError(
                    f"The metric {metric.name} has no value on these data. "
                    f"Expected {least} samples or more. Received: {len(x)}"
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
    check_count("batch_size", batch_size)
    return batch_size


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
