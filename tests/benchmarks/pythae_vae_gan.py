"""pythae's VAEGAN on images of any size here, with its own trainer.

Its networks have DCGAN's convolutions, as many as this package's baseline of
that name, in PyTorch; its settings are its defaults, but for the learning rate
and momentum of DCGAN in place of 1e-4, with which it hardly moves in minutes.
"""

import tempfile

import numpy as np
import torch
from pythae.data.datasets import DatasetOutput
from pythae.models import VAEGAN, VAEGANConfig
from pythae.models.base.base_utils import ModelOutput
from pythae.models.nn import BaseDecoder, BaseDiscriminator, BaseEncoder
from pythae.trainers import (
    CoupledOptimizerAdversarialTrainer as Trainer,
)
from pythae.trainers import (
    CoupledOptimizerAdversarialTrainerConfig as TrainerConfig,
)
from torch import nn

LATENT = 32


def _widths(size):
    return [64 * 2**i for i in range(2 if size % 8 else size.bit_length() - 3)]


def _stages(size, channels):
    layers = []
    for width in _widths(size):
        layers += [nn.Conv2d(channels, width, 4, 2, 1), nn.LeakyReLU(0.2)]
        channels = width
    return nn.Sequential(*layers, nn.Flatten())


def _flat(size):
    widths = _widths(size)
    side = size // 2 ** len(widths)
    return widths[-1], side, widths[-1] * side * side


class _Encoder(BaseEncoder):
    def __init__(self, size, channels):
        super().__init__()
        self.stages = _stages(size, channels)
        self.mean = nn.Linear(_flat(size)[-1], LATENT)
        self.log_variance = nn.Linear(_flat(size)[-1], LATENT)

    def forward(self, x):
        x = self.stages(x)
        return ModelOutput(
            embedding=self.mean(x), log_covariance=self.log_variance(x)
        )


class _Decoder(BaseDecoder):
    def __init__(self, size, channels):
        super().__init__()
        before, side, flat = _flat(size)
        layers = [
            nn.Linear(LATENT, flat),
            nn.Unflatten(1, (before, side, side)),
        ]
        for width in (*_widths(size)[-2::-1], channels):
            layers.append(nn.LeakyReLU(0.2))
            layers.append(nn.ConvTranspose2d(before, width, 4, 2, 1))
            before = width
        self.layers = nn.Sequential(*layers, nn.Sigmoid())

    def forward(self, z):
        return ModelOutput(reconstruction=self.layers(z))


class _Discriminator(BaseDiscriminator):
    """Two layers, as pythae counts: the features and the score."""

    depth = 2

    def __init__(self, size, channels):
        super().__init__()
        self.stages = _stages(size, channels)
        self.score = nn.Sequential(nn.Linear(_flat(size)[-1], 1), nn.Sigmoid())

    def forward(self, x, output_layer_levels=None):
        features = self.stages(x)
        if output_layer_levels == [1]:
            return ModelOutput(embedding_layer_1=features)
        return ModelOutput(embedding=self.score(features))


class _Batches:
    """So many batches of the data, drawn anew; pixels in 0 to 1."""

    def __init__(self, data, batch_size, steps, seed):
        self.data = data
        self.batch_size = batch_size
        self.steps = steps
        self.dataset = data
        self.random = np.random.default_rng(seed)

    def __len__(self):
        return self.steps

    def __iter__(self):
        for _ in range(self.steps):
            rows = self.random.integers(len(self.data), size=self.batch_size)
            yield DatasetOutput(data=_to_torch(self.data[rows]))


def _to_torch(images):
    return torch.from_numpy(images).movedim(-1, 1).float() / 255


class PythaeVAEGAN:
    """With what `equal_time.py` asks of a method."""

    def __init__(self, shape, seed):
        size, _, channels = shape
        torch.manual_seed(seed)
        self.seed = seed
        networks = (part(size, channels) for part in _PARTS)
        config = VAEGANConfig(
            input_dim=(channels, size, size),
            latent_dim=LATENT,
            reconstruction_layer=1,
        )
        self.model = VAEGAN(config, *networks)

    def train(self, data, steps, batch_size):
        players = ("encoder", "decoder", "discriminator")
        adam = {
            f"{p}_optimizer_params": {"betas": (0.5, 0.999)} for p in players
        }
        rates = {f"{p}_learning_rate": 2e-4 for p in players}
        with tempfile.TemporaryDirectory() as folder:
            settings = TrainerConfig(
                output_dir=folder,
                num_epochs=1,
                per_device_train_batch_size=batch_size,
                **rates,
                **adam,
            )
            # It checks the model on the data that it is given.
            few = [DatasetOutput(data=image) for image in _to_torch(data[:64])]
            trainer = Trainer(self.model, few, training_config=settings)
            trainer.train_loader = _Batches(data, batch_size, steps, self.seed)
            trainer.prepare_training()
            trainer.train_step(1)
        self.model.eval()

    def generate(self, count, seed, batch_size):
        codes = np.random.default_rng(seed).normal(size=(count, LATENT))
        return self._decoded(torch.from_numpy(codes).float(), batch_size)

    def reconstruct(self, images, batch_size):
        with torch.inference_mode():
            codes = [
                self.model.encoder(part.to(self.device))["embedding"]
                for part in _to_torch(images).split(batch_size)
            ]
        return self._decoded(torch.cat(codes), batch_size)

    @property
    def device(self):
        return next(self.model.parameters()).device

    def _decoded(self, codes, batch_size):
        with torch.inference_mode():
            made = [
                self.model.decoder(part.to(self.device))["reconstruction"]
                for part in codes.split(batch_size)
            ]
        pixels = torch.cat(made).movedim(1, -1) * 255
        return pixels.round().byte().cpu().numpy()


_PARTS = (_Encoder, _Decoder, _Discriminator)
