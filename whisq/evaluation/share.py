"""The headline: how far a model has come from the best floor to the ceiling."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from whisq.evaluation.intervals import interval
from whisq.evaluation.metrics import AXES
from whisq.evaluation.replicates import count, replicates

if TYPE_CHECKING:
    from pandas import DataFrame

BLIND = ("global_mean", "system_mean", "prompt_mean")
"""The floors that know a clip's system or prompt but nothing of the clip."""

NARROWEST = 0.05
"""A gap between floor and ceiling below this is within their own errors: no share is told."""


def shares(result: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Place the model's SRCC between the best floor's and the ceiling's.

    Args:
        result: A split's `utt`, `sys`, `floors` and `ceilings`.

    Returns:
        Level and axis by name: `share` (0 at the floor, 1 at the ceiling, negative below the
        floor; None where an end is unknown or they are nearer than NARROWEST), `floor` (its
        name), `floor_srcc` (0 where no floor ranks anything) and `ceiling_srcc`.
    """
    return {
        level: {axis: _share(result, level, axis) for axis in result[level]}
        for level in ("utt", "sys")
    }


def share_intervals(
    result: dict[str, Any],
    rated: DataFrame,
    predictions: DataFrame,
    floors: dict[str, DataFrame],
    resamples: int,
    seed: int,
) -> None:
    """Put a 95% interval, by system, beside each share in place; the ceiling is taken as known.

    Args:
        result: What `shares` gave.
        rated: Ratings indexed by clip id.
        predictions: The model's, indexed by the same ids.
        floors: Each floor's predictions by name.
        resamples: How many.
        seed: Of the draws.
    """
    model = replicates(rated, predictions, "system", resamples, seed)
    drawn: dict[str, dict] = {}
    for level in result:
        for axis in AXES:
            found = result[level].get(axis)
            if not found or found["share"] is None:
                continue
            name = found["floor"]
            if name is not None and name not in drawn:
                drawn[name] = replicates(rated, floors[name], "system", resamples, seed)
            floor = drawn[name][level][axis]["srcc"] if name else np.zeros(resamples)
            ceiling = found["ceiling_srcc"]
            moved = (model[level][axis]["srcc"] - floor) / (ceiling - floor)
            found["interval"] = interval(moved, found["share"], count(rated, "system"))


def _share(result: dict[str, Any], level: str, axis: str) -> dict[str, Any]:
    known = {
        name: result["floors"][name][level][axis]["srcc"]
        for name in BLIND
        if result["floors"].get(name, {}).get(level, {}).get(axis, {}).get("srcc") is not None
    }
    # Saying the same of every clip ranks nothing, and is always open.
    name = max(known, key=known.get) if any(value > 0 for value in known.values()) else None
    floor = known[name] if name else 0.0
    ceiling = ((result["ceilings"].get("raters") or {}).get(level, {}).get(axis) or {}).get("srcc")
    model = result[level][axis]["srcc"]
    usable = None not in (ceiling, model) and ceiling - floor >= NARROWEST
    return {
        "share": (model - floor) / (ceiling - floor) if usable else None,
        "floor": name,
        "floor_srcc": floor,
        "ceiling_srcc": ceiling,
    }
