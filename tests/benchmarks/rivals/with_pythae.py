"""pythae's VAEGAN and its trainer.

Its gate, which lets a player that wins sit steps out, never closes here
(`margin`): everybody moves at each step, as elsewhere.
"""

import tempfile

import torch
import torch_networks as networks
from clocked import ClockedLoader
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
from turns import BATCH, BETA, LATENT, RATE, serve


class _Encoder(BaseEncoder):
    def __init__(self, size):
        super().__init__()
        self.stages = networks.stages(size)
        flat = 16 * networks.widths(size)[-1]
        self.mean = nn.Linear(flat, LATENT)
        self.log_variance = nn.Linear(flat, LATENT)

    def forward(self, x):
        x = self.stages(x)
        return ModelOutput(
            embedding=self.mean(x), log_covariance=self.log_variance(x)
        )


class _Decoder(BaseDecoder):
    def __init__(self, size):
        super().__init__()
        self.layers = networks.generator(size)

    def forward(self, z):
        return ModelOutput(reconstruction=self.layers(z))


class _Discriminator(BaseDiscriminator):
    """Two layers, as pythae counts: the features and the score."""

    depth = 2

    def __init__(self, size):
        super().__init__()
        *stages, score = networks.discriminator(size)
        self.stages = nn.Sequential(*stages)
        self.score = nn.Sequential(score, nn.Sigmoid())

    def forward(self, x, output_layer_levels=None):
        features = self.stages(x)
        if output_layer_levels == [1]:
            return ModelOutput(embedding_layer_1=features)
        return ModelOutput(embedding=self.score(features))


def build(game, size, steps):
    torch.manual_seed(0)
    config = VAEGANConfig(
        input_dim=(3, size, size),
        latent_dim=LATENT,
        reconstruction_layer=1,
        margin=1e6,
    )
    model = VAEGAN(config, _Encoder(size), _Decoder(size), _Discriminator(size))
    players = ("encoder", "decoder", "discriminator")
    adam = {f"{p}_optimizer_params": {"betas": (BETA, 0.999)} for p in players}
    rates = {f"{p}_learning_rate": RATE for p in players}
    loader = ClockedLoader(
        size,
        steps,
        collate_fn=lambda batch: DatasetOutput(data=torch.stack(batch)),
    )

    def turn():
        with tempfile.TemporaryDirectory() as folder:
            settings = TrainerConfig(
                output_dir=folder,
                num_epochs=1,
                per_device_train_batch_size=BATCH,
                **rates,
                **adam,
            )
            # It checks the model on the data that it is given.
            dataset = [DatasetOutput(data=image) for image in loader.dataset]
            trainer = Trainer(model, dataset, training_config=settings)
            trainer.train_loader = loader
            trainer.prepare_training()
            losses = trainer.train_step(1)
        return loader.seconds, losses

    return networks.count(model), turn


if __name__ == "__main__":
    serve(build)
