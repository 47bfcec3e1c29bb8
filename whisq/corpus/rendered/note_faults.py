"""Faults of the playing: they change the notes before any sound is made.

Each takes (notes, strength in 0 to 1, which notes are within reach, rng) and returns notes.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from whisq.corpus.rendered.synthesis import Notes


def wrong_notes(
    notes: Notes, strength: float, reach: np.ndarray, rng: np.random.Generator
) -> Notes:
    """Miss keys: up to 60% of the notes land one to three semitones away.

    Args:
        notes: What should be played.
        strength: Share of notes missed, of 60%.
        reach: (notes,) True where a note may be touched.
        rng: Picks the notes and how far they miss.

    Returns:
        The notes as played.
    """
    missed = reach & (rng.random(len(reach)) < 0.6 * strength)
    steps = rng.choice([-3, -2, -1, 1, 2, 3], size=len(reach))
    return replace(notes, pitch=notes.pitch + np.where(missed, steps, 0))


def detune(notes: Notes, strength: float, reach: np.ndarray, rng: np.random.Generator) -> Notes:
    """Play out of tune: a third of the notes sharp, a third flat, by up to 80 cents.

    Args:
        notes: What should be played.
        strength: How far out of tune, of 80 cents.
        reach: (notes,) True where a note may be touched.
        rng: Picks which notes are sharp and which flat.

    Returns:
        The notes as played.
    """
    signs = rng.choice([-1.0, 0.0, 1.0], size=len(reach))
    return replace(notes, cents=notes.cents + np.where(reach, signs * 80.0 * strength, 0.0))


def stumbling(notes: Notes, strength: float, reach: np.ndarray, rng: np.random.Generator) -> Notes:
    """Lose the beat: notes come early or late, by a standard deviation of up to 160 ms.

    Args:
        notes: What should be played.
        strength: How unsteady, of 160 ms.
        reach: (notes,) True where a note may be touched.
        rng: Draws the delays.

    Returns:
        The notes as played.
    """
    delay = np.where(reach, rng.standard_normal(len(reach)) * 0.16 * strength, 0.0)
    return replace(notes, start=np.maximum(notes.start + delay, 0.0))
