"""Trains the network whose features the extractor "mnist" gives.

    python tests/benchmarks/train_extractor.py mnist.npz

It prints the accuracy on the test part, which the documentation states, and
writes the weights beside the code.
"""

import argparse
import pathlib

import keras
import numpy as np
import safetensors.numpy

from keras_aegan.metrics import features


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    keras.utils.set_random_seed(args.seed)
    with np.load(args.data) as data:
        train, labels = data["x_train"][..., None], data["y_train"]
        test, test_labels = data["x_test"][..., None], data["y_test"]
    model = keras.Sequential(
        [
            keras.Input(train.shape[1:]),
            *features.mnist_layers(),
            keras.layers.Dense(10),
        ]
    )
    steps = args.epochs * -(-len(train) // 128)
    model.compile(
        keras.optimizers.Adam(
            keras.optimizers.schedules.CosineDecay(2e-3, steps)
        ),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    model.fit(train, labels, batch_size=128, epochs=args.epochs, verbose=2)
    _, accuracy = model.evaluate(test, test_labels, verbose=0)
    print(f"accuracy {accuracy:.4f} on the test part")
    weights = model.get_weights()[:-2]  # Without the classes.
    safetensors.numpy.save_file(
        {str(i): weight for i, weight in enumerate(weights)}, features._MNIST
    )


if __name__ == "__main__":
    main()
