"""A map of words against seconds, defined once: a page lets it be played, a picture holds it."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.colors import LinearSegmentedColormap, to_rgba
from PIL import Image

from whisq.show.html import address
from whisq.show.plot import COLOURS, LINE, Plot

TITLES = {
    "transport": "Transport plan: where each word's share of the clip is moved",
    "text_to_audio": "Co-attention, words look at moments",
    "audio_to_text": "Co-attention, moments look at words",
    "quality": "How much each moment counts for OMQ",
}
RANGE = 2.0  # doublings at which a map's colour is full, unless the map needs more
COLUMNS = 120  # moments that are painted at most: more can't be told apart
TICKS = (0.5, 1, 2, 5, 10)  # seconds between labels
LESS, MORE = COLOURS["omq"], COLOURS["ta"]
SHADES = LinearSegmentedColormap.from_list(
    "even",
    [(0, LESS), (0.5, to_rgba(LESS, 0)), (0.5, to_rgba(MORE, 0)), (1, MORE)],
    N=511,
)


@dataclass(frozen=True)
class Heat:
    """One map: more than even in one colour, less in another, even clear.

    Attributes:
        name: Of `TITLES`.
        names: The rows' words.
        values: Shape (words, moments), 1 is even.
        edges: Where moments begin and end, seconds, shape (moments + 1,).
    """

    name: str
    names: tuple[str, ...]
    values: np.ndarray
    edges: np.ndarray

    @property
    def title(self) -> str:
        """What it shows."""
        return TITLES[self.name]

    @property
    def seconds(self) -> float:
        """The length of the time axis, whose columns are of one width."""
        # The last moment may end with the clip before its time.
        return round(float(self.edges[1]) * self.values.shape[1], 3)

    @property
    def ticks(self) -> list[float]:
        """Where the time axis is labelled, seconds from 0, at most seven of them."""
        step = next((step for step in TICKS if self.seconds / step <= 6), TICKS[-1])
        places = np.arange(0, self.seconds + 1e-9, step).tolist()
        return [int(place) if place == int(place) else place for place in places]

    @property
    def most(self) -> float:
        """Doublings or halvings at which the colour is full; never so few that even looks odd."""
        return max(RANGE, float(self._doublings.max()))

    @property
    def key(self) -> tuple[str, str]:
        """What the colours for less and for more stand for, times even."""
        return f"1/{2**self.most:.3g}", f"{2**self.most:.3g}"

    @property
    def words(self) -> str:
        """What it shows, for who can't see it: each word's strongest moment."""
        middle = (self.edges[:-1] + self.edges[1:]) / 2
        parts = [
            f"{name} at {middle[row.argmax()]:.1f} s ({row.max():.1f} times even)"
            for name, row in zip(self.names, self.values, strict=True)
        ]
        return f"{self.title}. Strongest: {', '.join(parts)}."

    @property
    def address(self) -> str:
        """A `data:` address of a PNG, a pixel an entry, that shows on light and on dark."""
        file = io.BytesIO()
        pixels = SHADES(self._doublings / self.most / 2 + 0.5, bytes=True)
        Image.fromarray(pixels).save(file, "PNG")
        return address("image/png", file.getvalue())

    @property
    def plot(self) -> Plot:
        """The same as a picture's panel."""
        rows, (less, more) = len(self.names), self.key

        def draw(panel: Any) -> None:
            extent = (0, self.seconds, rows - 0.5, -0.5)
            style = {"cmap": SHADES, "vmin": -self.most, "vmax": self.most, "aspect": "auto"}
            mesh = panel.imshow(self._doublings, extent=extent, interpolation="nearest", **style)
            panel.set_yticks(range(rows), self.names)
            panel.set(title=self.title, xlabel="seconds")
            bar = panel.figure.colorbar(mesh, ax=panel, ticks=[-self.most, 0, self.most])
            bar.ax.set_yticklabels([less, "even", f"{more} times"])

        return Plot(f"map-{self.name}", self.words, draw, width=9, height=0.9 + LINE * rows)

    @cached_property
    def _doublings(self) -> np.ndarray:
        # Neighbouring moments are averaged until there are as many as can be told apart.
        moments = self.values.shape[1]
        edges = np.linspace(0, moments, min(moments, COLUMNS) + 1).round().astype(int)
        parts = [self.values[:, begin:end].mean(1) for begin, end in pairwise(edges)]
        return np.log2(np.maximum(np.stack(parts, 1), 1e-6))
