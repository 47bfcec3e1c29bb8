"""Scores judged by preferences, and what preferences teach, as tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from whisq.evaluation.metrics import AXES
from whisq.show.table import Cell, Table, minus, number, span, verbatim, word

WAYS = {"prompt": "95%, drawing prompts", "system_pair": "95%, drawing system pairs"}


def judged(found: Mapping[str, Any], caption: str) -> Table:
    """Return accuracy and log-loss, with the raters' own agreement, and how ties are counted."""
    rows = [row for axis in AXES if axis in found for row in _rows(found[axis], axis)]
    missing = found.get("missing", 0)
    left = f"; {missing} clip(s) without a score are left out" if missing else ""
    note = (
        "Raters' ties count for no accuracy and as half a word for either clip in log-loss; a tie "
        "of scores is half right. Log-loss: nats, Bradley and Terry's scale fitted on other "
        "prompts; chance is 0.693. Ceiling: of any scorer, where raters agree so often; it lies "
        f"between their agreement and this{left}."
    )
    return Table(caption, ["axis", "figure", "value", *WAYS.values(), "words"], rows, note)


def taught(found: Mapping[str, Any]) -> Table:
    """Return what `metrics/preferences.json` holds: a row a figure, a column an arm.

    Differences are in points of a hundred, this less the means', with Student's 95% interval.
    """
    arms = {name: next(iter(of.values())) for name, of in found["compared"].items()}
    rows = []
    for axis in AXES:
        for figure, name in {"accuracy": "of raters' words, right", "srcc": "SRCC"}.items():
            cells = [number(of[f"{axis}_{figure}"]["mean"]) for of in arms.values()]
            less = [_less(of[f"{axis}_{figure}"]) for arm, of in arms.items() if arm != "means"]
            rows.append([verbatim(f"{axis.upper()}, {name}"), *cells, *less])
    n = next(iter(arms.values()))["omq_accuracy"]["n"]
    caption = (
        f"Learnt from raters' means, from their preferences alone, and from both "
        f"({found['corpus']}, whole prompts held out, means of {n} trainings each)"
    )
    heads = [f"from {name}" for name in arms]
    heads += [f"{name} less means, points" for name in arms if name != "means"]
    return Table(caption, ["test clips", *heads], rows)


def _less(figure: Mapping[str, Any]) -> Cell:
    less = figure["difference"]["means"]
    points = 100 * less["mean"]
    ends = " to ".join(minus(f"{100 * end:.1f}") for end in less["interval"] or [])
    return Cell(minus(f"{points:+.1f}") + (f" ({ends})" if ends else ""), points)


def _rows(found: Mapping[str, Any], axis: str) -> list[list[Cell]]:
    words, ends = found["n"] - found["ties"], found["intervals"]
    rows = [
        _row(axis, "accuracy", found["accuracy"], ends["accuracy"], words),
        _row(axis, "log-loss", found["log_loss"], ends["log_loss"], found["n"]),
    ]
    raters = found["raters"]
    if raters:
        said = raters["agreement"], raters["intervals"], raters["n"]
        rows.append(_row(axis, "two raters agree", *said))
        rows.append(_row(axis, "ceiling of accuracy", raters["ceiling"], {}, raters["n"]))
    return rows


def _row(
    axis: str, name: str, value: float | None, ends: Mapping[str, Any], words: int
) -> list[Cell]:
    spans = [span(ends.get(by)) for by in WAYS]
    return [word(axis.upper()), word(name), number(value), *spans, number(words, 0)]
