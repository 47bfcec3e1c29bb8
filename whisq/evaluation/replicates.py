"""Every figure of a result on many resamples: by clip, by whole system, by whole prompt."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from whisq.evaluation.metrics import AXES, system_means
from whisq.evaluation.resampling import draw, weighted, weighted_means

if TYPE_CHECKING:
    from pandas import DataFrame

BY = ("clip", "system", "prompt")


def ways(truth: DataFrame) -> list[str]:
    """List what clips can be resampled by: what has two groups at least.

    Args:
        truth: Ratings indexed by clip id, perhaps with `system` and `prompt`.

    Returns:
        Some of `clip`, `system`, `prompt`.
    """
    return [by for by in BY if count(truth, by) > 1]


def count(truth: DataFrame, by: str) -> int:
    """Count the groups that clips belong to.

    Args:
        truth: Ratings indexed by clip id.
        by: `clip`, or a column.

    Returns:
        How many; 1 where there is no such column.
    """
    return int(codes(truth, by).max(initial=0)) + 1


def codes(truth: DataFrame, by: str) -> np.ndarray:
    """Number the groups that clips belong to.

    Args:
        truth: Ratings indexed by clip id.
        by: `clip`, or a column.

    Returns:
        Whole numbers from 0, shape (clips,); all 0 where there is no such column.
    """
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
    """Compute every figure on every resample.

    Args:
        truth: Ratings indexed by clip id.
        answer: Predictions, indexed by the same ids.
        by: `clip`, `system` or `prompt`.
        resamples: How many.
        seed: The same seed draws the same clips again.
        system_truth: Ratings of systems to use in place of the means of these clips.

    Returns:
        Level, axis and metric by name, then shape (resamples,), NaN where undefined.
    """
    groups = codes(truth, by)
    drawn = draw(groups, resamples, np.random.default_rng(seed))
    answer = answer.loc[truth.index]
    axes = [axis for axis in AXES if axis in truth and axis in answer]
    found: dict = {"utt": {}, "sys": {}}
    for axis in axes:
        pair = truth[axis].to_numpy(float), answer[axis].to_numpy(float)
        found["utt"][axis] = weighted(*pair, drawn[:, groups])
    if count(truth, "system") > 1:
        found["sys"] = _systems(truth, answer, axes, by, drawn, system_truth)
    return found


def _systems(
    truth: DataFrame,
    answer: DataFrame,
    axes: list[str],
    by: str,
    drawn: np.ndarray,
    system_truth: DataFrame | None,
) -> dict:
    groups, systems = codes(truth, by), codes(truth, "system")
    means = system_means(answer[axes], truth["system"])
    fixed = system_means(truth[axes], truth["system"]) if system_truth is None else system_truth
    found = {}
    for axis in axes:
        rating, prediction = fixed.loc[means.index, axis].to_numpy(float), means[axis].to_numpy()
        if by == "system":  # a system that is drawn brings all of its clips, so its mean stays
            found[axis] = weighted(rating, prediction, drawn)
            continue
        prediction, present = weighted_means(answer[axis].to_numpy(), systems, drawn[:, groups])
        if system_truth is None:
            rating, _ = weighted_means(truth[axis].to_numpy(), systems, drawn[:, groups])
        found[axis] = weighted(rating, prediction, present)
    return found
