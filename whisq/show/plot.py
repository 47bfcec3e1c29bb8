"""A plot, defined once: a page holds it as SVG, MLflow and `metrics/plots` as PNG.

As SVG it has the page's own colours in light and dark, and ids that clash with no other plot's.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pandas import Series

INK = "#0a0b0c"  # drawn as the page's own text colour, light or dark
FAINT = "#8a8f98"
COLOURS = {"omq": "#3a7fc4", "ta": "#d0680c", "other": "#8a5cc2"}
"""Each at least 3:1 against the page in light and in dark."""
NAMES = {"omq": "OMQ, musical quality", "ta": "TA, textual alignment"}
MOS = (0.8, 5.2)
LINE = 0.2  # inches a row of names
TITLE = 0.4  # inches above a sheet of plots
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
class Plot:
    """One panel.

    Attributes:
        name: Unique on the page; letters, digits and hyphens.
        caption: What it shows, in words that stand for it.
        draw: Draws it in the empty panel that it is given.
        width: Inches; 3 fit a phone, and four times a screen.
        height: Inches.
    """

    name: str
    caption: str
    draw: Callable[[Any], None]
    width: float = 3.0
    height: float = 2.8

    @property
    def svg(self) -> str:
        """The drawing as an element of a page, as wide as its place allows."""
        import matplotlib
        from matplotlib.figure import Figure

        file = io.StringIO()
        # Without pyplot: no window, no global state, nothing to close.
        with matplotlib.rc_context(STYLE):
            figure = Figure((self.width, self.height), layout="constrained")
            self.draw(figure.subplots())
            figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
        svg = re.sub(r"<metadata>.*?</metadata>", "", file.getvalue(), flags=re.DOTALL)
        svg = svg[svg.index("<svg") :]
        svg = re.sub(r'\bid="', f'id="{self.name}-', svg)
        svg = re.sub(r'(url\(#|href="#)', rf"\g<1>{self.name}-", svg)
        svg = re.sub(r'(<svg[^>]*?) width="([\d.]+)pt"([^>]*?)>', _sized, svg, count=1)
        return svg.replace(INK, "currentColor")


def png(plots: Sequence[Plot], title: str, columns: int = 2, dpi: int = 120) -> bytes:
    """Return plots, so many in a row, on a sheet: PNG, the same bytes each time."""
    import matplotlib
    from matplotlib.figure import Figure

    plots = plots or [Plot("nothing", "Nothing to show.", lambda panel: panel.set_axis_off())]
    rows = [plots[begin : begin + columns] for begin in range(0, len(plots), columns)]
    heights = [max(plot.height for plot in row) for row in rows]
    width = max(plot.width for plot in plots) * min(columns, len(plots))
    file = io.BytesIO()
    with matplotlib.rc_context(STYLE):
        sheet = Figure((width, sum(heights) + TITLE), layout="constrained")
        sheet.suptitle(title, wrap=True)
        parts = sheet.subfigures(len(rows), len(rows[0]), squeeze=False, height_ratios=heights)
        for part, plot in zip(parts.flat, plots, strict=False):
            plot.draw(part.subplots())
        # Without the version that matplotlib writes, the same result is the same file.
        sheet.savefig(file, format="png", dpi=dpi, metadata={"Software": None})
    return file.getvalue()


def beside_names(
    name: str,
    caption: str,
    axis: str,
    values: Series,
    half: np.ndarray,
    label: str,
    line: float = LINE,
) -> Plot:
    """Return a plot of named values with intervals around zero, a row each.

    Args:
        name: As of `Plot`.
        caption: As of `Plot`.
        axis: `omq` or `ta`.
        values: By their names, from below upwards, shape (names,).
        half: How far each interval reaches, shape (names,) or below and above, (2, names).
        label: What the values are.
        line: Inches a row.
    """
    # An interval of two clips spans the scale: it may leave the picture.
    far = float(values.abs().max())
    most = 1.1 * max(min(far + np.max(half), 2 * (far + np.median(half))), 1e-3)

    def draw(panel: Any) -> None:
        panel.axvline(0, color=FAINT, linewidth=1)
        places = range(len(values))
        panel.errorbar(values, places, xerr=half, fmt="o", markersize=4, color=COLOURS[axis])
        panel.set_yticks(places, values.index, fontsize=9 if line >= LINE else 7)
        panel.set(xlim=(-most, most), ylim=(-0.7, len(values) - 0.3))
        # Over and under the names too, which leave the panel less than a title needs.
        panel.figure.suptitle(NAMES[axis], fontsize=10)
        panel.figure.supxlabel(label, fontsize=9)

    return Plot(name, caption, draw, height=1 + line * len(values))


def _sized(match: re.Match) -> str:
    # It fills its place, but grows by a quarter at most.
    head = re.sub(r' height="[^"]*"', "", match[1] + match[3])
    most = float(match[2]) * 4 / 3 * 1.25
    return f'{head} aria-hidden="true" style="width:100%;max-width:{most:.0f}px">'
