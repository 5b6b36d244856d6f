"""`train_step`, a file a backend behind one name."""

import keras

if keras.backend.backend() == "tensorflow":
    from keras_aegan.training.tensorflow import Trainer
elif keras.backend.backend() == "jax":
    from keras_aegan.training.jax import Trainer
elif keras.backend.backend() == "torch":
    from keras_aegan.training.torch import Trainer
else:
    raise ImportError(
        "keras_aegan trains on the TensorFlow, JAX and PyTorch backends. "
        f"Received: KERAS_BACKEND={keras.backend.backend()!r}. Set the "
        "environment variable KERAS_BACKEND to 'tensorflow', 'jax' or 'torch'."
    )

__all__ = ["Trainer"]
