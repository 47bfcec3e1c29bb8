"""Scores judged by preferences: of two clips, is the one that listeners preferred scored higher?

Conventions: a row is one rater's word on two clips: `vote` is 1 where the first is preferred, -1
where the second is, 0 for a tie; `difference` is the first's score less the second's, MOS units.

Accuracy leaves raters' ties out, and counts a tie of the scores half. Log-loss is that of Bradley
and Terry's model, in nats (0.693 is chance): the first is preferred with probability
1 / (1 + exp(-scale * difference)), and a rater's tie is half a word for either. Each row's loss is
taken with the scale that fits the rows of other prompts, so that it flatters no scorer.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from pandas import DataFrame, Series

from whisq.evaluation.intervals import interval
from whisq.evaluation.metrics import AXES, DECIMALS, agreed
from whisq.evaluation.resampling import codes, count, draw

WAYS = ("prompt", "system_pair")
FOLDS = 5
STEEPEST = 50.0  # a scale, per MOS unit, from which on all is certain


def judge_pairs(rows: DataFrame, resamples: int = 2000, seed: int = 0) -> dict[str, Any]:
    """Judge differences of scores by preferences.

    Args:
        rows: One a word: `a`, `b` (clips), `vote`, `difference`, and `rater`, `prompt` and
            `system_pair`, None where unknown.
        resamples: For the intervals; 0 for none.
        seed: Of the draws.

    Returns:
        `accuracy`, None where all are ties; `log_loss`, None of a single prompt; `scale`, which
        fits all rows, per MOS unit; `n` rows, `ties` among them, `n_pairs` of clips; `intervals`:
        figure by figure, 95%, drawing by `prompt` and by `system_pair`; and `raters`, None where no
        pair has two: `agreement`, how often another rater of the pair says the same, its
        `intervals`, `n` rows with such another, and `ceiling` (see `ceiling`).
    """
    # Resamples are drawn by place: rows in another order must not be other draws.
    rows = rows.sort_values(["a", "b", "vote"], key=_as_text, kind="stable")
    vote, difference = rows["vote"].to_numpy(), rows["difference"].to_numpy().round(DECIMALS)
    right, loss = agreed(vote, difference), _cross_fitted(rows, vote, difference)
    alike = _alike(rows)
    draws = resamples, seed
    found = {
        "accuracy": _mean(right),
        "log_loss": _mean(loss),
        "scale": fit(vote, difference),
        "n": len(rows),
        "ties": int((vote == 0).sum()),
        "n_pairs": _pair(rows).nunique(),
        "intervals": {
            "accuracy": _intervals(right, rows, *draws),
            "log_loss": _intervals(loss, rows, *draws, most=np.inf),
        },
        "raters": None,
    }
    agreement = _mean(alike)
    if agreement is not None:
        found["raters"] = {
            "agreement": agreement,
            "ceiling": ceiling(agreement),
            "n": int(np.isfinite(alike).sum()),
            "intervals": _intervals(alike, rows, *draws),
        }
    return found


def held_out(
    words: DataFrame, rated: DataFrame, predictions: DataFrame, resamples: int, seed: int
) -> dict[str, Any]:
    """Judge a model by a corpus's own preferences between held-out clips.

    Args:
        words: As `whisq.corpus.clips.read_pairs` gives them.
        rated: The held-out clips, indexed by id, with `system` and `prompt`.
        predictions: The model's: `omq`, `ta`.
        resamples: For the intervals.
        seed: Of their draws.

    Returns:
        Axis by axis what `judge_pairs` gives, of those with words between these clips.
    """
    words = words[words["a"].isin(rated.index) & words["b"].isin(rated.index)]
    systems = [rated["system"].loc[words[end]].to_numpy() for end in ("a", "b")]
    rows = words.assign(
        prompt=rated["prompt"].loc[words["a"]].to_numpy(),
        system_pair=[" / ".join(sorted(pair)) for pair in zip(*systems, strict=True)],
        rater=words["rater"].replace("", None),
    )
    found = {}
    for axis in AXES:
        own = rows[rows["axis"].isin([axis, ""])]
        first, second = (predictions[axis].loc[own[end]].to_numpy() for end in ("a", "b"))
        own = own.assign(difference=first - second)[np.isfinite(first - second)]
        if len(own):
            found[axis] = judge_pairs(own, resamples, seed)
    return found


def ceiling(agreement: float) -> float:
    """Return the accuracy that no scorer can exceed in the long run where raters agree so often.

    A pair of which a share p prefers one clip has two raters agree in p^2 + (1 - p)^2 and the best
    scorer right in max(p, 1 - p). With d = |2p - 1| these are (1 + d^2) / 2 and (1 + d) / 2; over
    pairs the mean of d is at most the root of the mean of d^2, and equal where all are as clear.
    """
    return (1 + max(2 * agreement - 1, 0) ** 0.5) / 2


def losses(vote: np.ndarray, difference: np.ndarray, scale: float) -> np.ndarray:
    """Return each row's log-loss in nats, shape (rows,), with a scale per MOS unit."""
    logit, share = scale * difference, (1 + vote) / 2
    return np.logaddexp(0, -logit) * share + np.logaddexp(0, logit) * (1 - share)


def fit(vote: np.ndarray, difference: np.ndarray) -> float:
    """Return the likeliest scale per MOS unit, from 0 (scores say nothing) to 50.

    Source: Bradley and Terry, Rank analysis of incomplete block designs (1952).
    """
    from scipy.optimize import minimize_scalar

    def mean_loss(scale: float) -> float:
        return float(losses(vote, difference, scale).mean())

    return float(minimize_scalar(mean_loss, bounds=(0, STEEPEST), method="bounded").x)


def _cross_fitted(rows: DataFrame, vote: np.ndarray, difference: np.ndarray) -> np.ndarray:
    # Rows of one prompt, or else of one pair of clips, stay together.
    groups = codes(rows, "prompt")
    if not groups.any():
        groups = np.unique(_pair(rows).to_numpy(dtype=str), return_inverse=True)[1]
    if not groups.any():
        return np.full(len(rows), np.nan)
    loss, fold = np.empty(len(rows)), groups % FOLDS
    for held in np.unique(fold):
        out = fold == held
        loss[out] = losses(vote[out], difference[out], fit(vote[~out], difference[~out]))
    return loss


def _alike(rows: DataFrame) -> np.ndarray:
    # The share of a pair's other raters who say as the row does; ties of either are left out, NaN.
    turned = np.where(rows["a"] <= rows["b"], 1, -1)
    votes = rows["vote"] * turned
    # A rater without a name is another one in each row.
    unnamed = "row " + Series(np.arange(len(rows)), rows.index).astype(str)
    pair, rater = _pair(rows), rows["rater"].where(rows["rater"].notna(), unnamed)

    def others(values: Series) -> Series:
        own = values.groupby([pair, rater]).transform("sum")
        return values.groupby(pair).transform("sum") - own

    count = others(votes.abs())
    share = (1 + votes * others(votes) / count.where(count > 0)) / 2
    return share.where(votes != 0).to_numpy(float)


def _pair(rows: DataFrame) -> Series:
    swapped = rows["a"] > rows["b"]
    return rows["a"].where(~swapped, rows["b"]) + " / " + rows["b"].where(~swapped, rows["a"])


def _mean(values: np.ndarray) -> float | None:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else None


def _intervals(
    values: np.ndarray, rows: DataFrame, resamples: int, seed: int, most: float = 1
) -> dict[str, Any]:
    # Of shares, which are at most 1, or of losses.
    known = np.isfinite(values)
    values, rows = values[known], rows[known]
    found = {}
    for by in WAYS:
        groups = count(rows, by) if len(rows) else 0
        if not resamples or groups < 2:
            continue
        of = codes(rows, by)
        sums, sizes = np.bincount(of, values), np.bincount(of)
        drawn = draw(of, resamples, np.random.default_rng(seed))
        ends = interval((drawn @ sums) / (drawn @ sizes), float(values.mean()), groups)
        found[by] = ends and [min(max(end, 0.0), most) for end in ends]
    return found


def _as_text(column: Series) -> Series:
    return column.astype(str)
