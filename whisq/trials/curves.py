"""Learning curves: what more prompts, more clips or more raters of a clip are worth.

All points are tested on the same clips, by systems and to prompts that no training met, and each is
the mean of a few trainings on other draws of training clips.

Chosen: intervals draw systems and draws of training clips, both with replacement; differences are
taken on the same systems. A few draws are few: what they leave unseen, intervals do too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from pandas import DataFrame

from whisq.corpus.splits import Split
from whisq.evaluation.intervals import interval
from whisq.evaluation.judge import rounded
from whisq.evaluation.metrics import AXES
from whisq.evaluation.raters import ceilings
from whisq.evaluation.resampling import codes, draw
from whisq.training.recipe import Recipe
from whisq.trials.judging import RIDGE
from whisq.trials.part import Part
from whisq.trials.pool import Curves
from whisq.trials.trial import Trial, run
from whisq.trials.unseen import MODEL, over_folds, srcc

PARTIES = (MODEL, RIDGE)
Points = Mapping[Part, Sequence[DataFrame]]  # each point's answers, a draw each
Spread = tuple[np.ndarray, np.ndarray]  # a figure of each draw, and on every resample of systems


def learn(recipe: Recipe, curves: Curves, data: Path) -> dict[Part, list[DataFrame]]:
    """Train the network at every point, as often as there are draws.

    Args:
        recipe: Its choices; the draw is added to its seed.
        curves: Which points; one that two curves share is trained for both.
        data: The pool's folder.

    Returns:
        By point what everyone said of the test clips in each draw, as `judge_trial` tells it.

    Raises:
        RuntimeError: A training failed.
    """
    parts = list(dict.fromkeys(part for points in curves.points.values() for part in points))
    trials = [
        Trial(
            replace(recipe, seed=recipe.seed + number),
            "official",  # the pool's own split
            *(Split().folds, data),
            part=replace(part, draw=number),
            answers=True,
        )
        for part in parts
        for number in range(curves.draws)
    ]
    records = run(trials, curves.workers)
    failed = [record["error"] for record in records if "error" in record]
    if failed:
        raise RuntimeError(f"{len(failed)} of {len(trials)} trainings failed, first: {failed[0]}")
    said = [record["answers"] for record in records]
    return {
        part: said[at * curves.draws : (at + 1) * curves.draws] for at, part in enumerate(parts)
    }


def judge_points(
    curves: Mapping[str, Sequence[Part]], points: Points, resamples: int, seed: int
) -> dict[str, Any]:
    """Judge every point, and hold the points of each curve against its first.

    Args:
        curves: The points of each curve, by its name.
        points: What `learn` gave.
        resamples: Of the intervals.
        seed: Of the draws.

    Returns:
        `n_clips, n_systems, n_prompts` that were tested, `draws`, `ceilings` (by axis the SRCC that
        the raters allow), and `curves`: by name its points in order, each with `prompts`, `clips`,
        `raters` (of a clip), and by axis the `srcc` of the model (`mean`, its `interval` and each
        draw's under `draws`) and of the `ridge`, the model's `less_ridge`, and `less_first`, the
        model's less that at the first point (None there).
    """
    test = next(iter(points.values()))[0]
    systems, rng = codes(test, "system"), np.random.default_rng(seed)
    drawn = draw(systems, resamples, rng)
    count = len(next(iter(points.values())))
    told = partial(_told, drawn.shape[1], draw(np.arange(count), resamples, rng))
    spreads = {
        (part, party, axis): over_folds(
            answers, [drawn[:, systems]] * count, partial(srcc, party, axis)
        )
        for part, answers in points.items()
        for party in PARTIES
        for axis in AXES
    }

    def point(part: Part, first: Part) -> dict[str, Any]:
        found: dict[str, Any] = {
            "prompts": part.prompts,
            "clips": part.clips,
            "raters": part.raters,
        }
        for axis in AXES:
            own, ridge = spreads[part, MODEL, axis], spreads[part, RIDGE, axis]
            found[axis] = {
                "srcc": told(own),
                "ridge": told(ridge),
                "less_ridge": told(_less(own, ridge)),
                "less_first": None
                if part == first
                else told(_less(own, spreads[first, MODEL, axis])),
            }
        return found

    return rounded({
        "n_clips": len(test),
        "n_systems": drawn.shape[1],
        "n_prompts": test["prompt"].nunique(),
        "draws": count,
        "ceilings": {axis: part and part["srcc"] for axis, part in ceilings(test)["utt"].items()},
        "curves": {
            name: [point(part, parts[0]) for part in parts] for name, parts in curves.items()
        },
    })  # fmt: skip


def table(judged: Mapping[str, Any]) -> DataFrame:
    """Return what was found, one row a point and axis, intervals as `_low` and `_high`."""
    rows = []
    for curve, points in judged["curves"].items():
        for point in points:
            for axis in AXES:
                row = {"curve": curve} | {key: point[key] for key in ("prompts", "clips", "raters")}
                row["axis"] = axis
                for name, figure in point[axis].items():
                    mean, ends = (figure or {}).get("mean"), (figure or {}).get("interval")
                    low, high = ends or (None, None)
                    row |= {name: mean, f"{name}_low": low, f"{name}_high": high}
                rows.append(row)
    return DataFrame(rows)


def _less(one: Spread, other: Spread) -> Spread:
    return one[0] - other[0], one[1] - other[1]


def _told(systems: int, weights: np.ndarray, spread: Spread) -> dict[str, Any]:
    # Weights say how often each draw is in each resample, (resamples, draws). A draw in which
    # the figure is not defined leaves the mean to the others.
    points, resampled = spread
    known = np.isfinite(points)
    if not known.any():
        return {"mean": None, "interval": None, "draws": [None] * len(points)}
    mean = float(points[known].mean())
    kept = weights * known
    with np.errstate(invalid="ignore"):
        means = (kept * np.where(known, resampled.T, 0)).sum(axis=1) / kept.sum(axis=1)
    draws = [float(value) if np.isfinite(value) else None for value in points]
    return {"mean": mean, "interval": interval(means, mean, systems), "draws": draws}
