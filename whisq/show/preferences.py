"""Scores judged by preferences, as a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from whisq.evaluation.metrics import AXES
from whisq.show.table import Cell, Table, number, span, word

WAYS = {"prompt": "95%, drawing prompts", "system_pair": "95%, drawing system pairs"}


def judged(found: Mapping[str, Any], caption: str) -> Table:
    """Return accuracy and log-loss, with the raters' own agreement, and how ties are counted."""
    rows = [row for axis in AXES if axis in found for row in _rows(found[axis], axis)]
    left = f"; {found['missing']} clip(s) without a score are left out" if found["missing"] else ""
    note = (
        "Raters' ties count for no accuracy and as half a word for either clip in log-loss; a tie "
        "of scores is half right. Log-loss: nats, Bradley and Terry's scale fitted on other "
        "prompts; chance is 0.693. Ceiling: of any scorer, where raters agree so often; it lies "
        f"between their agreement and this{left}."
    )
    return Table(caption, ["axis", "figure", "value", *WAYS.values(), "words"], rows, note)


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
