"""Simulated text-to-music systems: how good each is, and what it gets wrong.

Conventions: quality and skill are standard scores, higher is better; weights sum to 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from whisq.rendered import faults

ALIGNMENT = 0.6
"""Correlation of quality and skill over the systems.

Chosen: so that the labels correlate near 0.45 over clips, below MusicEval's 0.79 on purpose:
there the quality alone tells the alignment, and a model scores well without reading a prompt."""

FAILINGS = ("kind", "instrument", "tempo", "mode", "order")
"""What a system may do otherwise than asked."""

# MusicEval's six systems that rated clips of prompts of their own, and how many of each.
DEMO_SHARES = np.array([25, 8, 54, 133, 7, 21]) / 248


@dataclass(frozen=True)
class System:
    """One simulated system.

    Attributes:
        name: S001 and on.
        quality: How well it sounds.
        skill: How well it follows the prompt.
        faults: Weight of each quality fault that it tends to; none for the reference.
        momentary: Chance that a fault lasts for a moment only, 0 to 1.
        failings: How prone it is to each of `FAILINGS`, 1 on average.
        demo_clips: How many clips of prompts of its own it gives; 0 when it plays the shared ones.
    """

    name: str
    quality: float
    skill: float
    faults: dict[str, float]
    momentary: float
    failings: dict[str, float]
    demo_clips: int


def systems(
    count: int, demo_systems: int, demo_clips: int, rng: np.random.Generator
) -> list[System]:
    """Draw the systems of a corpus.

    The spreads do not depend on luck: quality and skill are evenly spaced quantiles of a normal
    distribution, and their correlation is `ALIGNMENT` exactly.

    Args:
        count: How many, at least 4.
        demo_systems: How many of them have prompts of their own, fewer than count.
        demo_clips: Clips of those together, at least one each.
        rng: Draws the rest.

    Returns:
        The systems, by name; the best of those with shared prompts is the reference.

    Raises:
        ValueError: A count is out of range.
    """
    orphans = demo_clips > 0 and not demo_systems
    if count < 4 or not 0 <= demo_systems < count or demo_clips < demo_systems or orphans:
        raise ValueError(
            "systems must be at least 4, demo_systems fewer, demo_clips one or more for each: "
            f"given {count}, {demo_systems}, {demo_clips}"
        )
    quality, skill = _scores(count, rng)
    clips = np.zeros(count, dtype=int)
    clips[np.sort(rng.permutation(count)[:demo_systems])] = _shares(demo_systems, demo_clips)
    reference = int(np.argmax(np.where(clips > 0, -np.inf, quality)))
    made = []
    for place in range(count):
        weights = {} if place == reference else _weights(rng)
        made.append(
            System(
                name=f"S{place + 1:03d}",
                quality=float(quality[place]),
                skill=float(skill[place]),
                faults=weights,
                momentary=float(rng.uniform(0.1, 0.6)),
                failings=dict(zip(FAILINGS, rng.uniform(0.6, 1.4, len(FAILINGS)), strict=True)),
                demo_clips=int(clips[place]),
            )
        )
    return made


def _scores(count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    even = norm.ppf((np.arange(count) + 0.5) / count)
    even /= even.std()
    quality, other = rng.permutation(even), rng.permutation(even)
    other -= quality * (other @ quality) / count
    skill = ALIGNMENT * quality + np.sqrt(1 - ALIGNMENT**2) * other / other.std()
    return quality, skill


def _shares(demo_systems: int, demo_clips: int) -> np.ndarray:
    shares = np.resize(DEMO_SHARES, demo_systems)
    spare = demo_clips - demo_systems
    edges = np.round(np.cumsum(shares) / max(shares.sum(), 1e-9) * spare)
    return 1 + np.diff(edges, prepend=0).astype(int)


def _weights(rng: np.random.Generator) -> dict[str, float]:
    names = rng.permutation(faults.NAMES)[: rng.integers(2, 5)]
    return dict(zip(names.tolist(), rng.dirichlet(np.full(len(names), 2.0)), strict=True))
