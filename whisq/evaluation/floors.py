"""Floors: what a predictor scores that hardly listens. A model is worth what it adds to them.

Means of training ratings and the gold OMQ never listen; ridge regressions hear a clip's loudness,
or its sequences pooled over time.

An axis that no training clip is rated on has no floor: its column is left out.

Source: MusicEval's official split is random by clip, so that every test system is in train; its
systems' training means alone reach a system-level SRCC of 0.976 (OMQ) and 0.936 (TA) on test.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from whisq.evaluation.metrics import AXES

if TYPE_CHECKING:
    from pandas import DataFrame
    from sklearn.decomposition import PCA
    from sklearn.pipeline import Pipeline

PENALTIES = np.logspace(-1, 6, 15)
FRAME = 0.05  # seconds over which loudness is measured
FLOOR_DB = -80.0

Features = dict[str, np.ndarray]


def global_mean(train: DataFrame, truth: DataFrame) -> DataFrame:
    """Return the mean of all training clips for every clip of `truth`."""
    return truth[[]].assign(**train[_axes(train)].mean().to_dict())


def group_mean(train: DataFrame, truth: DataFrame, group: str) -> DataFrame:
    """Return the training mean of each clip's system or prompt, of an unseen one the global one."""
    axes = _axes(train)
    if not axes:
        return truth[[]].copy()
    means = train.groupby(group)[axes].mean().reindex(truth[group]).set_axis(truth.index)
    return means.fillna(train[axes].mean())


def gold_omq(train: DataFrame, truth: DataFrame) -> DataFrame:
    """Return each clip's own OMQ rating as TA: what TA says that quality does not is above this."""
    known = truth[["omq"]].fillna(train[["omq"]].mean())
    return known.rename(columns={"omq": "ta"}).dropna(axis="columns", how="all")


FLOORS: dict[str, Callable[[DataFrame, DataFrame], DataFrame]] = {
    "global_mean": global_mean,
    "system_mean": partial(group_mean, group="system"),
    "prompt_mean": partial(group_mean, group="prompt"),
    "gold_omq": gold_omq,
}
"""From rated training clips and the clips of a split to predictions of these, indexed alike."""


def ridge(features: Features, rated: DataFrame, train: np.ndarray) -> DataFrame:
    """Fit a ridge an axis on the training clips, its penalty by leave-one-out, and predict all.

    Args:
        features: Each axis's features, shape (clips, dims).
        rated: Ratings indexed by clip id, in the same order.
        train: Which clips to fit, bool, shape (clips,).

    Returns:
        Predictions of all clips, indexed as `rated`, one column an axis.
    """
    models = fit_ridge(features, rated, train)
    said = {axis: model.predict(features[axis]) for axis, model in models.items()}
    return rated[[]].assign(**said)


def fit_ridge(features: Features, rated: DataFrame, train: np.ndarray) -> dict[str, Pipeline]:
    """Return the fitted ridges, a scaler before each; arguments as those of `ridge`.

    An axis that no training clip is rated on has none.
    """
    from sklearn.linear_model import RidgeCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    models = {}
    for axis in AXES:
        fitted = train & rated[axis].notna().to_numpy()
        if fitted.any():
            models[axis] = make_pipeline(StandardScaler(), RidgeCV(PENALTIES))
            models[axis].fit(features[axis][fitted], rated[axis][fitted])
    return models


def pooled_ridge(
    rated: DataFrame, audio: Mapping[str, np.ndarray], text: Mapping[str, np.ndarray]
) -> DataFrame:
    """Fit the ridge on pooled sequences to the training clips, and predict all.

    Args:
        rated: Ratings indexed by clip id, with `split` and `prompt`.
        audio: Stored sequences by clip id.
        text: Stored sequences by prompt.

    Returns:
        `omq` and `ta` of every clip, of those axes that any training clip is rated on.
    """
    train = (rated["split"] == "train").to_numpy()
    pairs = [(audio[key], text[prompt]) for key, prompt in rated["prompt"].items()]
    return ridge(pooled(*zip(*pairs, strict=True), train), rated, train)


def pooled(audio: Iterable[np.ndarray], text: Iterable[np.ndarray], train: np.ndarray) -> Features:
    """Pool both sequences over time: what is left when a model forgets the order.

    Args:
        audio: Each clip's audio, (layers, steps, dim).
        text: Each clip's prompt, (1, tokens, dim).
        train: Which clips the components are fitted on, bool, shape (clips,).

    Returns:
        For OMQ the audio's means; for TA those, the text's, and the products of the two sides'
        leading principal components.
    """
    sound, words = means(audio, text)
    sides = [leading(side, train).transform(side) for side in (sound, words)]
    return together(sound, words, *sides)


def means(audio: Iterable[np.ndarray], text: Iterable[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return the means of each clip's steps, its layers side by side, and of its prompt's."""
    sound = np.stack([states.mean(axis=1, dtype=np.float32).ravel() for states in audio])
    return sound, np.stack([states[0].mean(axis=0, dtype=np.float32) for states in text])


def together(sound: np.ndarray, words: np.ndarray, heard: np.ndarray, read: np.ndarray) -> Features:
    """Return features of both sides' means, (clips, dim), and leading components of these."""
    products = np.einsum("ca,ct->cat", heard, read).reshape(len(sound), -1)
    return {"omq": sound, "ta": np.concatenate([sound, words, products], axis=1)}


def loudness(clips: Iterable[tuple[np.ndarray, int]]) -> Features:
    """Describe each clip by its duration and loudness alone.

    Args:
        clips: Samples as they were decoded, shape (samples,), and Hz; each is looked at once.

    Returns:
        For both axes the same six numbers a clip: log seconds, and in dB the level, the peak, the
        crest, the loudness's spread over time, and the share of near silence.
    """
    table = np.array([_loudness(*clip) for clip in clips])
    return dict.fromkeys(AXES, table)


def _axes(table: DataFrame) -> list[str]:
    return [axis for axis in AXES if axis in table and table[axis].notna().any()]


def _loudness(samples: np.ndarray, rate: int) -> list[float]:
    def decibels(power: Any) -> Any:
        return 10 * np.log10(np.maximum(power, 10 ** (FLOOR_DB / 10)))

    step = max(1, round(FRAME * rate))
    whole = samples[: len(samples) // step * step].reshape(-1, step)
    frames = decibels((whole**2).mean(axis=1)) if len(whole) else np.array([FLOOR_DB])
    level, peak = decibels((samples**2).mean()), decibels(np.abs(samples).max() ** 2)
    silent = float((frames < FLOOR_DB + 20).mean())
    spread = float(frames.std())
    return [np.log(len(samples) / rate), float(level), float(peak), peak - level, spread, silent]


def leading(values: np.ndarray, train: np.ndarray) -> PCA:
    """Return the leading principal components, whitened, of training clips' means, (clips, dim)."""
    from sklearn.decomposition import PCA

    from whisq.model.ridge import COMPONENTS  # and with it torch, which who judges alone lacks

    count = min(COMPONENTS, int(train.sum()) - 1, values.shape[1])
    # An exact solver: a random one would make the floor a matter of luck.
    return PCA(count, whiten=True, svd_solver="full").fit(values[train])
