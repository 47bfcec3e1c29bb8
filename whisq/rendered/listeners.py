"""Simulated listeners: what a clip is worth, and what raters say of it.

Conventions: a latent rating is on the MOS scale, 1 to 5; a rating is a whole number, 1 to 5.
"""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from scipy.special import ndtri

PANEL = 14
"""Listeners in all; MusicEval had as many."""

RATERS = 5
"""Listeners who rate one clip; MusicEval had as many."""

BEST, DEPTH, SCALE = 4.65, 3.6, 2.0
"""Without faults; how much faults can take away; the damage that takes away 63% of it."""

ALIGNED, ALIGNED_DEPTH, ALIGNED_SCALE = 4.5, 3.0, 2.6
"""The same three for textual alignment, at average quality."""

HALO = 0.3
"""What quality adds to the alignment, per MOS: what sounds well is also said to fit better."""

BIAS, NOISE = 0.35, 0.74
"""Standard deviations: of one rater's leaning, and of one rating.

Chosen: so that one rater's reliability comes near the 0.49 measured on MusicEval."""


def omq(damage_done: float) -> float:
    """Return the latent rating of a clip's sound, given the sum of its faults' damage."""
    return BEST - DEPTH * (1.0 - np.exp(-damage_done / SCALE))


def damage(rating: float) -> float:
    """Return the damage that leads to a latent `omq`, or to the nearest that damage can reach."""
    rating = min(max(rating, BEST - DEPTH + 0.15), BEST)
    return float(-SCALE * np.log(1.0 - (BEST - rating) / DEPTH))


def ta(losses: float, quality: float) -> float:
    """Return the latent rating of how well a clip answers its prompt.

    Args:
        losses: Sum of its failures' damage, 0 or more.
        quality: Its latent omq.
    """
    lost = ALIGNED_DEPTH * (1.0 - np.exp(-losses / ALIGNED_SCALE))
    return ALIGNED - lost + HALO * (quality - 3.3)


def panel(rng: Generator) -> np.ndarray:
    """Return (listeners, 2) leanings on omq and ta, evenly spread whatever the seed."""
    even = ndtri((np.arange(PANEL) + 0.5) / PANEL)
    even *= BIAS / even.std()
    return np.stack([rng.permutation(even), rng.permutation(even)], axis=1)


def rate(
    leanings: np.ndarray, latent: tuple[float, float], rng: Generator, raters: int = RATERS
) -> np.ndarray:
    """Return what some of the panel say of a clip.

    Args:
        leanings: The panel.
        latent: The clip's latent omq and ta.
        rng: Draws who listens and how each is disposed.
        raters: How many, of PANEL.

    Returns:
        Rows (raters, 3) of whole numbers: listener from 0, omq and ta in 1 to 5.
    """
    who = np.sort(rng.permutation(PANEL)[:raters])
    heard = np.asarray(latent) + leanings[who] + NOISE * rng.standard_normal((raters, 2))
    return np.column_stack([who, np.clip(np.rint(heard), 1, 5).astype(int)])
