"""The article's autoencoder: one dense layer in, one out.

With the code `E(x) = relu(W x + b)` and `G(c) = sigmoid(W' c + b')`:

    E and G pay  mean |G(E(x)) - x|^2

It is the baseline that no adversary may lose to: fit a mixture to its codes
(`fit_sampler`) and it generates. Different from the article: the squared
error is a mean over the values, as in Keras, and not a sum; data of any shape
are flattened.
"""

import keras

from keras_aegan import networks
from keras_aegan.aegan import AEGAN
from keras_aegan.losses import ReconstructionLoss


def autoencoder(
    input_shape: tuple[int, ...],
    encoding_dim: int = 32,
    hidden_units: tuple[int, ...] = (),
    code_activation: str | None = "relu",
    output_activation: str | None = "auto",
    **kwargs,
) -> AEGAN:
    """An autoencoder of dense layers, by squared error.

    Args:
        input_shape: shape of one sample.
        encoding_dim: number of values in a code.
        hidden_units: widths of hidden layers on the way to the code, and in
            reverse order on the way back; none by default.
        code_activation: of the code, `"relu"` by default.
        output_activation: of the output: `"sigmoid"`, `"tanh"` or `None`; by
            default the first, and the last for data without a range.
        **kwargs: as in `AEGAN`: `data_range`, `data_dtype`, `optimizer`,
            `ema_momentum` (`None` here), `seed`.

    Returns:
        An `AEGAN` without a prior: `generate` needs `fit_sampler` first.

    Example:

    ```python
    model = keras_aegan.recipes.autoencoder((28, 28, 1), encoding_dim=32)
    model.compile(keras.optimizers.SGD(0.1))
    model.fit(images, epochs=10)
    ```

    Reference:
        - [Reducing the Dimensionality of Data with Neural Networks](
          https://doi.org/10.1126/science.1127647)
    """
    has_range = networks.output_activation(kwargs) is not None
    if output_activation == "auto":
        output_activation = "sigmoid" if has_range else None
    # Squares in -1 to 1, where networks see data with a range, are four times
    # those in 0 to 1.
    weight = 0.25 if has_range else 1.0
    settings = {
        "prior": None,
        "ema_momentum": None,
        "optimizer": keras.optimizers.Adam(1e-3),
        "name": "autoencoder",
    }
    return AEGAN(
        generator=networks.dense_generator(
            input_shape,
            encoding_dim,
            hidden_units[::-1],
            output_activation=output_activation,
        ),
        encoder=networks.dense_encoder(
            input_shape,
            encoding_dim,
            hidden_units,
            code_activation=code_activation,
        ),
        losses=[ReconstructionLoss("mse", weight=weight)],
        **settings | kwargs,
    )
