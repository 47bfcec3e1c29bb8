"""Floors: what a predictor scores that hardly listens. A model is worth what it adds to them.

Means of training ratings and the gold OMQ never listen; ridge regressions hear a clip's loudness,
or its sequences pooled over time.

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

PENALTIES = np.logspace(-1, 6, 15)
FRAME = 0.05  # seconds over which loudness is measured
FLOOR_DB = -80.0
COMPONENTS = 16  # of each side, whose products tell how the two belong together

Features = dict[str, np.ndarray]


def global_mean(train: DataFrame, truth: DataFrame) -> DataFrame:
    """Return the mean of all training clips for every clip of `truth`."""
    return truth[[]].assign(**train[_axes(train)].mean().to_dict())


def group_mean(train: DataFrame, truth: DataFrame, group: str) -> DataFrame:
    """Return the training mean of each clip's system or prompt, of an unseen one the global one."""
    axes = _axes(train)
    means = train.groupby(group)[axes].mean().reindex(truth[group]).set_axis(truth.index)
    return means.fillna(train[axes].mean())


def gold_omq(train: DataFrame, truth: DataFrame) -> DataFrame:
    """Return each clip's own OMQ rating as TA: what TA says that quality does not is above this."""
    return truth[["omq"]].rename(columns={"omq": "ta"})


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
    from sklearn.linear_model import RidgeCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    predicted = rated[[]].copy()
    for axis in AXES:
        model = make_pipeline(StandardScaler(), RidgeCV(PENALTIES))
        model.fit(features[axis][train], rated[axis][train])
        predicted[axis] = model.predict(features[axis])
    return predicted


def pooled_ridge(
    rated: DataFrame, audio: Mapping[str, np.ndarray], text: Mapping[str, np.ndarray]
) -> DataFrame:
    """Return what a ridge on pooled sequences, fitted to the training clips, predicts of all.

    Args:
        rated: Ratings indexed by clip id, with `split` and `prompt`.
        audio: Stored sequences by clip id.
        text: Stored sequences by prompt.
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
    sound = np.stack([states.mean(axis=1, dtype=np.float32).ravel() for states in audio])
    words = np.stack([states[0].mean(axis=0, dtype=np.float32) for states in text])
    sides = _leading(sound, train), _leading(words, train)
    products = np.einsum("ca,ct->cat", *sides).reshape(len(sound), -1)
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
    return [axis for axis in AXES if axis in table]


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


def _leading(values: np.ndarray, train: np.ndarray) -> np.ndarray:
    from sklearn.decomposition import PCA

    count = min(COMPONENTS, int(train.sum()) - 1, values.shape[1])
    # An exact solver: a random one would make the floor a matter of luck.
    components = PCA(count, whiten=True, svd_solver="full").fit(values[train])
    return components.transform(values)
