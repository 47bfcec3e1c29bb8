"""What a number of ratings of a new generator is worth, as a table and plots."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from whisq.evaluation.metrics import AXES
from whisq.show.plot import COLOURS, FAINT, NAMES, Plot
from whisq.show.table import Cell, Table, minus, number, verbatim
from whisq.trials.adaptation import ADAPTED, BASE, SCRATCH


def table(found: Mapping[str, Any]) -> Table:
    """Return what `metrics/adaptation.json` holds, a row an axis and number of rated clips."""
    rows = [_row(found, axis, count) for axis in AXES for count in found["told"]]
    caption = (
        f"Clips of systems that the base never heard, prompts that were not rated "
        f"({found['corpus']}, means of {found['folds']} families of systems)"
    )
    heads = [f"SRCC, {who}" for who in ("base", "adapted", "from scratch")]
    heads += ["SRCC gained", "MSE gained", "base kept", "SRCC fell"]
    note = (
        "Gained: adapted less base, with Student's 95% interval over families; an MSE below zero "
        "is a gain. A family with fewer clips is left out of the higher numbers."
    )
    return Table(caption, ["axis", "rated clips", *heads], rows, note)


def _row(found: Mapping[str, Any], axis: str, count: str) -> list[Cell]:
    arms, told = found["compared"], found["told"][count]
    srcc = [arms[who][count][f"{axis}_srcc"] for who in (BASE, ADAPTED, SCRATCH)]
    return [
        verbatim(axis.upper()),
        number(float(count), 0),
        *(number(figure["mean"]) for figure in srcc),
        _gain(srcc[1]),
        _gain(arms[ADAPTED][count][f"{axis}_mse"]),
        verbatim(f"{told['kept_base']} of {told['runs']}"),
        verbatim(f"{told[f'{axis}_worse']} of {told['runs']}"),
    ]


def plots(found: Mapping[str, Any]) -> list[Plot]:
    """Return SRCC by the number of rated clips, a plot an axis."""
    return [_plot(found["compared"], axis) for axis in AXES]


def _plot(arms: Mapping[str, Any], axis: str) -> Plot:
    counts = [int(count) for count in arms[BASE]]
    styles = {
        ADAPTED: ("the base, adapted", COLOURS[axis], "-"),
        SCRATCH: ("from scratch", COLOURS["other"], "-"),
        BASE: ("the base as it was", FAINT, "--"),
    }

    def draw(panel: Any) -> None:
        for who, (label, colour, line) in styles.items():
            figures = [arms[who][str(count)][f"{axis}_srcc"] for count in counts]
            means = [figure["mean"] for figure in figures]
            panel.plot(counts, means, line, color=colour, label=label)
            if who == BASE:
                continue
            ends = [figure["interval"] or [figure["mean"]] * 2 for figure in figures]
            low, high = zip(*ends, strict=True)
            panel.fill_between(counts, low, high, color=colour, alpha=0.15, linewidth=0)
        panel.set(xscale="log", xlabel="rated clips of the new systems", ylabel="SRCC by clip")
        panel.set_xticks(counts, [str(count) for count in counts])
        panel.minorticks_off()
        panel.set_title(NAMES[axis])
        panel.legend(fontsize=8, loc="lower right")

    caption = (
        f"{NAMES[axis]}: SRCC on new systems by how many of their clips were rated, means over "
        "families of systems with Student's 95% interval."
    )
    return Plot(f"adaptation-{axis}", caption, draw, width=4.0)


def _gain(figure: Mapping[str, Any]) -> Cell:
    less = figure["difference"][BASE]
    ends = " to ".join(f"{end:+.2f}" for end in less["interval"] or [])
    text = f"{less['mean']:+.3f}" + (f" ({ends})" if ends else "")
    return Cell(minus(text), less["mean"])
