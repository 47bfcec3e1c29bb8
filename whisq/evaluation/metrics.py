"""Agreement of predictions with ratings: MSE, LCC, SRCC and KTAU, by clip and by system.

Conventions: `rating` is a listeners' mean opinion score and `prediction` a model's, both in MOS
units (1 to 5) and of shape (clips,). As tables, `truth` or `rated` (a column an axis, `system`,
`prompt`) and `answer` or `predictions` (a column an axis) are indexed by the same clip ids, in any
order; `system_truth` are ratings indexed by system, to use in place of the means of these clips.

A rating that is NaN was not given: its clip is left out of that axis, at both levels.

The utterance level (`utt`) compares clips, the system level (`sys`) the means of systems. A number
that the input does not define (a correlation with a constant, or of one system) is None, null in
JSON, and the reason stands beside it under `undefined`.

All of it is exact with ties, by numpy alone: to import scipy.stats takes longer than to judge a
list.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from pandas import DataFrame, Series

AXES = ("omq", "ta")
METRICS = ("mse", "lcc", "srcc", "ktau")
LOWER_IS_BETTER = frozenset({"mse"})
# Equal means differ in their last bits by the order of the rows. Unrounded, four tied systems of
# MusicEval's test list move the system-level SRCC of TA between 0.936 and 0.940.
DECIMALS = 9
CLIPS_TRUTH = "mean of the evaluated clips"
FEWEST = 4  # clips that a group needs for a correlation of its own to say anything


def mse(rating: np.ndarray, prediction: np.ndarray) -> float:
    """Return the mean squared error in squared MOS units, 0 at best."""
    return float(np.mean((rating - prediction) ** 2))


def lcc(rating: np.ndarray, prediction: np.ndarray) -> float:
    """Return Pearson's linear correlation, -1 to 1, of two sides that are not constant."""
    rating, prediction = rating - rating.mean(), prediction - prediction.mean()
    # Each side is scaled first: the product of two tiny norms could underflow.
    cosine = (rating / np.linalg.norm(rating)) @ (prediction / np.linalg.norm(prediction))
    return float(np.clip(cosine, -1, 1))


def srcc(rating: np.ndarray, prediction: np.ndarray) -> float:
    """Return Spearman's correlation, -1 to 1, alike; tied values share their mean rank."""
    return lcc(_mid_ranks(rating), _mid_ranks(prediction))


def ktau(rating: np.ndarray, prediction: np.ndarray) -> float:
    """Return Kendall's tau-b, -1 to 1, alike, which corrects for ties: MOS has only 21 levels.

    Source: Knight, "A computer method for calculating Kendall's tau with ungrouped data", 1966.
    """
    one, two = (np.unique(side, return_inverse=True)[1] for side in (rating, prediction))
    pairs = len(one) * (len(one) - 1) // 2
    untied = [pairs - _ties(side) for side in (one, two)]
    both = _ties(one * len(one) + two)
    # Sorted by the one side and within its ties by the other, what stands the wrong way round is
    # a discordant pair.
    discordant = _inversions(two[np.lexsort((two, one))])
    concordance = sum(untied) - pairs + both - 2 * discordant
    return float(np.clip(concordance / np.sqrt(untied[0]) / np.sqrt(untied[1]), -1, 1))


def measure(rating: np.ndarray, prediction: np.ndarray) -> dict[str, Any]:
    """Compute all four metrics of one axis.

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
    reason = _undefined(rating, prediction)
    scores: dict[str, Any] = {"mse": mse(rating, prediction) if len(rating) else None}
    for name, correlation in (("lcc", lcc), ("srcc", srcc), ("ktau", ktau)):
        scores[name] = None if reason else correlation(rating, prediction)
    return scores | ({"undefined": reason} if reason else {})


def system_means(scores: DataFrame, system: Series) -> DataFrame:
    """Return the means of each system's clips, by system in sorted order, exact to DECIMALS."""
    return scores.groupby(system, sort=True).mean().round(DECIMALS)


def evaluate(truth: DataFrame, answer: DataFrame, system_truth: DataFrame | None = None) -> dict:
    """Compare predictions with ratings at both levels on every axis that both have.

    Source: VoiceMOS and AudioMOS challenges, which report these four at these two levels.

    Returns:
        `utt` and `sys` (axis by axis the four metrics), `n_clips`, `n_systems`, and
        `system_truth`, which of the two definitions the system level used.

    Raises:
        ValueError: Ids of the two tables differ or systems lack a rating.
    """
    if set(truth.index) != set(answer.index) or len(truth) != len(answer):
        raise ValueError("ratings and predictions must have the same clip ids: match them first")
    axes = [axis for axis in AXES if axis in truth and axis in answer]
    answer = answer.loc[truth.index, axes].where(truth[axes].notna())
    predicted = system_means(answer, truth["system"])
    rated = system_means(truth[axes], truth["system"])
    if system_truth is not None:
        lacking = sorted(set(predicted.index) - set(system_truth.index))
        if lacking:
            raise ValueError(f"every system needs a row in the system table, missing: {lacking}")
        rated = system_truth.loc[predicted.index, axes]
    axes_of = {"utt": (truth, answer), "sys": (rated, predicted)}
    return {
        level: {axis: _measured(one[axis], two[axis]) for axis in axes}
        for level, (one, two) in axes_of.items()
    } | {
        "n_clips": len(truth),
        "n_systems": len(predicted),
        "system_truth": CLIPS_TRUTH if system_truth is None else "the given table",
    }


def known(rating: Series, *others: Series) -> list[np.ndarray]:
    """Return the ratings that were given, as numbers, and the others' values of the same rows."""
    given = rating.notna().to_numpy()
    return [side.to_numpy()[given] for side in (rating, *others)]


def record_of(scores: dict[str, Any]) -> dict[str, float | None]:
    """Return what `evaluate` gave in one row: `<level>_<axis>_<metric>`."""
    return {
        f"{level}_{axis}_{metric}": value
        for level in ("utt", "sys")
        for axis, metrics in scores[level].items()
        for metric, value in metrics.items()
        if metric != "undefined"
    }


def within(rated: DataFrame, predictions: DataFrame) -> dict[str, dict[str, Any]]:
    """Compare predictions with ratings inside each system, inside each prompt, and by pairs.

    A model that has learnt to tell the systems apart scores well over all clips and nothing inside
    one system; one that hears the clip itself scores in both.

    Returns:
        `system` and `prompt`, axis by axis `lcc, srcc, ktau` of its groups' own
        correlations, a clip counting once (None where no group defines one) and `groups`, how many
        did: those of FEWEST clips at least whose ratings and predictions vary; and `pairs`, axis
        by axis the `agreement` on which of two clips of one prompt is better, 0 to 1 (0.5 is
        chance; equal predictions count half; None without pairs) and how many `pairs` there were
        whose ratings differ.
    """
    predictions = predictions.loc[rated.index]
    found: dict[str, dict[str, Any]] = {"system": {}, "prompt": {}, "pairs": {}}
    for axis in (axis for axis in AXES if axis in predictions):
        *values, system, prompt = known(
            rated[axis], predictions[axis], rated["system"], rated["prompt"]
        )
        found["system"][axis] = _grouped(*values, system)
        found["prompt"][axis] = _grouped(*values, prompt)
        found["pairs"][axis] = agreement(*values, prompt)
    return found


def agreement(
    rating: np.ndarray, prediction: np.ndarray, group: np.ndarray | None = None
) -> dict[str, Any]:
    """Tell which of two clips is better, of all pairs that are rated differently.

    Args:
        rating: Shape (clips,).
        prediction: Alike; equal ones count half.
        group: Alike; clips of one group, such as a prompt, are paired with each other alone.

    Returns:
        `agreement`, the share of pairs that are told as they are rated, None where there are
        none; and `pairs`, how many there are.
    """
    group = np.zeros(len(rating)) if group is None else group
    agreed, pairs = 0.0, 0
    for name in np.unique(group):
        inside = group == name
        better = np.sign(rating[inside][:, None] - rating[inside])
        said = np.sign(prediction[inside][:, None] - prediction[inside])
        asked = np.triu(better != 0, k=1)
        agreed += float((1 + (better * said)[asked]).sum() / 2)
        pairs += int(asked.sum())
    return {"agreement": agreed / pairs if pairs else None, "pairs": pairs}


def agreed(vote: np.ndarray, said: np.ndarray) -> np.ndarray:
    """Return 1 where what is said agrees with a rater, 0 where not: shape (rows,).

    It is a half where nothing is said, and NaN where the rater calls a tie.

    Args:
        vote: Shape (rows,).
        said: Positive for the first clip, negative for the second, 0 for neither, alike.
    """
    return np.where(vote == 0, np.nan, (1 + vote * np.sign(said)) / 2)


def calibration(rating: np.ndarray, prediction: np.ndarray, bins: int = 10) -> dict[str, Any]:
    """Fit ratings by a line in the predictions, and average both in bins of equal size.

    Returns:
        `slope` and `intercept` of the line (1 and 0 at best; a slope below 1 says that
        predictions spread too far), None where predictions are constant; and `curve`, for each
        of `bins` parts `prediction` and `rating` (means), `clips`, and `error` (the mean rating's
        standard error, None of one clip).
    """
    slope = intercept = None
    if len(prediction) > 1 and np.ptp(prediction) > 0:
        slope, intercept = np.polyfit(prediction, rating, 1).tolist()
    order = np.argsort(prediction, kind="stable")
    curve = [
        _point(rating[part], prediction[part])
        for part in np.array_split(order, min(bins, len(order)) or 1)
        if len(part)
    ]
    return {"slope": slope, "intercept": intercept, "curve": curve}


def _measured(rating: Series, prediction: Series) -> dict[str, Any]:
    return measure(*known(rating, prediction))


def _undefined(rating: np.ndarray, prediction: np.ndarray) -> str | None:
    if not len(rating):
        return "nothing is rated on it"
    if len(rating) < 2:
        return f"a correlation needs 2 items at least, given {len(rating)}"
    for name, values in (("ratings", rating), ("predictions", prediction)):
        if np.ptp(values) < 10.0**-DECIMALS:
            return f"{name} are constant"
    return None


def _mid_ranks(values: np.ndarray) -> np.ndarray:
    # From 1, whole or half: tied values share their mean rank.
    _, code, count = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(count) - (count - 1) / 2)[code]


def _inversions(codes: np.ndarray) -> int:
    # How many pairs have the larger one first.
    found, before = 0, []
    for code in codes.tolist():
        found += len(before) - bisect_right(before, code)
        insort(before, code)
    return found


def _ties(codes: np.ndarray) -> int:
    count = np.unique(codes, return_counts=True)[1]
    return int((count * (count - 1) // 2).sum())


def _grouped(rating: np.ndarray, prediction: np.ndarray, group: np.ndarray) -> dict[str, Any]:
    rows, sizes = [], []
    for name in np.unique(group):
        inside = group == name
        scores = measure(rating[inside], prediction[inside])
        if inside.sum() >= FEWEST and "undefined" not in scores:
            rows.append([scores[metric] for metric in METRICS[1:]])
            sizes.append(inside.sum())
    means = np.average(rows, axis=0, weights=sizes).tolist() if rows else [None] * 3
    return dict(zip(METRICS[1:], means, strict=True)) | {"groups": len(rows)}


def _point(rating: np.ndarray, prediction: np.ndarray) -> dict[str, Any]:
    count = len(rating)
    return {
        "prediction": float(prediction.mean()),
        "rating": float(rating.mean()),
        "clips": count,
        "error": float(rating.std(ddof=1) / np.sqrt(count)) if count > 1 else None,
    }
