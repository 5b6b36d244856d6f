"""What one batch computes."""

from functools import cached_property

from keras import ops

from keras_aegan.critics import judge


class Rollout:
    """What the networks make of one batch, each tensor once, on first use.

    Losses read it; what no loss reads is never computed. Calls of one network
    are not joined into a larger batch: a player's backward pass would then run
    through the other calls' samples too, with zeros.

    Args:
        networks: the filled seats, a dict of name to network.
        data: `(batch, *data_shape)`, in the networks' range.
        noise: `(batch, *noise_shape)`, drawn from the prior, or `None` without
            a prior.
        draw: a function of `"normal"` or `"uniform"` (-1 to 1) and a shape to
            fresh random numbers.
        step: the number of steps done, a scalar tensor.
        is_due: a function of an interval in steps to whether it is due in this
            step: a boolean, or a tensor where only the device knows. The loss
            that asks has the interval as its attribute `interval`. Without
            training all is due.
        training: whether the networks run in training mode.
        waiting: the players that move in another turn of this step. What they
            alone pay need not be computed.
        cut: a function of a key and a tensor to a tensor of the same value
            that gradients do not pass. With it, what a critic is given by the
            others is cut off (key `("input", critic, what, part)`), and what
            losses see of its verdict (`("score", critic, what)`).
    """

    def __init__(
        self,
        networks,
        data,
        noise,
        draw,
        step,
        is_due,
        training: bool,
        waiting=(),
        cut=None,
    ):
        self.networks = networks
        self.data = data
        self.noise = noise
        self.draw = draw
        self.step = step
        self.is_due = is_due
        self.training = training
        self.waiting = waiting
        self._cut = cut
        self._encodings = {}
        self._codes = {}
        self._judged = {}
        self._verdicts = {}

    def call(self, seat: str, inputs):
        """What the network in a seat makes of some inputs.

        A frozen network runs as it does at use, without noise of its own.
        """
        network = self.networks[seat]
        return network(inputs, training=self.training and network.trainable)

    @cached_property
    def prior_codes(self):
        """Codes of the prior: the noise itself, or what its network makes."""
        if self.noise is None:
            raise ValueError(
                "A loss compares with codes of the prior, and this model has "
                "prior=None. Give AEGAN a prior, or leave that loss away."
            )
        if "prior" in self.networks:
            return self.call("prior", self.noise)
        return self.noise

    @property
    def codes(self):
        """`E(x)`; of an encoder that gives a distribution, a draw from it."""
        return self._encoded("data")

    @cached_property
    def generated(self):
        """`G(z)`."""
        return self.call("generator", self.prior_codes)

    @cached_property
    def reconstructed(self):
        """`G(E(x))`."""
        return self.call("generator", self.codes)

    @property
    def recovered_codes(self):
        """`E(G(z))`, as `codes`."""
        return self._encoded("generated")

    @cached_property
    def second_codes(self):
        """`E'(G(E(x)))`, by the second encoder."""
        return self.call("second_encoder", self.reconstructed)

    def encoding(self, what: str) -> dict:
        """Mean and log-variance that the encoder gives one of the tensors."""
        if what not in self._encodings:
            self._encodings[what] = self.encode(getattr(self, what))
        return self._encodings[what]

    def encode(self, data):
        """What the encoder gives: codes, or their mean and log-variance."""
        outputs = self.call("encoder", data)
        if isinstance(outputs, dict):
            outputs = {k: ops.cast(v, "float32") for k, v in outputs.items()}
        return outputs

    def _encoded(self, what):
        if what not in self._codes:
            encoding = self.encoding(what)
            if isinstance(encoding, dict):
                encoding = self.sample(**encoding)
            self._codes[what] = encoding
        return self._codes[what]

    def sample(self, mean, log_variance):
        """A draw from the encoder's normal distribution; at use, its mean."""
        if not self.training:
            return mean
        noise = self.draw("normal", ops.shape(mean))
        return mean + ops.exp(0.5 * log_variance) * noise

    def judgement(self, critic: str, what: str | tuple[str, ...]) -> dict:
        """The critic's results on one of the tensors above, or on a pair.

        Returns:
            A dict with `"score"` and what else the critic's network gives
            (`"features"`, `"reconstruction"`), in float32.
        """
        if self._cut and any(map(self._is_created, _parts(what))):
            raise ValueError(
                "With updates='one_stage' a loss sees what a critic says of "
                f"fakes as a verdict alone: `rollout.score` or "
                f"`rollout.verdict`. Received: a loss that reads all of the "
                f"{critic}'s judgement of {what}. Use "
                "updates='simultaneous'."
            )
        return self._judge(critic, what)

    def score(self, critic: str, what: str | tuple[str, ...]):
        """The critic's scores of one of the tensors above, or of a pair."""
        return self.verdict(critic, what, _score)

    def verdict(self, critic: str, what: str | tuple[str, ...], measure):
        """A number a sample of the critic's judgement of a tensor, or a pair.

        Args:
            critic: its seat.
            what: as in `judgement`.
            measure: a function of a judgement to a tensor with one number
                for each sample.
        """
        if (critic, what) not in self._verdicts:
            verdict = measure(self._judge(critic, what))
            if self._cut:
                verdict = self._cut(("score", critic, what), verdict)
            self._verdicts[critic, what] = measure, verdict
        known, verdict = self._verdicts[critic, what]
        if known is measure:
            return verdict
        if self._cut:
            raise ValueError(
                "With updates='one_stage' all losses take one measure of a "
                f"critic's judgement. Received: two of the {critic}'s of "
                f"{what}. Use updates='simultaneous'."
            )
        return measure(self._judge(critic, what))

    def _judge(self, critic, what):
        """A critic's results."""
        if (critic, what) not in self._judged:
            given = [
                self._cut(("input", critic, what, part), getattr(self, part))
                if self._cut and self._is_created(part)
                else getattr(self, part)
                for part in _parts(what)
            ]
            given = given[0] if isinstance(what, str) else given
            network = self.networks[critic]
            training = self.training and network.trainable
            self._judged[critic, what] = judge(network, given, training)
        return self._judged[critic, what]

    def _is_created(self, part):
        """Whether a player made it: neither data nor mere noise."""
        return part != "data" and (
            part != "prior_codes" or "prior" in self.networks
        )


def _parts(what):
    return (what,) if isinstance(what, str) else what


def _score(judged):
    return judged["score"]
