"""What a number of ratings of a new generator is worth, as a table and plots."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from whisq.evaluation.metrics import AXES
from whisq.show.plot import COLOURS, FAINT, NAMES, Plot
from whisq.show.table import Cell, Table, minus, number, verbatim
from whisq.trials.adaptation import ADAPTED, BASE, SCRATCH


def table(found: Mapping[str, Any]) -> Table:
    """Return what `metrics/adaptation.json` holds, a row a number of rated clips."""
    arms, rows = found["compared"], []
    for count in arms[BASE]:
        cells = [
            number(arms[who][count][f"{axis}_srcc"]["mean"])
            for axis in AXES
            for who in (BASE, ADAPTED, SCRATCH)
        ]
        gains = [_gain(arms[ADAPTED][count][f"{axis}_srcc"]) for axis in AXES]
        told = found["told"][count]
        rows.append(
            [
                number(float(count), 0),
                *cells,
                *gains,
                verbatim(f"{told['kept_base']} of {told['runs']}"),
                verbatim(" / ".join(str(told[f"{axis}_worse"]) for axis in AXES)),
            ]
        )
    heads = [
        f"{axis.upper()}, {who}" for axis in AXES for who in ("base", "adapted", "from scratch")
    ]
    heads += [f"{axis.upper()}, gained" for axis in AXES]
    caption = (
        f"SRCC by clip on systems that the base never heard, prompts that were not rated "
        f"({found['corpus']}, means of {found['folds']} families of systems)"
    )
    return Table(
        caption,
        ["rated clips", *heads, "base kept", "worse, OMQ / TA"],
        rows,
        "Gained: adapted less base, with Student's 95% interval over families.",
    )


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
