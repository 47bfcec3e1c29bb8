"""What a model is worth where it is used: figures over folds that hold out systems or prompts.

Each fold is a training of its own, so that its clips are compared with each other alone: a figure
is the mean over folds. Beside the model stand the floors of the same folds, fitted on the same
training clips.

Chosen: intervals draw systems, from those of all folds at once, because clips of one system stand
or fall together, and where prompts are held out each fold hears all systems.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from pandas import DataFrame, concat

from whisq.corpus.summary import grades
from whisq.evaluation.floors import FLOORS
from whisq.evaluation.intervals import interval
from whisq.evaluation.judge import rounded
from whisq.evaluation.metrics import AXES, DECIMALS, agreement, known
from whisq.evaluation.raters import ceilings, one_rater
from whisq.evaluation.resampling import codes, draw, weighted
from whisq.trials.judging import RIDGE

MODEL = "model"
PARTIES = (*FLOORS, RIDGE, MODEL)
SAME = 10.0**-DECIMALS

# From a fold's clips and how often each was drawn, (resamples, clips), to (resamples,) figures.
Figure = Callable[[DataFrame, np.ndarray], np.ndarray]


def unseen(
    protocols: Mapping[str, Sequence[DataFrame]], resamples: int, seed: int
) -> dict[str, Any]:
    """Judge the folds of each protocol.

    Args:
        protocols: By protocol each fold's `answers`, as `judge_trial` gives them.
        resamples: Of the intervals.
        seed: Of the draws.

    Returns:
        By protocol `n_clips, n_systems, n_prompts`; `parties`, by name and axis the `srcc` of the
        model and each floor; `less_ridge`, by axis the model's SRCC less the ridge's; and `swap`.
        Each is the `mean` over folds, its `interval` and the `folds`, None where one is not
        defined. Beside `srcc` stands the `agreement` with the raters' mean on which of two clips
        is better, 0 to 1 (0.5 is chance); and under `raters` by axis their `ceiling` for SRCC, and
        `one`, the agreement of one rater with the mean of the others. An axis on which no clip is
        rated is left out.
    """
    return rounded({name: _judged(folds, resamples, seed) for name, folds in protocols.items()})


def _judged(folds: Sequence[DataFrame], resamples: int, seed: int) -> dict[str, Any]:
    everyone = concat(folds)
    systems = codes(everyone, "system")
    drawn = draw(systems, resamples, np.random.default_rng(seed))
    ends = np.cumsum([len(fold) for fold in folds])[:-1]
    weights = [drawn[:, part] for part in np.split(systems, ends)]
    over = partial(over_folds, folds, weights)
    told = partial(_told, drawn.shape[1])
    axes = [axis for axis in AXES if everyone[axis].notna().any()]
    judged = [(party, axis) for party in PARTIES for axis in axes if f"{party}_{axis}" in everyone]
    ranked = {one: over(partial(srcc, *one)) for one in judged}
    parties: dict[str, Any] = {party: {} for party, _ in judged}
    for (party, axis), figures in ranked.items():
        agreed = _mean([agreement(*_pair(party, axis, fold))["agreement"] for fold in folds])
        parties[party][axis] = {"srcc": told(*figures, scale="fisher"), "agreement": agreed}
    less = {
        axis: [
            own - ridge for own, ridge in zip(ranked[MODEL, axis], ranked[RIDGE, axis], strict=True)
        ]
        for axis in axes
    }
    return {
        "n_clips": len(everyone),
        "n_systems": drawn.shape[1],
        "n_prompts": everyone["prompt"].nunique(),
        "parties": parties,
        "less_ridge": {axis: told(*figures) for axis, figures in less.items()},
        "swap": told(*over(_swap)),
        "raters": _raters(folds, axes, seed),
    }


def over_folds(
    folds: Sequence[DataFrame], weights: Sequence[np.ndarray], figure: Figure
) -> tuple[np.ndarray, np.ndarray]:
    """Return each fold's figure as it is, (folds,), and on every resample, (folds, resamples)."""
    points = [figure(fold, np.ones((1, len(fold))))[0] for fold in folds]
    return np.array(points), np.array([figure(*pair) for pair in zip(folds, weights, strict=True)])


def _told(
    systems: int, points: np.ndarray, resampled: np.ndarray, scale: str = "plain"
) -> dict[str, Any]:
    mean = _mean(points)
    with warnings.catch_warnings(action="ignore", category=RuntimeWarning):
        means = np.nanmean(resampled, axis=0)  # NaN, with a warning, where no fold defines it
    ends = interval(means, mean, systems, scale)
    return {"mean": mean, "interval": ends, "folds": [_mean([point]) for point in points]}


def srcc(party: str, axis: str, fold: DataFrame, weights: np.ndarray) -> np.ndarray:
    """Return the SRCC of a party on every resample of a fold, (resamples,); see `Figure`."""
    rating, said = _pair(party, axis, fold)
    weights = weights[:, fold[axis].notna()]
    if not len(said) or np.ptp(said) < SAME:
        return np.full(len(weights), np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):  # a resample without a clip of the fold
        return weighted(rating, said, weights)["srcc"]


def _swap(fold: DataFrame, weights: np.ndarray) -> np.ndarray:
    asked = fold["swap"].notna().to_numpy()
    weights = weights[:, asked]
    count = weights.sum(axis=1)
    return weights @ fold["swap"].to_numpy(float)[asked] / np.where(count > 0, count, np.nan)


def _pair(party: str, axis: str, fold: DataFrame) -> list[np.ndarray]:
    return known(fold[axis], fold[f"{party}_{axis}"])


def _raters(
    folds: Sequence[DataFrame], axes: Sequence[str], seed: int
) -> dict[str, dict[str, float | None]]:
    found = [ceilings(fold, seed)["utt"] for fold in folds]
    return {
        axis: {
            "ceiling": _mean([part[axis] and part[axis]["srcc"] for part in found]),
            "one": _mean([one_rater(grades(fold[f"{axis}_raters"])) for fold in folds]),
        }
        for axis in axes
    }


def _mean(values: Sequence[float | None]) -> float | None:
    defined = [value for value in values if value is not None and np.isfinite(value)]
    return float(np.mean(defined)) if defined else None
