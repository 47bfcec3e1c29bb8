"""A corpus in numbers: how much of it there is, and how far its raters agree."""

from __future__ import annotations

from typing import Any

import numpy as np
from pandas import DataFrame, Series

WINDOW_SECONDS = 30.0
"""Whisper's window: what lies past it is not embedded."""


def summarise(clips: DataFrame, ratings: DataFrame, name: str) -> dict[str, Any]:
    """Return a corpus, split as it will be learnt, in numbers for JSON; None where undefined."""
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
        "raters": {axis: _raters(ratings[f"{axis}_raters"]) for axis in ("omq", "ta")},
    }


def grades(rows: Series) -> np.ndarray:
    """Return raters' grades from space-separated rows, blank where unknown.

    The shape is (clips, raters), with NaN for a clip that has another number of raters than most.
    """
    table = rows.astype(str).str.split(expand=True).to_numpy(dtype=float)
    given = (~np.isnan(table)).sum(axis=1)
    usual = np.bincount(given[given > 0], minlength=1).argmax()
    return np.where((given == usual)[:, None], table[:, :usual], np.nan)


def reliability(table: np.ndarray) -> tuple[float, float]:
    """Return one rater's reliability, ICC(1), and their mean's, ICC(k); NaN where undefined.

    By analysis of variance over the clips of what `grades` gave: one-way, because each clip has
    other raters.

    Source: Shrout and Fleiss, Intraclass correlations (1979).
    """
    table = table[~np.isnan(table).any(axis=1)]
    clips, raters = table.shape
    if clips < 2 or raters < 2:
        return np.nan, np.nan
    between = raters * table.mean(axis=1).var(ddof=1)
    within = table.var(axis=1, ddof=1).mean()
    if between == 0:
        return np.nan, np.nan
    agreed = between - within
    return float(agreed / (between + (raters - 1) * within)), float(agreed / between)


def _raters(rows: Series) -> dict[str, float | None]:
    table = grades(rows)
    one, mean = map(_rounded, reliability(table))
    count = table.shape[1]
    known = int((~np.isnan(table)).all(axis=1).sum()) if count else 0
    return {"per_clip": count or None, "clips": known, "icc1": one, "icck": mean}


def _spread(labels: Series) -> dict[str, Any]:
    return {
        "mean": _rounded(labels.mean()),
        "sd": _rounded(labels.std()),
        "levels": int(labels.nunique()),
    }


def _rounded(value: float) -> float | None:
    return round(float(value), 4) if np.isfinite(value) else None
