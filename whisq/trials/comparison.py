"""Variants side by side: means over trials, and paired differences with their intervals."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import numpy as np
from pandas import DataFrame
from scipy import stats

LEVEL = 0.95
TRIAL = ["protocol", "seed"]


def summarise(values: Iterable[float]) -> dict[str, Any]:
    """Describe one figure over trials, of which one that is not defined is None or NaN.

    Chosen: Student's interval of the mean; the trials of one protocol share clips, so it tells how
    far the figure moves with seeds and folds, not with other corpora.

    Returns:
        `mean`, `sd`, `n`, and `interval`, None where there are fewer than two values.
    """
    known = np.array([value for value in values if value is not None], dtype=float)
    known = known[np.isfinite(known)]
    found = {"mean": None, "sd": None, "n": len(known), "interval": None}
    if len(known):
        found["mean"] = mean = float(known.mean())
    if len(known) > 1:
        found["sd"] = sd = float(known.std(ddof=1))
        half = float(stats.t.ppf((1 + LEVEL) / 2, len(known) - 1)) * sd / len(known) ** 0.5
        found["interval"] = [mean - half, mean + half]
    return found


def compare(
    variants: Mapping[str, DataFrame], references: Collection[str], metrics: Collection[str]
) -> dict[str, Any]:
    """Compare variants trial by trial.

    Args:
        variants: Each variant's trials: `protocol`, `seed`, metrics, and `error` where one failed.
        references: Variants that the others are held against.
        metrics: Which figures.

    Returns:
        Variant, protocol and metric by name; a metric has `mean, sd, n, interval` and
        `difference`: by reference the same of the paired differences (this less the reference).
        A variant with failed trials also has `errors`.
    """
    found: dict[str, Any] = {}
    for name, trials in variants.items():
        others = {other: variants[other] for other in references if other in variants}
        others.pop(name, None)
        found[name] = {
            protocol: {metric: _figure(of, metric, others) for metric in metrics if metric in of}
            for protocol, of in trials.groupby("protocol", sort=False)
        }
        errors = list(trials["error"].dropna()) if "error" in trials else []
        if errors:
            found[name]["errors"] = errors
    return found


def table(compared: Mapping[str, Any]) -> DataFrame:
    """Return what `compare` found, one row a variant, protocol and metric.

    The columns are `variant, protocol, metric, mean, sd, n`, and for each reference the difference
    with the two ends of its interval.
    """
    rows = []
    for variant, protocols in compared.items():
        for protocol, metrics in protocols.items():
            if protocol == "errors":
                continue
            for metric, figure in metrics.items():
                row = {"variant": variant, "protocol": protocol, "metric": metric}
                row |= {key: figure[key] for key in ("mean", "sd", "n")}
                for other, difference in figure["difference"].items():
                    low, high = difference["interval"] or (None, None)
                    row |= {f"less_{other}": difference["mean"]}
                    row |= {f"less_{other}_low": low, f"less_{other}_high": high}
                rows.append(row)
    return DataFrame(rows)


def _figure(of: DataFrame, metric: str, others: Mapping[str, DataFrame]) -> dict[str, Any]:
    less = {name: summarise(_differences(of, other, metric)) for name, other in others.items()}
    return summarise(of[metric]) | {"difference": less}


def _differences(one: DataFrame, other: DataFrame, metric: str) -> list[float]:
    if metric not in other:
        return []
    joined = one.merge(other, on=TRIAL, suffixes=("", "_other"))
    return list(joined[metric] - joined[f"{metric}_other"])
