"""Anomaly scores beside PCA, an isolation forest and a plain autoencoder.

    python tests/benchmarks/anomalies.py pneumoniamnist.npz ecg_mitbih100.npz

All are fitted to the normal part of a set's training data, the recipes for
`--seconds` each, after a few uncounted steps that compile them. The area under
the ROC curve on the test part says how well their scores tell what is not
normal, mean and deviation over `--seeds`. PCA keeps 95 % of the variance, a
choice that needs no anomalies; with 99 %, and with 16 components, it shows how
much depends on that. Its score, like the autoencoder's, is the mean squared
error of the reconstruction. The forest is scikit-learn's, as it is.
"""

import argparse
import pathlib
import statistics

import keras
from family import normal_and_odd, trainer
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.metrics import roc_auc_score

from keras_aegan import recipes


def _flat(x):
    x = x.reshape(len(x), -1)
    return x / 255 if x.dtype == "uint8" else x


def _pca(components):
    def scores(normal, test, seed, args):
        model = PCA(components, random_state=seed).fit(_flat(normal))
        again = model.inverse_transform(model.transform(_flat(test)))
        return ((again - _flat(test)) ** 2).mean(axis=1)

    return scores


def forest(normal, test, seed, args):
    model = IsolationForest(random_state=seed).fit(_flat(normal))
    return -model.score_samples(_flat(test))


def _settings(normal):
    """What a recipe has to know of data that are no pictures."""
    if normal.dtype != "float32":
        return {}
    return {"data_range": None, "data_dtype": "float32"}


def _recipe(name, kind, **options):
    def scores(normal, test, seed, args):
        keras.utils.set_random_seed(seed)
        recipe = recipes.get(name)
        data = _settings(normal)
        model = recipe(normal.shape[1:], seed=seed, **data, **options)
        train, _ = trainer(normal, args.seconds, 64)
        return train(model, 1.0).anomaly_score(test, kind, batch_size=500)

    return scores


def density(normal, test, seed, args):
    """Size and components as the labelled validation X-rays had them best."""
    model = recipes.rae(
        normal.shape[1:],
        latent_dim=32,
        width=16,
        seed=seed,
        **_settings(normal),
    )
    train, _ = trainer(normal, args.seconds, 64)
    train(model, 1.0).fit_sampler("gmm", normal, components=5, seed=seed)
    return model.anomaly_score(test, "density", batch_size=500)


METHODS = {
    "PCA": _pca(0.95),
    "PCA, 99 %": _pca(0.99),
    "PCA, 16 components": _pca(16),
    "isolation forest": forest,
    "`autoencoder`": _recipe(
        "autoencoder",
        "reconstruction",
        encoding_dim=16,
        hidden_units=(256, 64),
        output_activation=None,
    ),
    "`rae`, density of codes": density,
    "`rae`, linear, reconstruction": _recipe(
        "rae", "reconstruction", latent_dim=64, hidden_units=()
    ),
    "`ganomaly`": _recipe("ganomaly", "latent", width=16),
    "`ganomaly`, reconstruction": _recipe(
        "ganomaly", "reconstruction", width=16
    ),
    "`wae_mmd`, reconstruction": _recipe(
        "wae_mmd", "reconstruction", latent_dim=16, width=16
    ),
    "`aegan`, reconstruction": _recipe(
        "aegan", "reconstruction", latent_dim=16, width=16
    ),
}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("data", nargs="+", type=pathlib.Path)
    parser.add_argument("--methods", nargs="+", default=list(METHODS))
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    args = parser.parse_args()
    print("| data | method | AUROC |\n|---|---|---|")
    for path in args.data:
        normal, test, odd = normal_and_odd(path)
        for name in args.methods:
            found = []
            for seed in args.seeds:
                scores = METHODS[name](normal, test, seed, args)
                found.append(roc_auc_score(odd, scores))
                keras.backend.clear_session()
            cell = f"{statistics.mean(found):.4f}"
            if found[1:]:
                cell += f" ± {statistics.stdev(found):.4f}"
            print(f"| {path.stem} | {name} | {cell} |", flush=True)


if __name__ == "__main__":
    main()
