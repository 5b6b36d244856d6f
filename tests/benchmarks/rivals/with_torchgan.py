"""torchgan's trainer, with its minimax losses and with BEGAN's."""

import tempfile

import torch
import torch_networks as networks
from clocked import ClockedLoader, stand_in_for_torchvision
from turns import BETA, GAMMA, K_RATE, LATENT, RATE, serve

stand_in_for_torchvision()

from torchgan import losses as pays  # noqa: E402
from torchgan.models import Discriminator, Generator  # noqa: E402
from torchgan.trainer import Trainer  # noqa: E402


class _Generator(Generator):
    def __init__(self, size):
        super().__init__(LATENT)
        self.layers = networks.generator(size)

    def forward(self, z):
        return self.layers(z)


class _Discriminator(Discriminator):
    def __init__(self, size):
        super().__init__(3)
        self.layers = networks.discriminator(size)

    def forward(self, x):
        return self.layers(x)


class _Autoencoder(Discriminator):
    """BEGAN's: its score is its energy, each sample's."""

    def __init__(self, size):
        super().__init__(3)
        self.layers = networks.autoencoder(size)

    def forward(self, x):
        return (self.layers(x) - x).abs().flatten(1).mean(1)


_GAMES = {
    "dcgan": (
        _Discriminator,
        pays.MinimaxGeneratorLoss(),
        pays.MinimaxDiscriminatorLoss(),
    ),
    "began": (
        _Autoencoder,
        pays.BoundaryEquilibriumGeneratorLoss(),
        pays.BoundaryEquilibriumDiscriminatorLoss(gamma=GAMMA, lambd=K_RATE),
    ),
}


def build(game, size, steps):
    torch.manual_seed(0)
    adam = {
        "name": torch.optim.Adam,
        "args": {"lr": RATE, "betas": (BETA, 0.999)},
    }
    critic, *losses = _GAMES[game]
    nets = {"generator": _Generator, "discriminator": critic}
    folder = tempfile.TemporaryDirectory()
    trainer = Trainer(
        {
            seat: {"name": net, "args": {"size": size}, "optimizer": adam}
            for seat, net in nets.items()
        },
        losses,
        device=torch.device("cpu"),
        epochs=1,
        checkpoints=f"{folder.name}/gan",
        recon=folder.name,
    )
    trainer.folder = folder  # It lives as long as who writes to it.
    loader = ClockedLoader(size, steps)

    def turn():
        trainer(loader)
        logs = trainer.logger.get_loss_viz().logs
        return loader.seconds, [values[-1] for values in logs.values()]

    return networks.count(trainer.generator, trainer.discriminator), turn


if __name__ == "__main__":
    serve(build)
