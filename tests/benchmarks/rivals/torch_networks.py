"""The networks in PyTorch: the same layers and parameters as `networks.py`.

Channels last, which is the faster order on a CPU: what flows through takes it
from the weights.
"""

import torch
from torch import nn
from turns import LATENT


def widths(size: int) -> list[int]:
    """Channels of the stages: 64, 128, 256 for 32x32, and 512 for 64x64."""
    return [64 * 2**stage for stage in range((size // 4).bit_length() - 1)]


def _network(*layers):
    return nn.Sequential(*layers).to(memory_format=torch.channels_last)


def stages(size: int) -> nn.Sequential:
    """Images to flat features."""
    layers, before = [], 3
    for width in widths(size):
        layers += [nn.Conv2d(before, width, 4, 2, 1), nn.LeakyReLU(0.2)]
        before = width
    return _network(*layers, nn.Flatten())


def encoder(size: int) -> nn.Sequential:
    """Images to codes."""
    return _network(*stages(size), nn.Linear(16 * widths(size)[-1], LATENT))


def generator(size: int) -> nn.Sequential:
    """Codes to images."""
    *rest, last = widths(size)
    layers = [nn.Linear(LATENT, 16 * last), nn.Unflatten(1, (last, 4, 4))]
    before = last
    for width in (*rest[::-1], 3):
        layers.append(nn.LeakyReLU(0.2))
        layers.append(nn.ConvTranspose2d(before, width, 4, 2, 1))
        before = width
    return _network(*layers, nn.Tanh())


def discriminator(size: int) -> nn.Sequential:
    """Images to scores."""
    return _network(*stages(size), nn.Linear(16 * widths(size)[-1], 1))


def autoencoder(size: int) -> nn.Sequential:
    """BEGAN's discriminator: images to codes to images."""
    return _network(*encoder(size), *generator(size))


def latent_discriminator() -> nn.Sequential:
    """Codes to scores."""
    return _network(
        nn.Linear(LATENT, 128),
        nn.LeakyReLU(0.2),
        nn.Linear(128, 128),
        nn.LeakyReLU(0.2),
        nn.Linear(128, 1),
    )


def count(*networks: nn.Module) -> int:
    """The number of parameters of all of them."""
    return sum(p.numel() for network in networks for p in network.parameters())
