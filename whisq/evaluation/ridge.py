"""Ridge regressions that a trained network has to beat: on a clip's loudness, on pooled vectors."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from whisq.evaluation.metrics import AXES

if TYPE_CHECKING:
    from pandas import DataFrame

    from whisq.audio import Sound

PENALTIES = np.logspace(-1, 6, 15)
FRAME = 0.05  # seconds over which loudness is measured
FLOOR_DB = -80.0
COMPONENTS = 16  # of each side, whose products tell how the two belong together

Features = dict[str, np.ndarray]


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


def pooled(audio: Iterable[np.ndarray], text: Iterable[np.ndarray], train: np.ndarray) -> Features:
    """Pool both sequences over time: what is left when a model forgets the order.

    Args:
        audio: Each clip's audio, (layers, steps, dim).
        text: Each clip's prompt, (1, tokens, dim).
        train: Which clips the principal components are fitted on, bool, shape (clips,).

    Returns:
        For OMQ the audio's means; for TA those, the text's, and the products of the two sides'
        leading principal components.
    """
    sound = np.stack([states.mean(axis=1, dtype=np.float32).ravel() for states in audio])
    words = np.stack([states[0].mean(axis=0, dtype=np.float32) for states in text])
    sides = _leading(sound, train), _leading(words, train)
    products = np.einsum("ca,ct->cat", *sides).reshape(len(sound), -1)
    return {"omq": sound, "ta": np.concatenate([sound, words, products], axis=1)}


def loudness(clips: Iterable[Sound]) -> Features:
    """Describe each clip by its duration and loudness alone.

    Args:
        clips: As they were decoded; each is looked at once.

    Returns:
        For both axes the same six numbers a clip: log seconds, and in dB the level, the peak, the
        crest, the loudness's spread over time, and the share of near silence.
    """
    table = np.array([_loudness(clip.samples, clip.rate) for clip in clips])
    return dict.fromkeys(AXES, table)


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
