"""What more prompts, clips or raters are worth: a table, and a picture of the three curves."""

from __future__ import annotations

from typing import Any

from whisq.evaluation.metrics import AXES
from whisq.show.plot import COLOURS, FAINT, NAMES, Plot
from whisq.show.table import Cell, Table, minus, number, span, word

HELD = {
    "prompts": "{clips} clips, {raters} raters each",
    "clips": "{prompts} prompts, {raters} raters each",
    "raters": "{ratings} ratings, {prompts} prompts",
}
"""What stays the same along a curve."""
POINT = ("prompts", "clips", "raters")
ALONG = {"prompts": "prompts", "clips": "clips", "raters": "raters of a clip"}


def standings(found: dict[str, Any]) -> Table:
    """Return each point's SRCC with its interval, the ridge's, and the gain over the first.

    Args:
        found: The `corpus`, and what `whisq.trials.curves.judge_points` gave.
    """
    rows: list[list[Cell]] = []
    for curve, points in found["curves"].items():
        for point in points:
            cells = [word(ALONG[curve]), *(number(point[key], 0) for key in POINT)]
            for axis in AXES:
                less = point[axis]["less_first"] or {"mean": None, "interval": None}
                cells += [
                    number(point[axis]["srcc"]["mean"]),
                    number(point[axis]["ridge"]["mean"]),
                    number(less["mean"], sign=True),
                    span(less["interval"]),
                ]
            rows.append(cells)
    each = [
        f"{axis.upper()}, {what}"
        for axis in AXES
        for what in ("model", "ridge", "less the first", "95%")
    ]
    caption = (
        f"SRCC by clip on systems and prompts that no training met ({found['corpus']}, "
        f"{found['n_clips']} test clips of {found['n_systems']} systems and {found['n_prompts']} "
        f"prompts, the same at all points; means of {found['draws']} draws of training clips)"
    )
    return Table(caption, ["more", "prompts", "clips", "raters of a clip", *each], rows)


def said(found: dict[str, Any]) -> list[str]:
    """Return what each curve's last point is worth beside its first, an axis a sentence."""
    return [
        _gain(axis, curve, points) for curve, points in found["curves"].items() for axis in AXES
    ]


def plots(found: dict[str, Any]) -> list[Plot]:
    """Return a picture of each axis and curve, model and ridge, three to a row."""
    return [_curve(found, axis, curve) for axis in AXES for curve in found["curves"]]


def _kept(curve: str, first: dict[str, Any]) -> str:
    return HELD[curve].format(**first, ratings=first["clips"] * first["raters"])


def _gain(axis: str, curve: str, points: list[dict[str, Any]]) -> str:
    first, last = points[0], points[-1]
    means = [point[axis]["srcc"]["mean"] for point in (first, last)]
    less = last[axis]["less_first"]
    if None in (*means, less["interval"]):
        return f"{axis.upper()} over {ALONG[curve]}: not defined."
    low, high = less["interval"]
    verdict = "" if low > 0 or high < 0 else ": not told from nothing"
    text = (
        f"{axis.upper()} from {first[curve]} to {last[curve]} {ALONG[curve]} "
        f"({_kept(curve, first)}): {means[0]:.2f} to {means[1]:.2f}, {less['mean']:+.2f} "
        f"(95% {low:+.2f} to {high:+.2f}){verdict}."
    )
    return minus(text)


def _curve(found: dict[str, Any], axis: str, curve: str) -> Plot:
    points = found["curves"][curve]
    kept = _kept(curve, points[0])
    every = [point[axis] for each in found["curves"].values() for point in each]
    ends = [end for part in every for end in part["srcc"]["interval"] or [0]]
    limits = min(0, *ends) - 0.03, max(ends) + 0.03

    def draw(panel: Any) -> None:
        at = [point[curve] for point in points]
        for party, colour, marker in (("ridge", FAINT, "s"), ("srcc", COLOURS[axis], "o")):
            means = [point[axis][party]["mean"] for point in points]
            label = "ridge" if party == "ridge" else "model"
            panel.plot(at, means, marker=marker, markersize=4, color=colour, label=label)
        for place, point in zip(at, points, strict=True):
            if point[axis]["srcc"]["interval"]:
                panel.plot([place] * 2, point[axis]["srcc"]["interval"], color=COLOURS[axis])
        panel.set_xscale("log")
        panel.set_xticks(at, [f"{place}" for place in at])
        panel.minorticks_off()
        panel.set(ylim=limits, xlabel=f"{ALONG[curve]}\n({kept})", ylabel=f"{axis.upper()}, SRCC")
        panel.legend(fontsize=8, loc="lower right")

    caption = f"{NAMES[axis]}: SRCC by clip over {ALONG[curve]}, {kept} ({found['corpus']})."
    return Plot(f"curve-{curve}-{axis}", caption, draw, height=2.6)
