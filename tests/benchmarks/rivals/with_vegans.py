"""vegans' VanillaGAN, EBGAN and VAEGAN, and their `fit`.

Its logs and files are switched off. The heads of VAEGAN's encoder are its own
(and no optimizer of its moves them).
"""

import torch
import torch_networks as networks
from clocked import ClockedLoader, stand_in_for_torchvision
from torch import nn
from turns import BATCH, BETA, LATENT, RATE, serve

stand_in_for_torchvision()

from vegans.GAN import EBGAN, VAEGAN, VanillaGAN  # noqa: E402


def _discriminator(size):
    return nn.Sequential(*networks.discriminator(size), nn.Sigmoid())


def dcgan(size, **settings):
    model = VanillaGAN(
        networks.generator(size), _discriminator(size), **settings
    )
    return model, (model.generator, model.adversary)


def began(size, **settings):
    """It has no BEGAN; EBGAN plays with the same two networks."""
    model = EBGAN(
        networks.generator(size), networks.autoencoder(size), m=1.0, **settings
    )
    return model, (model.generator, model.adversary)


def vae_gan(size, **settings):
    encoder = nn.Sequential(*networks.stages(size), nn.Identity())
    model = VAEGAN(
        networks.generator(size), _discriminator(size), encoder, **settings
    )
    nets = model.generator, model.adversary, model.encoder
    return model, (*nets, model.mu, model.log_variance)


_GAMES = {"dcgan": dcgan, "began": began, "vae_gan": vae_gan}


def build(game, size, steps):
    torch.manual_seed(0)
    adam = {"lr": RATE, "betas": (BETA, 0.999)}
    seats = ("Generator", "Adversary") + ("Encoder",) * (game == "vae_gan")
    model, nets = _GAMES[game](
        size,
        x_dim=(3, size, size),
        z_dim=LATENT,
        optim=torch.optim.Adam,
        optim_kwargs={seat: adam for seat in seats},
        folder=None,
        device="cpu",
    )
    loader = ClockedLoader(size, steps)

    def turn():
        model.fit(
            loader,
            epochs=1,
            batch_size=BATCH,
            print_every=None,
            save_losses_every=None,
        )
        return loader.seconds, [loss.item() for loss in model._losses.values()]

    return networks.count(*nets), turn


if __name__ == "__main__":
    serve(build)
