"""The two sides of the game: who judges, and who makes what is judged."""

CRITICS = ("discriminator", "latent_discriminator")
CREATORS = ("encoder", "second_encoder", "generator", "prior")
