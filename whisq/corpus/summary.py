"""A corpus in numbers: how much of it there is, and how far its raters agree."""

from __future__ import annotations

from typing import Any

import numpy as np
from pandas import DataFrame

WINDOW_SECONDS = 30.0
"""Whisper's window: what lies past it is not embedded."""


def summarise(clips: DataFrame, ratings: DataFrame, name: str) -> dict[str, Any]:
    """Count and measure a corpus.

    Args:
        clips: The table of clips.
        ratings: The table of ratings, split as it will be learnt.
        name: What the corpus is called.

    Returns:
        Numbers by name, ready for JSON; what is undefined is None.
    """
    seconds = clips["seconds"]
    labelled = clips[clips["id"].isin(ratings["id"])]
    return {
        "corpus": name,
        "clips": len(clips),
        "unlabelled": len(clips) - len(labelled),
        "hours": _rounded(seconds.sum() / 3600),
        "seconds": {"median": _rounded(seconds.median()), "longest": _rounded(seconds.max())},
        "past_window": int((seconds > WINDOW_SECONDS).sum()),
        "systems": int(clips["system"].nunique()),
        "prompts": int(clips["prompt"].nunique()),
        "splits": ratings["split"].value_counts().sort_index().to_dict(),
        "labels": {axis: _spread(ratings[axis]) for axis in ("omq", "ta")},
        "omq_ta_correlation": _rounded(ratings["omq"].corr(ratings["ta"])),
        "raters": {axis: reliability(ratings[f"{axis}_raters"]) for axis in ("omq", "ta")},
    }


def reliability(raters: DataFrame) -> dict[str, float | None]:
    """Measure how far raters agree, by one-way analysis of variance over clips.

    One-way, because each clip has other raters. Clips with fewer raters than most are left out.

    Source: Shrout and Fleiss, Intraclass correlations (1979): ICC(1) and ICC(k).

    Args:
        raters: Space-separated ratings a clip, blank where unknown.

    Returns:
        `per_clip` raters, `clips` used, `icc1` (one rater's reliability) and `icck` (their
        mean's), each None where there are no raters' rows.
    """
    given = [text.split() for text in raters if text]
    if not given:
        return {"per_clip": None, "clips": 0, "icc1": None, "icck": None}
    sizes = [len(row) for row in given]
    k = max(set(sizes), key=sizes.count)
    table = np.array([row for row in given if len(row) == k], dtype=float)
    found = {"per_clip": k, "clips": len(table), "icc1": None, "icck": None}
    if k < 2 or len(table) < 2:
        return found
    between = k * table.mean(axis=1).var(ddof=1)
    within = table.var(axis=1, ddof=1).mean()
    if between > 0:
        found["icc1"] = _rounded((between - within) / (between + (k - 1) * within))
        found["icck"] = _rounded((between - within) / between)
    return found


def _spread(labels: DataFrame) -> dict[str, Any]:
    return {
        "mean": _rounded(labels.mean()),
        "sd": _rounded(labels.std()),
        "levels": int(labels.nunique()),
    }


def _rounded(value: float) -> float | None:
    return round(float(value), 4) if np.isfinite(value) else None
