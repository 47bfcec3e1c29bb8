"""Tables as a page holds them: text to show, and what a column is sorted by."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from whisq.evaluation.show import BLANK


@dataclass(frozen=True)
class Cell:
    """One entry.

    Attributes:
        text: What is shown.
        key: What it is sorted by: a number, or text; None stays last.
        strong: Whether it is set in bold.
    """

    text: str
    key: float | str | None
    strong: bool = False

    @property
    def number(self) -> bool:
        """Whether it is a figure, set to the right."""
        return not isinstance(self.key, str)


@dataclass(frozen=True)
class Table:
    """Rows under a caption that says what they were measured on.

    Attributes:
        caption: Names corpus, split and level.
        columns: Headings.
        rows: Cells, as many as there are headings.
        note: What the reader must know besides.
        tall: Whether it is long enough to scroll in a box of its own.
    """

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    note: str = ""
    tall: bool = False

    def numeric(self, column: int) -> bool:
        """Tell whether a column holds figures.

        Args:
            column: Its place, from 0.

        Returns:
            Whether all of its cells are figures or blank.
        """
        return all(row[column].number for row in self.rows)


def word(text: Any, strong: bool = False) -> Cell:
    """Make a cell of text.

    Args:
        text: What is shown; underscores become spaces.
        strong: Whether in bold.

    Returns:
        The cell.
    """
    shown = str(text).replace("_", " ")
    return Cell(shown, shown.lower(), strong)


def number(value: float | None, places: int = 3, sign: bool = False, strong: bool = False) -> Cell:
    """Make a cell of a figure.

    Args:
        value: The figure; None or NaN where there is none.
        places: Decimals.
        sign: Whether a plus is shown.
        strong: Whether in bold.

    Returns:
        The cell, a dash where there is no figure.
    """
    if value is None or math.isnan(value):
        return Cell(BLANK, None, strong)
    text = f"{value:{'+' if sign else ''}.{places}f}".replace("-", "−")
    return Cell(text, float(value), strong)


def span(ends: Sequence[float] | None) -> Cell:
    """Make a cell of an interval, sorted by its lower end.

    Args:
        ends: Both ends, or None.

    Returns:
        The cell.
    """
    if ends is None or any(end is None or math.isnan(end) for end in ends):
        return Cell(BLANK, None)
    text = " to ".join(f"{end:.2f}".replace("-", "−") for end in ends)
    return Cell(text, float(ends[0]))
