"""What the raters' own rows say: how well any model could do, and how many raters one is worth.

A clip's raters are others than its neighbour's, so columns of grades mean nothing and are shuffled.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from pandas import DataFrame, Series

from whisq.corpus.summary import grades, reliability
from whisq.evaluation.metrics import AXES, METRICS, agreement, evaluate

HALVINGS = 40  # to average over
NO_ROWS = "no clip has two raters' rows at least"


def ceilings(rated: DataFrame, seed: int = 0) -> dict[str, Any]:
    """Estimate what a model that knew the raters' true mean would score against these ratings.

    The raters of each clip are split in random halves. The halves' correlation, stepped up to all
    raters, is the ratings' reliability, and its root is the correlation of ratings and truth.

    Chosen: tau goes through the sine that ties it to the correlation of normal variables.

    Args:
        rated: Ratings, with `omq_raters` and `ta_raters`.
        seed: Of the halvings.

    Returns:
        Level, axis and metric by name; None for an axis without raters' rows.
    """
    found: dict[str, Any] = {"utt": {}, "sys": {}}
    for axis in AXES:
        table = grades(rated[f"{axis}_raters"])
        rows = ~np.isnan(table).any(axis=1)
        count = table.shape[1]
        if count < 2 or rows.sum() < 2:
            found["utt"][axis] = found["sys"][axis] = None
            continue
        halves = _halves(rated[rows], table[rows], axis, seed)
        for level, scores in halves.items():
            found[level][axis] = _ceiling(scores, count / (count // 2))
    return found


def worth(rated: DataFrame, predictions: DataFrame) -> dict[str, dict[str, Any]]:
    """Tell how many raters have a mean that predicts the truth as well as the model does.

    The mean of m raters of reliability r correlates with the truth by the root of
    m r / (1 + (m - 1) r); the model by its LCC over the root of the ratings' own reliability.

    Returns:
        Axis by axis `raters` (0 for a model that does not correlate), or None and the reason
        under `undefined`; with `one_rater` and `all_raters`, the reliabilities.
    """
    scores = evaluate(rated, predictions)["utt"]
    return {axis: _worth(grades(rated[f"{axis}_raters"]), scores[axis]["lcc"]) for axis in AXES}


def alone(rated: DataFrame) -> dict[str, float | None]:
    """Tell how often one rater names the better of two clips of a prompt as all others do.

    Args:
        rated: Ratings, with `prompt`, `omq_raters` and `ta_raters`.

    Returns:
        By axis the agreement, 0 to 1 (0.5 is chance; equal grades count half), over all raters;
        None without raters' rows or pairs.
    """
    prompts = rated["prompt"].to_numpy()
    return {axis: one_rater(grades(rated[f"{axis}_raters"]), prompts) for axis in AXES}


def one_rater(table: np.ndarray, group: np.ndarray | None = None) -> float | None:
    """Return how often one rater names the better of two clips as all others together do.

    Args:
        table: Grades, (clips, raters), NaN where one is missing; such clips are left out.
        group: Shape (clips,), as `agreement` takes it.

    Returns:
        The mean over raters of their `agreement`; None where none has one.
    """
    rows = ~np.isnan(table).any(axis=1)
    table, group = table[rows], None if group is None else group[rows]
    if table.shape[1] < 2:
        return None
    # None of a rater's own grades is part of what they are held against.
    others = table.sum(axis=1, keepdims=True) - table
    shares = [agreement(*pair, group)["agreement"] for pair in zip(others.T, table.T, strict=True)]
    known = [share for share in shares if share is not None]
    return float(np.mean(known)) if known else None


def _stepped_up(reliability: float, times: float) -> float:
    # Source: Spearman (1910), Brown (1910): of the mean of so many times as many raters.
    return times * reliability / (1 + (times - 1) * reliability)


def _worth(table: np.ndarray, lcc: float | None) -> dict[str, Any]:
    one, every = reliability(table)
    if not one > 0:
        return {"raters": None, "undefined": NO_ROWS}
    result = {"one_rater": one, "all_raters": every}
    if lcc is None:
        return result | {"raters": None, "undefined": "the model's correlation is undefined"}
    explained = max(lcc, 0) ** 2 / every
    if explained >= 1:
        reason = "the model correlates with the ratings more than their reliability allows"
        return result | {"raters": None, "undefined": reason}
    return result | {"raters": explained * (1 - one) / (one * (1 - explained))}


def _halves(rated: DataFrame, table: np.ndarray, axis: str, seed: int) -> dict[str, Series]:
    # The two halves are judged against each other as if one were the model.
    draw, half = np.random.default_rng(seed), table.shape[1] // 2
    found: dict[str, list[dict]] = {"utt": [], "sys": []}
    for _ in range(HALVINGS):
        shuffled = draw.permuted(table, axis=1)
        one = rated[["system"]].assign(**{axis: shuffled[:, :half].mean(axis=1)})
        two = rated[[]].assign(**{axis: shuffled[:, half : 2 * half].mean(axis=1)})
        scores = evaluate(one, two)
        for level, rows in found.items():
            rows.append(scores[level][axis])
    return {
        level: DataFrame(rows, columns=METRICS, dtype=float).mean() for level, rows in found.items()
    }


def _ceiling(halves: Series, times: float) -> dict[str, float | None]:
    def root(correlation: float) -> float:
        return np.sqrt(_stepped_up(correlation, times)) if correlation > 0 else np.nan

    found = {
        # Two halves' errors add up; the mean of all raters has 1 / times of one half's.
        "mse": halves["mse"] / 2 / times,
        "lcc": root(halves["lcc"]),
        "srcc": root(halves["srcc"]),
        "ktau": 2 / np.pi * np.arcsin(root(np.sin(np.pi / 2 * halves["ktau"]))),
    }
    return {name: None if np.isnan(value) else float(value) for name, value in found.items()}
