"""Models on corpora that they did and did not learn from: a table of train x test."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from whisq.evaluation.metrics import AXES
from whisq.show.results import Judged
from whisq.show.table import BLANK, Cell, Table, minus, word

SPLIT = "test"


def judged(result: dict[str, Any]) -> Judged:
    """Return what `across.evaluate` gave as a judged split, labelled with both corpora."""
    place = f"{result['corpus']}, all clips; learnt from {result['trained_on']}"
    return Judged(result[SPLIT], place)


def crossed(results: Sequence[dict[str, Any]]) -> Table:
    """Lay out the SRCC by clip of several results, with intervals by system.

    Args:
        results: What `across.evaluate` gave; of two of the same corpora the last counts.

    Returns:
        A row a training corpus, two columns a tested one; a dash where no result says.
    """
    by = {(one["trained_on"], one["corpus"]): one[SPLIT] for one in results}
    rows, columns = (list(dict.fromkeys(pair[at] for pair in by)) for at in (0, 1))
    cells = [
        [word(row), *(_cell(by.get((row, column)), axis) for column in columns for axis in AXES)]
        for row in rows
    ]
    heads = ["learnt from", *(f"{axis.upper()} on {column}" for column in columns for axis in AXES)]
    note = "Of all labelled clips of a corpus, by clip; 95% intervals drawing systems."
    return Table("SRCC of train x test", heads, cells, note)


def _cell(found: dict[str, Any] | None, axis: str) -> Cell:
    value = found and found["utt"][axis]["srcc"]
    if value is None:
        return Cell(BLANK, None)
    ways = found["intervals"]["utt"][axis].get("srcc", {})
    ends = ways.get("system") or ways.get("clip")
    sure = f" ({ends[0]:.2f} to {ends[1]:.2f})" if ends else ""
    return Cell(minus(f"{value:.2f}{sure}"), value)
