"""95% intervals: how far a figure might move with other clips, other systems, other prompts.

Clips of one system stand or fall together, so that resampling clips alone promises too much. Each
figure is therefore resampled three ways: by `clip`, by whole `system` and by whole `prompt`.

Chosen: a Student interval around the figure, its standard error from the bootstrap's middle 68%,
on the scale where the figure is near to normal: Fisher's z for correlations, the logarithm for
MSE. It always holds the figure itself, which percentile intervals of system-level figures, biased
by resampled ties and noise, do not. In simulations of 30 systems it held the true correlation in
93 to 98% of draws (over 98% for the system level's KTAU) and the true MSE in 92 to 94%.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtr, stdtrit

from whisq.evaluation.metrics import LOWER_IS_BETTER, METRICS, evaluate
from whisq.evaluation.replicates import count, replicates, ways

if TYPE_CHECKING:
    from pandas import DataFrame

LEVEL = 0.95
SMALLEST = 1e-12
SCALES = {
    "plain": (np.asarray, np.asarray),
    "log": (lambda value: np.log(np.maximum(value, SMALLEST)), np.exp),
    "fisher": (lambda value: np.arctanh(np.clip(value, -1 + SMALLEST, 1 - SMALLEST)), np.tanh),
}
"""Ways there and back between a figure and the scale where it is near to normal."""


def intervals(
    truth: DataFrame,
    answer: DataFrame,
    resamples: int = 2000,
    seed: int = 0,
    system_truth: DataFrame | None = None,
) -> dict:
    """Put intervals around every figure of `evaluate`.

    Args:
        truth: Ratings indexed by clip id: `omq`, `ta`, `system`, `prompt`.
        answer: Predictions, indexed by the same ids.
        resamples: How many, at least 1.
        seed: Of the draws.
        system_truth: Ratings of systems to use in place of the means of these clips.

    Returns:
        Level, axis and metric by name, then by `clip`, `system`, `prompt` the interval's two
        ends, or None where half of the resamples leave the figure undefined.
    """
    scores = evaluate(truth, answer, system_truth)
    found: dict = {}
    for by in ways(truth):
        drawn = replicates(truth, answer, by, resamples, seed, system_truth)
        groups = count(truth, by)
        for level, axis, metric in _figures(drawn):
            point = scores[level][axis][metric]
            ends = interval(drawn[level][axis][metric], point, groups, scale_of(metric))
            place = found.setdefault(level, {}).setdefault(axis, {}).setdefault(metric, {})
            place[by] = ends
    return found


def compare(
    truth: DataFrame,
    answer: DataFrame,
    other: DataFrame,
    resamples: int = 2000,
    seed: int = 0,
    system_truth: DataFrame | None = None,
) -> dict:
    """Compare two sets of predictions on the same resamples.

    Args:
        truth: Ratings indexed by clip id: `omq`, `ta`, `system`, `prompt`.
        answer: The one, indexed by the same ids.
        other: The other, alike.
        resamples: How many, at least 1.
        seed: Of the draws.
        system_truth: Ratings of systems to use in place of the means of these clips.

    Returns:
        Level, axis and metric by name, then `difference` (the one less the other), and by
        `clip`, `system`, `prompt` its `interval` and the share of resamples, ties as halves, in
        which the one is `better` (nearer 1 when it surely is; MSE is better when smaller).
    """
    one, two = evaluate(truth, answer, system_truth), evaluate(truth, other, system_truth)
    found: dict = {}
    for by in ways(truth):
        first = replicates(truth, answer, by, resamples, seed, system_truth)
        second = replicates(truth, other, by, resamples, seed, system_truth)
        for level, axis, metric in _figures(first):
            if axis not in second[level]:
                continue
            pair = one[level][axis][metric], two[level][axis][metric]
            point = None if None in pair else pair[0] - pair[1]
            drawn = first[level][axis][metric] - second[level][axis][metric]
            place = found.setdefault(level, {}).setdefault(axis, {}).setdefault(metric, {})
            place["difference"] = point
            place[by] = {
                "interval": interval(drawn, point, count(truth, by)),
                "better": _better(-drawn if metric in LOWER_IS_BETTER else drawn),
            }
    return found


def interval(
    drawn: np.ndarray, point: float | None, groups: int, scale: str = "plain"
) -> list[float] | None:
    """Turn resampled figures into an interval.

    Args:
        drawn: A figure of every resample, shape (resamples,), NaN where undefined.
        point: The figure itself.
        groups: How many groups were resampled.
        scale: `fisher` for a correlation, `log` for a positive number, `plain` for others.

    Returns:
        The two ends, or None where the figure, or half of its resamples, are undefined.
    """
    known = drawn[np.isfinite(drawn)]
    if point is None or groups < 2 or 2 * len(known) <= len(drawn):
        return None
    there, back = SCALES[scale]
    low, high = np.quantile(there(known), ndtr([-1, 1]))
    # The bootstrap's own spread is short by this factor where groups are few.
    error = (high - low) / 2 * np.sqrt(groups / (groups - 1))
    reach = error * stdtrit(groups - 1, (1 + LEVEL) / 2)
    return back(there(np.float64(point)) + np.array([-reach, reach])).tolist()


def scale_of(metric: str) -> str:
    """Name the scale on which a metric is near to normal.

    Args:
        metric: One of METRICS.

    Returns:
        A name in SCALES.
    """
    return "log" if metric == "mse" else "fisher"


def _figures(drawn: dict) -> list[tuple[str, str, str]]:
    return [(level, axis, m) for level, axes in drawn.items() for axis in axes for m in METRICS]


def _better(drawn: np.ndarray) -> float | None:
    drawn = drawn[np.isfinite(drawn)]
    return float(np.mean(drawn > 0) + np.mean(drawn == 0) / 2) if len(drawn) else None
