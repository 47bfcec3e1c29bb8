"""Scores by system: means with intervals."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from whisq.scoring.rows import Row

LEVEL = 0.95


@dataclass(frozen=True)
class Mean:
    """The mean of a system's scores on one axis.

    Attributes:
        clips: How many scores there are.
        mean: 1 to 5; NaN of none.
        margin: Half the width of its interval; NaN of fewer than two.
    """

    clips: int
    mean: float
    margin: float

    def __str__(self) -> str:
        """Write it for people.

        Returns:
            Such as `3.12 ± 0.08`, or `-` for none.
        """
        if not self.clips:
            return "-"
        return f"{self.mean:.2f}" + ("" if math.isnan(self.margin) else f" ± {self.margin:.2f}")


def mean_of(scores: Sequence[float]) -> Mean:
    """Average scores.

    Chosen: Student's t interval over clips. It tells how far the mean would move with other clips
    of the same system, not how far the model is from listeners.

    Args:
        scores: 1 to 5 each.

    Returns:
        Their mean and the margin that holds it with 95% confidence.
    """
    from scipy.stats import t

    count = len(scores)
    mean = math.fsum(scores) / count if count else math.nan
    if count < 2:
        return Mean(count, mean, math.nan)
    spread = math.sqrt(math.fsum((score - mean) ** 2 for score in scores) / (count - 1))
    return Mean(count, mean, float(t.ppf((1 + LEVEL) / 2, count - 1)) * spread / math.sqrt(count))


def summary(rows: Iterable[Row]) -> str:
    """Lay out each system's means as a table for people.

    Args:
        rows: Scored and failed ones; those without a system stand under `-`.

    Returns:
        A line a system, by name, each ending in a line break.
    """
    systems: dict[str, list[Row]] = {}
    for row in rows:
        systems.setdefault(row.system or "-", []).append(row)
    lines = [("system", "clips", "failed", "omq (95%)", "ta (95%)")]
    for system, own in sorted(systems.items()):
        failed = sum(row.error is not None for row in own)
        omq = mean_of([row.omq for row in own if row.omq is not None])
        ta = mean_of([row.ta for row in own if row.ta is not None])
        lines.append((system, str(len(own)), str(failed), str(omq), str(ta)))
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    padded = (
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )
    return "".join(f"{line}\n" for line in padded)
