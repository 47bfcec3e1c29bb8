"""Agreement between ratings and predictions: MSE, LCC, SRCC and KTAU, by clip and by system.

Conventions: `rating` is a listeners' mean opinion score and `prediction` a model's, both in MOS
units (1 to 5) and of shape (clips,). The utterance level (`utt`) compares clips, the system level
(`sys`) compares the means of systems. A number that the input does not define (a correlation with
a constant, or of one system) is None, written null in JSON, and the reason stands beside it under
`undefined`; a NaN or an infinity in the input is an error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from whisq.evaluation.ranks import mid_ranks, tau_b

if TYPE_CHECKING:
    from pandas import DataFrame, Series

AXES = ("omq", "ta")
METRICS = ("mse", "lcc", "srcc", "ktau")
LOWER_IS_BETTER = frozenset({"mse"})
# Equal means differ in their last bits by the order of the rows. Unrounded, four tied systems of
# MusicEval's test list move the system-level SRCC of TA between 0.936 and 0.940.
DECIMALS = 9
CLIPS_TRUTH = "mean of the evaluated clips"


def mse(rating: np.ndarray, prediction: np.ndarray) -> float:
    """Compute the mean squared error.

    Args:
        rating: Listeners' scores, shape (clips,), MOS units.
        prediction: The model's, alike.

    Returns:
        The error in squared MOS units, 0 at best.
    """
    return float(np.mean((rating - prediction) ** 2))


def lcc(rating: np.ndarray, prediction: np.ndarray) -> float:
    """Compute Pearson's linear correlation coefficient.

    Args:
        rating: Listeners' scores, shape (clips,), not constant.
        prediction: The model's, alike.

    Returns:
        The correlation, -1 to 1.
    """
    rating, prediction = rating - rating.mean(), prediction - prediction.mean()
    # Each side is scaled first: the product of two tiny norms could underflow.
    cosine = (rating / np.linalg.norm(rating)) @ (prediction / np.linalg.norm(prediction))
    return float(np.clip(cosine, -1, 1))


def srcc(rating: np.ndarray, prediction: np.ndarray) -> float:
    """Compute Spearman's rank correlation; tied values share their mean rank.

    Args:
        rating: Listeners' scores, shape (clips,), not constant.
        prediction: The model's, alike.

    Returns:
        The correlation, -1 to 1.
    """
    return lcc(mid_ranks(rating), mid_ranks(prediction))


def ktau(rating: np.ndarray, prediction: np.ndarray) -> float:
    """Compute Kendall's tau-b, which corrects for ties: mean ratings have only 21 levels.

    Args:
        rating: Listeners' scores, shape (clips,), not constant.
        prediction: The model's, alike.

    Returns:
        The correlation, -1 to 1.
    """
    return tau_b(rating, prediction)


def measure(rating: np.ndarray, prediction: np.ndarray) -> dict[str, Any]:
    """Compute all four metrics of one axis.

    Args:
        rating: Listeners' scores, shape (clips,), MOS units.
        prediction: The model's, alike.

    Returns:
        `mse, lcc, srcc, ktau`; where one is None, also `undefined`, the reason.

    Raises:
        ValueError: The two differ in shape or hold a NaN or an infinity.
    """
    rating, prediction = np.asarray(rating, float), np.asarray(prediction, float)
    if rating.shape != prediction.shape or rating.ndim != 1:
        shapes = f"{rating.shape} and {prediction.shape}"
        raise ValueError(f"ratings and predictions must pair up in one dimension, given {shapes}")
    if not (np.isfinite(rating).all() and np.isfinite(prediction).all()):
        raise ValueError("ratings and predictions must be finite numbers: mend or drop the others")
    reason = undefined(rating, prediction)
    scores: dict[str, Any] = {"mse": mse(rating, prediction) if len(rating) else None}
    for name, correlation in (("lcc", lcc), ("srcc", srcc), ("ktau", ktau)):
        scores[name] = None if reason else correlation(rating, prediction)
    return scores | ({"undefined": reason} if reason else {})


def undefined(rating: np.ndarray, prediction: np.ndarray) -> str | None:
    """Say why a correlation of the two is not defined.

    Args:
        rating: Listeners' scores, shape (clips,).
        prediction: The model's, alike.

    Returns:
        The reason, or None where correlations are defined.
    """
    if len(rating) < 2:
        return f"a correlation needs 2 items at least, given {len(rating)}"
    for name, values in (("ratings", rating), ("predictions", prediction)):
        if np.ptp(values) < 10.0**-DECIMALS:
            return f"{name} are constant"
    return None


def system_means(scores: DataFrame, system: Series) -> DataFrame:
    """Average the clips of each system.

    Args:
        scores: One column an axis, indexed by clip id, MOS units.
        system: Each clip's system, indexed alike; clips without one are left out.

    Returns:
        The same columns, indexed by system in sorted order, exact to DECIMALS.
    """
    return scores.groupby(system, sort=True).mean().round(DECIMALS)


def evaluate(truth: DataFrame, answer: DataFrame, system_truth: DataFrame | None = None) -> dict:
    """Compare predictions with ratings at both levels on every axis that both have.

    Source: VoiceMOS and AudioMOS challenges, which report these four at these two levels.

    Args:
        truth: Ratings indexed by clip id: a column an axis (`omq`, `ta`) and `system`.
        answer: Predictions: a column an axis, indexed by the same ids in any order.
        system_truth: Ratings of systems (a column an axis, indexed by system) to use at the
            system level in place of the means of these clips.

    Returns:
        `utt` and `sys` (axis by axis the four metrics), `n_clips`, `n_systems`, and
        `system_truth`, which of the two definitions the system level used.

    Raises:
        ValueError: Ids of the two tables differ or systems lack a rating.
    """
    if set(truth.index) != set(answer.index) or len(truth) != len(answer):
        raise ValueError("ratings and predictions must have the same clip ids: match them first")
    axes = [axis for axis in AXES if axis in truth and axis in answer]
    answer = answer.loc[truth.index, axes]
    predicted = system_means(answer, truth["system"])
    rated = system_means(truth[axes], truth["system"])
    if system_truth is not None:
        lacking = sorted(set(predicted.index) - set(system_truth.index))
        if lacking:
            raise ValueError(f"every system needs a row in the system table, missing: {lacking}")
        rated = system_truth.loc[predicted.index, axes]
    axes_of = {"utt": (truth, answer), "sys": (rated, predicted)}
    return {
        level: {axis: measure(one[axis].to_numpy(), two[axis].to_numpy()) for axis in axes}
        for level, (one, two) in axes_of.items()
    } | {
        "n_clips": len(truth),
        "n_systems": len(predicted),
        "system_truth": CLIPS_TRUTH if system_truth is None else "the given table",
    }


def record_of(scores: dict[str, Any]) -> dict[str, float | None]:
    """Name each figure of an evaluation in one row, as a trial's record does.

    Args:
        scores: What `evaluate` gave.

    Returns:
        `<level>_<axis>_<metric>`, None where not defined.
    """
    return {
        f"{level}_{axis}_{metric}": value
        for level in ("utt", "sys")
        for axis, metrics in scores[level].items()
        for metric, value in metrics.items()
        if metric != "undefined"
    }
