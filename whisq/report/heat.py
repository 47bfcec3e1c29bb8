"""A map as a panel of a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from whisq.report.embedding import LESS, MORE, full_range
from whisq.report.maps import TITLES, Maps

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def heat(panel: Axes, maps: Maps, name: str) -> None:
    """Draw a map, in doublings over even.

    Args:
        panel: Where.
        maps: The clip's.
        name: Of `TITLES`.
    """
    from matplotlib.colors import LinearSegmentedColormap

    values = maps.maps[name]
    ends = [tuple(part / 255 for part in colour) for colour in (LESS, MORE)]
    colours = LinearSegmentedColormap.from_list("even", [ends[0], "white", ends[1]])
    most = full_range(values)
    rows = np.arange(len(maps.words) + 1) - 0.5
    doublings = np.log2(np.maximum(values, 1e-6))
    mesh = panel.pcolormesh(maps.edges, rows, doublings, cmap=colours, vmin=-most, vmax=most)
    panel.set_yticks(range(len(maps.words)), maps.words)
    panel.set(title=TITLES[name], xlabel="seconds", ylim=(rows[-1], rows[0]))
    bar = panel.figure.colorbar(mesh, ax=panel, ticks=[-most, 0, most])
    bar.ax.set_yticklabels([f"1/{2**most:.3g}", "even", f"{2**most:.3g} times"])
