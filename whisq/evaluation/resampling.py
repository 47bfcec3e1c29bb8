"""Every figure of a result on many resamples: by clip, by whole system, by whole prompt.

A resample is a row of weights that says how often each clip was drawn. With S the signs of all
pairwise differences of a variable and w the weights, S w is (twice, and centred) the mid-rank
that each clip has in the resample, and w' (Sx * Sy) w counts concordant less discordant pairs: so
Spearman and tau-b of 2,000 resamples are a few matrix products, exact with ties.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from whisq.evaluation.metrics import AXES, DECIMALS, system_means

if TYPE_CHECKING:
    from pandas import DataFrame

BY = ("clip", "system", "prompt")
CHUNK = 2**17  # numbers held at once: what fits in a processor's cache is twice as fast


def ways(truth: DataFrame) -> list[str]:
    """Return what clips can be resampled by: `clip`, `system`, `prompt` of two groups at least."""
    return [by for by in BY if count(truth, by) > 1]


def count(truth: DataFrame, by: str) -> int:
    """Return how many groups there are by `clip` or a column; 1 where there is no such column."""
    return int(codes(truth, by).max(initial=0)) + 1


def codes(truth: DataFrame, by: str) -> np.ndarray:
    """Return each clip's group, numbered from 0, shape (clips,)."""
    if by == "clip":
        return np.arange(len(truth))
    if by not in truth or truth[by].isna().any():
        return np.zeros(len(truth), dtype=int)
    return np.unique(truth[by].to_numpy(dtype=str), return_inverse=True)[1]


def replicates(
    truth: DataFrame,
    answer: DataFrame,
    by: str,
    resamples: int,
    seed: int,
    system_truth: DataFrame | None = None,
) -> dict[str, dict[str, dict[str, np.ndarray]]]:
    """Compute every figure on every resample; the same seed draws the same clips again.

    Returns:
        Level, axis and metric by name, then shape (resamples,), NaN where undefined.
    """
    groups = codes(truth, by)
    drawn = draw(groups, resamples, np.random.default_rng(seed))
    answer = answer.loc[truth.index]
    axes = [axis for axis in AXES if axis in truth and axis in answer]
    found: dict = {"utt": {}, "sys": {}}
    for axis in axes:
        given = truth[axis].notna().to_numpy()
        if not given.any():
            continue
        rated, predicted, of = truth[given], answer[given], groups[given]
        pair = rated[axis].to_numpy(float), predicted[axis].to_numpy(float)
        found["utt"][axis] = weighted(*pair, drawn[:, of])
        if count(rated, "system") > 1:
            found["sys"][axis] = _systems(rated, predicted, axis, by, of, drawn, system_truth)
    return found


def draw(groups: np.ndarray, resamples: int, rng: np.random.Generator) -> np.ndarray:
    """Draw whole groups with replacement, as many as there are.

    Returns:
        How often each group is in each resample, shape (resamples, groups).
    """
    count = int(groups.max()) + 1
    return rng.multinomial(count, np.full(count, 1 / count), size=resamples)


def weighted(rating: np.ndarray, prediction: np.ndarray, weights: np.ndarray) -> dict:
    """Compute the four metrics of every resample.

    Args:
        rating: Shape (items,), or (resamples, items) where items' values differ by resample.
        prediction: Alike.
        weights: How often each item was drawn, shape (resamples, items).

    Returns:
        `mse, lcc, srcc, ktau`, each of shape (resamples,), NaN where undefined.
    """
    weights = weights.astype(np.float64)
    # Pairs of values that are the same in every resample are compared once.
    sides = [(side, None if side.ndim == 2 else _signs(side)) for side in (rating, prediction)]
    rows = max(1, CHUNK // weights.shape[1] ** max(rating.ndim, prediction.ndim))
    parts = [
        _weighted(*(_rows(*side, start, rows) for side in sides), weights[start : start + rows])
        for start in range(0, len(weights), rows)
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _systems(
    truth: DataFrame,
    answer: DataFrame,
    axis: str,
    by: str,
    groups: np.ndarray,
    drawn: np.ndarray,
    system_truth: DataFrame | None,
) -> dict:
    systems = codes(truth, "system")
    means = system_means(answer[[axis]], truth["system"])
    fixed = system_means(truth[[axis]], truth["system"]) if system_truth is None else system_truth
    rating, prediction = fixed.loc[means.index, axis].to_numpy(float), means[axis].to_numpy()
    if by == "system":  # a system that is drawn brings all of its clips, so its mean stays
        return weighted(rating, prediction, drawn[:, np.unique(groups)])
    prediction, present = _group_means(answer[axis].to_numpy(), systems, drawn[:, groups])
    if system_truth is None:
        rating, _ = _group_means(truth[axis].to_numpy(), systems, drawn[:, groups])
    return weighted(rating, prediction, present)


def _group_means(values: np.ndarray, groups: np.ndarray, weights: np.ndarray) -> tuple:
    # Each group's mean in every resample, 0 where no clip of it was drawn, and where one was.
    member = np.eye(int(groups.max()) + 1)[groups]
    count = weights @ member
    mean = (weights * values) @ member / np.maximum(count, 1)
    return mean.round(DECIMALS), count > 0


def _rows(values: np.ndarray, signs: np.ndarray | None, start: int, rows: int) -> tuple:
    if signs is not None:
        return values, signs
    return values[start : start + rows], _signs(values[start : start + rows])


def _weighted(rating: tuple, prediction: tuple, weights: np.ndarray) -> dict:
    (x, x_signs), (y, y_signs) = rating, prediction
    ranked, pairs = _rank_metrics(x_signs, y_signs, weights)
    return {
        "mse": (weights * (x - y) ** 2).sum(axis=-1) / _drawn(weights)[..., 0],
        "lcc": _correlation(x, y, weights),
        "srcc": ranked,
        "ktau": pairs,
    }


def _rank_metrics(x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> tuple:
    def times(signs: np.ndarray) -> np.ndarray:
        # Sums of whole numbers below 2**24 are exact in single precision.
        one = weights.astype(np.float32)
        if signs.ndim == 3:
            return np.matmul(signs, one[:, :, None])[:, :, 0].astype(np.float64)
        return (one @ signs.T).astype(np.float64)

    def pairs(signs: np.ndarray) -> np.ndarray:
        return (weights * times(signs)).sum(axis=-1)

    concordance, untied = pairs(x * y), pairs(x * x) * pairs(y * y)
    return _correlation(times(x), times(y), weights), _ratio(concordance, untied)


def _signs(values: np.ndarray) -> np.ndarray:
    return np.sign(values[..., :, None] - values[..., None, :]).astype(np.float32)


def _correlation(x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> np.ndarray:
    total = _drawn(weights)
    x = x - (weights * x).sum(axis=-1, keepdims=True) / total
    y = y - (weights * y).sum(axis=-1, keepdims=True) / total
    # Variances that are only rounding belong to constants.
    spread = [(weights * side**2).sum(axis=-1) for side in (x, y)]
    spread = [np.where(one > 1e-18 * total[..., 0], one, 0) for one in spread]
    return _ratio((weights * x * y).sum(axis=-1), spread[0] * spread[1])


def _drawn(weights: np.ndarray) -> np.ndarray:
    # How many items a resample has, (..., 1); NaN for none, of which nothing is defined.
    total = weights.sum(axis=-1, keepdims=True)
    return np.where(total > 0, total, np.nan)


def _ratio(product: np.ndarray, squares: np.ndarray) -> np.ndarray:
    defined = squares > 0
    return np.where(defined, product / np.sqrt(np.where(defined, squares, 1)), np.nan)
