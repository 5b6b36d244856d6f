"""Settings that cannot work are refused where the model is built, by name."""

import pytest

from keras_aegan import AEGAN, losses, networks, recipes

VECTOR, IMAGE = (6,), (16, 16, 1)


@pytest.mark.parametrize("name", recipes.names())
def test_every_recipe_refuses_what_it_cannot_use(name):
    refused = {
        "autoencoder": ({"encoding_dim": 0}, "units"),
        "autoencoder_gan": ({"margin": 0.0}, "margin above 0"),
        "aegan_classic": ({"parameters": "keras"}, "parameters to be one of"),
        "aegan": ({"reconstruction_gradient": "some"}, "'joint' or 'none'"),
        "aae": ({"code_weight": -1.0}, "weight of 0 or more"),
        "wae_gan": ({"code_weight": -1.0}, "weight of 0 or more"),
        "wae_mmd": ({"code_weight": -1.0}, "weight of 0 or more"),
        "ali": ({"reconstruction_weight": -1.0}, "weight of 0 or more"),
        "alpha_gan": ({"reconstruction_weight": -1.0}, "weight of 0 or more"),
        "began": ({"gamma": 1.5}, r"gamma in \(0, 1\]"),
        "ebgan": ({"margin": -1.0}, "margin above 0"),
        "fastgan": ({"reconstruction_weight": -1.0}, "weight of 0 or more"),
        "gan": ({"formulation": "minimax"}, "formulation to be one of"),
        "ganomaly": ({"reencoding_weight": -1.0}, "weight of 0 or more"),
        "rae": ({"beta": -1.0}, "weight of 0 or more"),
        "magan": ({"warmup": 0}, "warmup to be a whole number"),
        "soft_introvae": ({"kl_weight": -1.0}, "kl_weight of 0 or more"),
        "vae_gan": ({"gamma": 0.0}, "gamma above 0"),
    }
    if name == "arae":
        with pytest.raises(ValueError, match="critic_steps"):
            recipes.arae((5,), 7, critic_steps=0)
        with pytest.raises(ValueError, match="kind"):
            recipes.arae((5,), 7, kind="lstm")
    elif name == "image_autoencoder":
        with pytest.raises(ValueError, match="halvings"):
            recipes.image_autoencoder((18, 18, 1), halvings=2, width=4)
        with pytest.raises(ValueError, match="ramp"):
            recipes.image_autoencoder(IMAGE, width=4, ramp=0)
        with pytest.raises(ValueError, match="max_ratio"):
            recipes.image_autoencoder(IMAGE, width=4, max_ratio=0)
    elif name == "latent_gan":
        first = recipes.autoencoder(VECTOR, 3)
        with pytest.raises(ValueError, match="gamma of 0 or more"):
            recipes.latent_gan(first, gamma=-1.0)
    elif name == "mixture_aegan":
        with pytest.raises(ValueError, match="fit_sampler"):
            recipes.mixture_aegan(recipes.rae(VECTOR, 3, width=4))
        arae = recipes.arae((5,), 7)  # Its prior trains.
        with pytest.raises(ValueError, match="fit_sampler"):
            recipes.mixture_aegan(arae)
    elif name == "f_anogan":
        with pytest.raises(ValueError, match="give 'features'"):
            recipes.f_anogan(recipes.aegan(VECTOR, 3, width=4), 4)
    else:
        options, message = refused[name]
        shape = IMAGE if name == "aegan_classic" else VECTOR
        with pytest.raises(ValueError, match=message):
            recipes.get(name)(shape, **options)


@pytest.mark.parametrize(
    "name", ["aae", "aegan", "began", "ebgan", "gan", "ganomaly", "vae_gan"]
)
def test_sides_that_the_networks_cannot_halve(name):
    with pytest.raises(ValueError, match="halved at least twice"):
        recipes.get(name)((15, 15, 1), width=4)


def test_a_spatial_code_with_a_dense_latent_discriminator():
    size = {"halvings": 2, "width": 4}
    with pytest.raises(ValueError, match=r"shape \(4, 4, 2\), received \(32,"):
        AEGAN(
            networks.spatial_generator(IMAGE, 2, **size),
            networks.spatial_encoder(IMAGE, 2, **size),
            latent_discriminator=networks.dense_discriminator((32,)),
            losses=[losses.CodeAdversarialLoss()],
        )


def test_f_anogan_of_spatial_codes():
    spatial = recipes.image_autoencoder((16, 16, 1), width=4)
    with pytest.raises(ValueError, match="codes are vectors.*codes of shape"):
        recipes.f_anogan(spatial)


def test_a_critic_of_pairs_for_a_loss_of_codes_alone():
    pairs = networks.joint_discriminator(VECTOR, (3,), width=4)
    seats = {
        "generator": networks.dense_generator(VECTOR, 3),
        "encoder": networks.dense_encoder(VECTOR, 3),
        "latent_discriminator": pairs,
    }
    with pytest.raises(ValueError, match="with 1 input"):
        AEGAN(**seats, losses=[losses.CodeAdversarialLoss()])
    del seats["latent_discriminator"]
    codes = networks.dense_discriminator((3,))
    with pytest.raises(ValueError, match="with 2 input"):
        AEGAN(
            **seats,
            latent_discriminator=codes,
            losses=[losses.JointAdversarialLoss()],
        )


def test_a_loss_that_needs_a_distribution():
    with pytest.raises(ValueError, match="encoder to give 'log_variance'"):
        AEGAN(
            networks.dense_generator(VECTOR, 3),
            networks.dense_encoder(VECTOR, 3),
            losses=[losses.ReconstructionLoss(), losses.KLDivergenceLoss()],
        )


@pytest.mark.parametrize(
    "updates",
    [[["encoder"]], [["encoder"], ["generator", "discriminator"]], "random"],
)
def test_turns_that_leave_a_player_out_or_name_a_stranger(updates):
    with pytest.raises(ValueError, match="updates"):
        recipes.autoencoder(VECTOR, 3, updates=updates)
