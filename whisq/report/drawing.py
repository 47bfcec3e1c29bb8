"""Figures as SVG that a page can hold: its own colours in light and dark, no clash of names."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK = "#0a0b0c"  # drawn as the page's own text colour, light or dark
FAINT = "#8a8f98"
COLOURS = {"omq": "#3a7fc4", "ta": "#d0680c", "other": "#8a5cc2", "good": "#1f8f63"}
"""Each at least 3:1 against the page in light and in dark."""
NAMES = {"omq": "OMQ, musical quality", "ta": "TA, textual alignment"}
MOS = (0.8, 5.2)
STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "whisq",
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 10,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
}


@dataclass(frozen=True)
class Picture:
    """A drawn figure.

    Attributes:
        svg: The drawing, to be put into a page.
        caption: What it shows, in words that stand for it.
    """

    svg: str
    caption: str


class Sheet:
    """One panel that is being drawn, and the picture once it is done."""

    def __init__(self, figure: Figure, axes: Axes) -> None:
        """Take an empty panel.

        Args:
            figure: The figure.
            axes: Its panel.
        """
        self.figure, self.axes = figure, axes

    def picture(self, name: str, caption: str) -> Picture:
        """Finish.

        Args:
            name: Unique on the page; letters, digits and hyphens.
            caption: What the picture shows.

        Returns:
            The picture.
        """
        return Picture(to_svg(self.figure, name), caption)


@contextmanager
def sheet(width: float = 3.0, height: float = 2.8) -> Iterator[Sheet]:
    """Open an empty panel in the report's style.

    Args:
        width: Inches; 3 fit a phone, and four times a screen.
        height: Inches.

    Yields:
        The panel.
    """
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    # Without pyplot: no window, no global state, nothing to close.
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasSVG(figure)
        yield Sheet(figure, figure.subplots())


def to_svg(figure: Figure, name: str) -> str:
    """Write a figure as an SVG element.

    Args:
        figure: Drawn in the report's style.
        name: Put before the drawing's ids, which would clash with another's.

    Returns:
        The element, in the page's text colour, as wide as its place allows.
    """
    import matplotlib

    buffer = io.StringIO()
    with matplotlib.rc_context(STYLE):
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = re.sub(r'(url\(#|href="#)', rf"\g<1>{name}-", svg)
    svg = re.sub(r'(<svg[^>]*?) width="([\d.]+)pt"([^>]*?)>', _sized, svg, count=1)
    return svg.replace(INK, "currentColor")


def _sized(match: re.Match) -> str:
    # It fills its place, but grows by a quarter at most.
    head = re.sub(r' height="[^"]*"', "", match[1] + match[3])
    most = float(match[2]) * 4 / 3 * 1.25
    return f'{head} aria-hidden="true" style="width:100%;max-width:{most:.0f}px">'
