"""Results as tables for people."""

from __future__ import annotations

from math import isnan
from typing import TYPE_CHECKING, Any

from whisq.evaluation.metrics import AXES, METRICS

if TYPE_CHECKING:
    from pandas import DataFrame
    from rich.table import Table

PLACES = [(level, axis) for level in ("utt", "sys") for axis in ("omq", "ta")]
BLANK = "–"


def number(value: float | None) -> str:
    """Write a figure with three decimals.

    Args:
        value: The figure, or None.

    Returns:
        The text; a dash for None.
    """
    return BLANK if value is None else f"{value:.3f}"


def span(ends: list[float] | None) -> str:
    """Write an interval with two decimals.

    Args:
        ends: Its two ends, or None.

    Returns:
        The text, blank for None.
    """
    return "" if ends is None else f"{ends[0]:.2f}..{ends[1]:.2f}"


def published(table: DataFrame) -> Table:
    """Show this run beside what is published.

    Args:
        table: Rows of `whisq.evaluation.published.published_table`.

    Returns:
        The table, with blanks where nothing was published or run.
    """
    from rich.table import Table

    shown = Table(title="MusicEval, SRCC: the paper, others, and this run", title_justify="left")
    for head in ("system", "split", "level", "omq", "ta", "over baseline", "note"):
        shown.add_column(head)
    for row in table.itertuples():
        scores = ["" if isnan(value) else f"{value:.3f}" for value in (row.omq_srcc, row.ta_srcc)]
        gains = zip(("omq", "ta"), (row.omq_gain, row.ta_gain), strict=True)
        gain = ", ".join(f"{axis} {value:+.1f}%" for axis, value in gains if not isnan(value))
        shown.add_row(row.system, row.split, row.level, *scores, gain, row.note)
    return shown


def standings(result: dict[str, Any], title: str) -> Table:
    """Lay out the SRCC of floors, model and ceilings, and what the model knows beyond systems.

    Args:
        result: One split of `metrics/evaluate.json`.
        title: Names the corpus and the split.

    Returns:
        A table, the model's row in bold, its intervals by system below.
    """
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    table.add_column("SRCC", no_wrap=True)
    for level, axis in PLACES:
        table.add_column(f"{level} {axis}", justify="right")
    for name, scores in result["floors"].items():
        table.add_row(f"floor {name}", *_srcc(scores))
    table.add_section()
    table.add_row("model", *_srcc(result), style="bold")
    ends = [result["intervals"].get(level, {}).get(axis, {}) for level, axis in PLACES]
    table.add_row("95%, by system", *(span(e.get("srcc", {}).get("system")) for e in ends))
    table.add_section()
    for name, scores in result["ceilings"].items():
        table.add_row(f"ceiling {name}", *_srcc(scores))
    shares = [result["share"][level][axis] for level, axis in PLACES]
    table.add_section()
    table.add_row("share of the way", *(number(share["share"]) for share in shares))
    within, worth = result["within"]["model"], result["raters_worth"]
    rows = {
        "inside a system": [within["system"][axis]["srcc"] for axis in AXES],
        "same-prompt pairs": [within["pairs"][axis]["agreement"] for axis in AXES],
        "worth in raters": [worth[axis]["raters"] for axis in AXES],
    }
    for name, values in rows.items():
        table.add_row(name, *map(number, values), "", "")
    return table


def floors(scores: dict[str, Any], title: str) -> Table:
    """Lay out the SRCC of floors.

    Args:
        scores: By floor, level, axis and metric.
        title: Where the floors come from.

    Returns:
        A table of a row a floor.
    """
    from rich.table import Table

    table = Table("floor", title=title, title_justify="left")
    for level, axis in PLACES:
        table.add_column(f"{level} {axis}", justify="right")
    for name, row in scores.items():
        table.add_row(name, *_srcc(row))
    return table


def figures(scores: dict[str, Any], intervals: dict[str, Any], title: str) -> Table:
    """Lay out all four metrics with their intervals.

    Args:
        scores: What `metrics.evaluate` gave.
        intervals: What `intervals.intervals` gave, or {}.
        title: What was evaluated.

    Returns:
        A table of a row a level, axis and metric.
    """
    from rich.table import Table

    ways = _ways(intervals)
    table = Table("level", "axis", "metric", title=title, title_justify="left")
    table.add_column("value", justify="right")
    for by in ways:
        table.add_column(f"95% by {by}", justify="right")
    for level in ("utt", "sys"):
        for axis, row in scores[level].items():
            for metric in METRICS:
                ends = intervals.get(level, {}).get(axis, {}).get(metric, {})
                cells = [span(ends.get(by)) for by in ways]
                table.add_row(level, axis, metric, number(row[metric]), *cells)
            if "undefined" in row:
                table.add_row("", "", "", f"({row['undefined']})")
    return table


def differences(comparison: dict[str, Any], title: str) -> Table:
    """Lay out a paired comparison.

    Args:
        comparison: What `intervals.compare` gave.
        title: What was compared.

    Returns:
        A table of a row a level, axis and metric: the difference and, by whole systems and by
        whole prompts where there are any, its interval and how likely the first is better.
    """
    from rich.table import Table

    ways = _ways(comparison)[-2:]
    table = Table(title=title, title_justify="left")
    for name in ("metric", "A - B", *(f"95% by {by} (A better)" for by in ways)):
        table.add_column(name, justify="left" if name == "metric" else "right")
    for level, axes in comparison.items():
        for axis, metrics in axes.items():
            for metric, found in metrics.items():
                cells = [f"{span(found[by]['interval'])} {_chance(found[by])}" for by in ways]
                name = f"{level} {axis} {metric}"
                table.add_row(name, number(found["difference"]), *cells)
    return table


def _srcc(scores: dict[str, Any]) -> list[str]:
    found = [(scores.get(level) or {}).get(axis) for level, axis in PLACES]
    return [number(row and row.get("srcc")) for row in found]


def _chance(found: dict[str, Any]) -> str:
    return "" if found["better"] is None else f"({found['better']:.0%})"


def _ways(nested: dict[str, Any]) -> list[str]:
    for axes in nested.values():
        for metrics in axes.values():
            for found in metrics.values():
                return [by for by in found if by != "difference"]
    return []
