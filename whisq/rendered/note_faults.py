"""Faults of the playing: they change the notes before any sound is made.

Each takes (notes, strength in 0 to 1, which notes are within reach, rng) and returns notes.
"""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np

from whisq.rendered.synthesis import Notes


def wrong_notes(
    notes: Notes, strength: float, reach: np.ndarray, rng: np.random.Generator
) -> Notes:
    """Miss keys: up to 90% of the notes go astray.

    A quarter of those that do leap by five to eleven semitones; the others are struck together
    with the keys on both sides.

    Args:
        notes: What should be played.
        strength: Share of notes that go astray, of 90%.
        reach: (notes,) True where a note may be touched.
        rng: Picks the notes and how they go astray.

    Returns:
        The notes as played, the keys struck by mistake last.
    """
    astray = reach & (rng.random(len(reach)) < 0.9 * strength)
    leaps = rng.random(len(reach)) < 0.25
    steps = rng.integers(5, 12, len(reach)) * rng.choice([-1, 1], len(reach))
    played = replace(notes, pitch=notes.pitch + np.where(astray & leaps, steps, 0))
    for neighbour in (-1, 1):
        played = _add(played, replace(notes, pitch=notes.pitch + neighbour), astray & ~leaps)
    return played


def detune(notes: Notes, strength: float, reach: np.ndarray, rng: np.random.Generator) -> Notes:
    """Play on two strings that disagree: one too high and one too low, by up to 70 cents each.

    Args:
        notes: What should be played.
        strength: How far off each is, of 70 cents.
        reach: (notes,) True where a note may be touched.
        rng: Not used; every fault takes one.

    Returns:
        The notes as played, the lower strings last.
    """
    cents = np.where(reach, 70.0 * strength, 0.0)
    return _add(replace(notes, cents=notes.cents + cents), replace(notes, cents=-cents), reach)


def stumbling(notes: Notes, strength: float, reach: np.ndarray, rng: np.random.Generator) -> Notes:
    """Lose the beat: notes come early or late, by a standard deviation of up to 250 ms.

    Args:
        notes: What should be played.
        strength: How unsteady, of 250 ms.
        reach: (notes,) True where a note may be touched.
        rng: Draws the delays.

    Returns:
        The notes as played.
    """
    delay = np.where(reach, rng.standard_normal(len(reach)) * 0.25 * strength, 0.0)
    return replace(notes, start=np.maximum(notes.start + delay, 0.0))


def _add(notes: Notes, others: Notes, chosen: np.ndarray) -> Notes:
    def join(name: str) -> np.ndarray:
        return np.concatenate([getattr(notes, name), getattr(others, name)[chosen]])

    return Notes(*(join(field.name) for field in fields(Notes)))
