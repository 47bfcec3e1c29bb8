"""A map as the page shows it: a picture with words beside it and seconds below."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from whisq.report.embedding import full_range, map_address
from whisq.report.maps import TITLES, Maps

QUALITY = {"quality": "How much each moment counts for OMQ"}
TICKS = (0.5, 1, 2, 5, 10)  # seconds between labels


@dataclass(frozen=True)
class Shown:
    """One map, ready for the page.

    Attributes:
        title: What it shows.
        names: The rows' words.
        seconds: The length of the time axis.
        ticks: Where the time axis is labelled, seconds.
        address: The picture.
        words: What the picture says, for who can't see it.
        least: What the colour for less stands for, times even.
        most: The same for more.
    """

    title: str
    names: tuple[str, ...]
    seconds: float
    ticks: list[float]
    address: str
    words: str
    least: str
    most: str


def shown(maps: Maps, name: str) -> Shown:
    """Prepare a map.

    Args:
        maps: The clip's.
        name: Of `TITLES`.

    Returns:
        What the page needs.
    """
    title = (TITLES | QUALITY)[name]
    values = maps.maps[name]
    # Columns are of one width, though the last moment may end with the clip before its time.
    seconds = float(maps.edges[1]) * values.shape[1]
    most = 2 ** full_range(values)
    return Shown(
        title=title,
        names=maps.words,
        seconds=round(seconds, 3),
        ticks=ticks(seconds),
        address=map_address(values),
        words=f"{title}. {strongest(maps, values)}",
        least=f"1/{most:.3g}",
        most=f"{most:.3g}",
    )


def quality_strip(maps: Maps) -> Shown:
    """Prepare how much each moment counts for OMQ, as a map of one row.

    Args:
        maps: The clip's, of a network whose pooling has weights.

    Returns:
        What the page needs.
    """
    row = replace(maps, words=("OMQ",), maps={"quality": maps.quality[None]})
    return shown(row, "quality")


def strongest(maps: Maps, values: np.ndarray) -> str:
    """Say where each word's strongest moment is.

    Args:
        maps: The clip's.
        values: One of its maps, shape (words, moments).

    Returns:
        A sentence.
    """
    at = values.argmax(1)
    middle = (maps.edges[:-1] + maps.edges[1:]) / 2
    parts = [
        f"{word} at {middle[moment]:.1f} s ({row[moment]:.1f} times even)"
        for word, moment, row in zip(maps.words, at, values, strict=True)
    ]
    return "Strongest: " + ", ".join(parts) + "."


def ticks(seconds: float) -> list[float]:
    """Place labels on a time axis.

    Args:
        seconds: Its length.

    Returns:
        Seconds, from 0, at most seven of them.
    """
    step = next((step for step in TICKS if seconds / step <= 6), TICKS[-1])
    places = np.arange(0, seconds + 1e-9, step).tolist()
    return [int(place) if place == int(place) else place for place in places]
