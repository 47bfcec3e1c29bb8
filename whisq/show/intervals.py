"""All four metrics with their intervals: of one answer, or of the difference of two."""

from __future__ import annotations

from typing import Any

from whisq.evaluation.metrics import METRICS
from whisq.show.table import LEVELS, Table, number, span, word


def every_metric(found: dict[str, Any], caption: str) -> Table:
    """Lay out all four metrics with their intervals.

    Args:
        found: The judge's result on a split, or what `whisq metrics` found.
        caption: What was judged, and on which clips.

    Returns:
        The table; where a metric is undefined its note says why.
    """
    ways, rows, undefined = _ways(found["intervals"]), [], []
    for level, said in LEVELS.items():
        for axis, scores in found[level].items():
            for metric in METRICS:
                ends = found["intervals"].get(level, {}).get(axis, {}).get(metric, {})
                names = [word(said), word(axis.upper()), word(metric.upper())]
                rows.append([*names, number(scores[metric]), *(span(ends.get(by)) for by in ways)])
            if "undefined" in scores:
                undefined.append(f"{axis.upper()} {said} is not defined: {scores['undefined']}.")
    heads = ["level", "axis", "metric", "value", *(f"95%, drawing {by}s" for by in ways)]
    note = "Clips of one system stand or fall together: the interval by systems is the honest one."
    return Table(caption, heads, rows, " ".join([note] * bool(ways) + undefined))


def differences(comparison: dict[str, Any], caption: str) -> Table:
    """Lay out a paired comparison.

    Args:
        comparison: What `intervals.compare` gave.
        caption: What was compared.

    Returns:
        A table of a row a level, axis and metric: the difference and, by whole systems and by
        whole prompts where there are any, its interval and how likely the first is better.
    """
    ways = _ways(comparison)[-2:]
    rows = [
        [
            word(f"{axis.upper()} {metric.upper()}, {LEVELS[level]}"),
            number(found["difference"], sign=True),
            *(span(found[by]["interval"], _chance(found[by]["better"])) for by in ways),
        ]
        for level, axes in comparison.items()
        for axis, metrics in axes.items()
        for metric, found in metrics.items()
    ]
    heads = ["metric", "A − B", *(f"95%, drawing {by}s (A better)" for by in ways)]
    return Table(caption, heads, rows)


def _ways(nested: dict[str, Any]) -> list[str]:
    # Such as by clip, system and prompt; the same for every figure.
    figures = (found for axes in nested.values() for m in axes.values() for found in m.values())
    return [by for by in next(figures, {}) if by != "difference"]


def _chance(better: float | None) -> str:
    return "" if better is None else f" ({better:.0%})"
