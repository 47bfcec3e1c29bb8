"""The ridge that stands beside a network, fitted to its training clips."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pandas import DataFrame

from whisq.evaluation.floors import fit_ridge, leading, means, together
from whisq.evaluation.metrics import AXES
from whisq.model.ridge import COMPONENTS, PooledRidge
from whisq.training.data import ClipDataset


def fit(ridge: PooledRidge, dataset: ClipDataset, places: Sequence[int]) -> None:
    """Fit a ridge as the floor of the same name is, `whisq.evaluation.floors.pooled_ridge`.

    Args:
        ridge: What is fitted.
        dataset: The training clips.
        places: Of the cached hidden states that are read.
    """
    rated = DataFrame(dataset.ratings, columns=list(AXES), dtype=float)
    every = np.ones(len(rated), dtype=bool)
    heard = (dataset.audio[key][list(places)] for key in dataset.ids)
    sound, words = means(heard, (dataset.text[prompt] for prompt in dataset.prompts))
    sides = {"audio": (sound, leading(sound, every)), "text": (words, leading(words, every))}
    features = together(sound, words, *(pca.transform(side) for side, pca in sides.values()))
    found = {}
    for name, (_, pca) in sides.items():
        found[f"{name}_centre"] = pca.mean_
        scale = np.sqrt(pca.explained_variance_)
        found[f"{name}_components"] = pca.components_ / scale[:, None]
    models = fit_ridge(features, rated, every)
    for axis, (scaler, linear) in models.items():
        weights = linear.coef_ / scaler.scale_
        found[f"{axis}_bias"] = linear.intercept_ - weights @ scaler.mean_
        found[f"{axis}_weights"] = weights
    if "ta" in models:
        single = sound.shape[1] + words.shape[1]
        alone, products = np.split(found["ta_weights"], [single])
        counts = [pca.n_components_ for _, pca in sides.values()]
        room = [(0, COMPONENTS - count) for count in counts]  # few clips have fewer components
        found["ta_weights"] = np.append(alone, np.pad(products.reshape(counts), room))
    ridge.take(found | {"known": np.array([axis in models for axis in AXES], dtype=float)})
