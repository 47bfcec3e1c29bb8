"""The labelled clips: how many, how rated, how long."""

from __future__ import annotations

from typing import Any

import numpy as np
from pandas import DataFrame, Series

from whisq.evaluation.metrics import AXES
from whisq.show.plot import COLOURS, NAMES, Plot
from whisq.show.run import Run
from whisq.show.table import Cell, Table, number, word

HEADS = (
    "split", "clips", "systems", "prompts", "hours",
    "OMQ mean", "OMQ sd", "TA mean", "TA sd", "OMQ-TA correlation",
)  # fmt: skip


def counts(run: Run) -> Table:
    """Return the corpus in numbers, one row a split and one for all."""
    rated, raters = run.rated, run.summary.get("raters", {})
    parts = [(split, rated[rated["split"] == split]) for split in ("train", "dev", "test")]
    rows = [_counted(name, part) for name, part in parts if len(part)]
    known = [
        f"{axis.upper()}: {raters[axis]['per_clip']} raters a clip, reliability of one "
        f"{raters[axis]['icc1']:.2f}, of their mean {raters[axis]['icck']:.2f}"
        for axis in AXES
        if raters.get(axis, {}).get("icck") is not None
    ]
    note = f"{'; '.join(known)}." if known else ""
    caption = f"Labelled clips ({run.evaluate['corpus']})"
    return Table(caption, HEADS, [*rows, _counted("all", rated)], note)


def spreads(run: Run) -> list[Plot]:
    """Return plots of how ratings and lengths are spread over the labelled clips."""
    rated, name = run.rated, run.evaluate["corpus"]
    bins, plots = np.arange(0.9, 5.2, 0.2), []
    for axis in AXES:
        known = rated[axis].dropna()
        if known.empty:
            continue
        caption = f"Ratings of {len(known)} clips ({name}): {NAMES[axis]}."
        draw = _histogram(known, bins, COLOURS[axis], "mean rating", NAMES[axis])
        plots.append(Plot(f"ratings-{axis}", caption, draw, height=2.2))
    draw = _histogram(rated["seconds"], 30, COLOURS["other"], "seconds", "Length")
    return [*plots, Plot("lengths", f"Lengths of the clips ({name}).", draw, height=2.2)]


def _counted(name: str, part: DataFrame) -> list[Cell]:
    whole = [len(part), part["system"].nunique(), part["prompt"].nunique()]
    figures = [part["seconds"].sum() / 3600]
    figures += [figure for axis in AXES for figure in (part[axis].mean(), part[axis].std())]
    figures.append(part["omq"].corr(part["ta"]) if len(part) > 2 else None)
    cells = [*(number(count, 0) for count in whole), *(number(figure, 2) for figure in figures)]
    return [word(name, name == "all"), *cells]


def _histogram(values: Series, bins: Any, colour: str, label: str, title: str) -> Any:
    def draw(panel: Any) -> None:
        panel.hist(values, bins, color=colour)
        panel.set(xlabel=label, ylabel="clips", title=title)

    return draw
