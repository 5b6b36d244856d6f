"""What one batch computes."""

from functools import cached_property

from keras import ops


class Rollout:
    """What the networks make of one batch, each tensor once, on first use.

    Losses read it; what no loss reads is never computed. Calls of one network
    are not joined into a larger batch: a player's backward pass would then run
    through the other calls' samples too, with zeros.

    Args:
        networks: the filled seats, a dict of name to network.
        data: `(batch, *data_shape)`, in the networks' range.
        noise: `(batch, *noise_shape)`, drawn from the prior.
        is_due: a function of an interval in steps to whether it is due in this
            step: a boolean, or a tensor where only the device knows.
        training: whether the networks run in training mode.
    """

    def __init__(self, networks, data, noise, is_due, training: bool):
        self.networks = networks
        self.data = data
        self.noise = noise
        self.is_due = is_due
        self.training = training
        self._scores = {}

    def _call(self, seat, inputs):
        return self.networks[seat](inputs, training=self.training)

    @cached_property
    def prior_codes(self):
        """Codes of the prior: the noise itself, or what its network makes."""
        if "prior" in self.networks:
            return self._call("prior", self.noise)
        return self.noise

    @cached_property
    def codes(self):
        """`E(x)`."""
        return self._call("encoder", self.data)

    @cached_property
    def generated(self):
        """`G(z)`."""
        return self._call("generator", self.prior_codes)

    @cached_property
    def reconstructed(self):
        """`G(E(x))`."""
        return self._call("generator", self.codes)

    @cached_property
    def recovered_codes(self):
        """`E(G(z))`."""
        return self._call("encoder", self.generated)

    def score(self, critic: str, what: str):
        """The critic's scores of one of the tensors above, in float32."""
        if (critic, what) not in self._scores:
            scores = self._call(critic, getattr(self, what))
            self._scores[critic, what] = ops.cast(scores, "float32")
        return self._scores[critic, what]
