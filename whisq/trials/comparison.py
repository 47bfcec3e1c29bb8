"""Variants side by side: means over trials, and paired differences with their intervals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from pandas import DataFrame
from scipy import stats

LEVEL = 0.95
TRIAL = ["protocol", "seed"]


def summarise(values: Iterable[float]) -> dict[str, Any]:
    """Describe one figure over trials.

    Chosen: Student's interval of the mean; the trials of one protocol share clips, so it tells how
    far the figure moves with seeds and folds, not with other corpora.

    Args:
        values: One a trial; NaN where not defined.

    Returns:
        `mean`, `sd`, `n`, and `interval`, None where there are fewer than two values.
    """
    known = np.array([value for value in values if value is not None], dtype=float)
    known = known[np.isfinite(known)]
    if not len(known):
        return {"mean": None, "sd": None, "n": 0, "interval": None}
    mean, n = float(known.mean()), len(known)
    if n < 2:
        return {"mean": mean, "sd": None, "n": n, "interval": None}
    sd = float(known.std(ddof=1))
    half = float(stats.t.ppf((1 + LEVEL) / 2, n - 1)) * sd / n**0.5
    return {"mean": mean, "sd": sd, "n": n, "interval": [mean - half, mean + half]}


def compare(
    variants: Mapping[str, DataFrame], references: Iterable[str], metrics: Iterable[str]
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
    references, metrics = [name for name in references if name in variants], list(metrics)
    found: dict[str, Any] = {}
    for name, trials in variants.items():
        found[name] = {
            protocol: {
                metric: summarise(of[metric])
                | {
                    "difference": {
                        other: summarise(_differences(of, variants[other], metric))
                        for other in references
                        if other != name
                    }
                }
                for metric in metrics
                if metric in of
            }
            for protocol, of in trials.groupby("protocol", sort=False)
        }
        errors = list(trials["error"].dropna()) if "error" in trials else []
        if errors:
            found[name]["errors"] = errors
    return found


def table(compared: Mapping[str, Any]) -> DataFrame:
    """Lay a comparison out, one row a variant, protocol and metric.

    Args:
        compared: What `compare` found.

    Returns:
        `variant, protocol, metric, mean, sd, n`, and for each reference the difference with the
        two ends of its interval.
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


def _differences(one: DataFrame, other: DataFrame, metric: str) -> list[float]:
    if metric not in other:
        return []
    joined = one.merge(other, on=TRIAL, suffixes=("", "_other"))
    return list(joined[metric] - joined[f"{metric}_other"])
