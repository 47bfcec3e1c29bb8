"""A table, defined once: a terminal prints it, a page sorts it, the README holds it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import rich.table

BLANK = "–"
LEVELS = {"utt": "by clip", "sys": "by system"}


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
    """Rows under a caption that names corpus, split and level.

    Attributes:
        caption: What was measured, and on what.
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
        """Return whether all cells of a column, counted from 0, are figures or blank."""
        return bool(self.rows) and all(row[column].number for row in self.rows)

    def __rich__(self) -> rich.table.Table:
        """Return the grid that rich prints."""
        from rich.table import Table as Grid
        from rich.text import Text

        grid = Grid(title=Text(self.caption), title_justify="left", caption_justify="left")
        grid.caption = Text(self.note) if self.note else None
        for place, heading in enumerate(self.columns):
            justify = "right" if self.numeric(place) else "left"
            grid.add_column(heading, justify=justify, overflow="fold", no_wrap=place == 0)
        for row in self.rows:
            grid.add_row(*(Text(cell.text, "bold" if cell.strong else "") for cell in row))
        return grid

    def markdown(self) -> str:
        """Return the caption, if there is one, and the rows as Markdown."""
        lines = [self.columns, ["---"] * len(self.columns)]
        lines += [[_marked(cell) for cell in row] for row in self.rows]
        rows = [f"| {' | '.join(line)} |" for line in lines]
        return "\n".join([self.caption, "", *rows] if self.caption else rows)


def word(text: Any, strong: bool = False) -> Cell:
    """Return a cell of a name, whose underscores become spaces."""
    return verbatim(str(text).replace("_", " "), strong)


def verbatim(text: Any, strong: bool = False) -> Cell:
    """Return a cell of text that is shown to the letter."""
    return Cell(str(text), str(text).lower(), strong)


def number(value: float | None, places: int = 3, sign: bool = False, strong: bool = False) -> Cell:
    """Return a cell of a figure with so many decimals; None and NaN make a dash."""
    if value is None or math.isnan(value):
        return Cell(BLANK, None, strong)
    return Cell(minus(f"{value:{'+' if sign else ''}.{places}f}"), float(value), strong)


def span(ends: Sequence[float] | None, after: str = "") -> Cell:
    """Return a cell of an interval, sorted by its lower end; None and NaN make a dash."""
    if ends is None or any(end is None or math.isnan(end) for end in ends):
        return Cell(BLANK, None)
    return Cell(minus(" to ".join(f"{end:.2f}" for end in ends)) + after, float(ends[0]))


def minus(text: str) -> str:
    """Return a figure with the sign that is as wide as a plus."""
    return text.replace("-", "−")


def _marked(cell: Cell) -> str:
    if cell.text == BLANK:
        return ""
    return f"**{cell.text}**" if cell.strong else cell.text
