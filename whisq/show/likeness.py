"""Which faults of the sound a clip is like: those that, put on it once more, change it least.

A clip that is clipped already sounds much the same when it is clipped again. So every fault is
put on the clip at full strength, and how far its encoder states move is held against how far the
same fault moves clean music. tests/benchmarks/fault_likeness.py tells how often the first of the
list is the right one.
"""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from whisq.predictor import Predictor

REFERENCES = 4  # clean clips


class Likeness(NamedTuple):
    """How far a fault moves the clip.

    Attributes:
        fault: The fault.
        moved: In shares of how far it moves clean music, the median fault being 1; the less, the
            more the clip sounds so already.
    """

    fault: str
    moved: float


def likeness(predictor: Predictor, samples: np.ndarray) -> list[Likeness]:
    """Return every fault of the sound, the one that a clip is most like first.

    Args:
        predictor: A model; only its audio encoder is asked.
        samples: The clip, 16 kHz, shape (samples,).
    """
    from whisq.rendered.faults import SOUND_FAULTS

    clean = np.mean([moves(predictor, music) for music in references()], axis=0)
    shares = moves(predictor, samples) / clean
    shares /= np.median(shares)
    found = map(Likeness, SOUND_FAULTS, shares.tolist())
    return sorted(found, key=lambda fault: fault.moved)


def moves(predictor: Predictor, samples: np.ndarray) -> np.ndarray:
    """Put every fault on a clip at full strength and see how far its states move.

    Args:
        predictor: A model.
        samples: The clip, 16 kHz, shape (samples,).

    Returns:
        Distances of the states' means over time, shape (faults,).
    """
    from whisq.rendered.faults import SOUND_FAULTS, apply

    def mean(sound: np.ndarray) -> np.ndarray:
        return predictor.embed_audio(sound).mean(axis=1, dtype=np.float64).ravel()

    own = mean(samples)
    spoilt = [apply(name, samples, 1.0, None, np.random.default_rng(0)) for name in SOUND_FAULTS]
    return np.array([np.linalg.norm(mean(sound) - own) for sound in spoilt])


def references() -> list[np.ndarray]:
    """Return REFERENCES clean clips, each of another kind and instrument, 16 kHz, always alike."""
    from whisq.rendered.repertoire import CHOICES
    from whisq.rendered.requests import Request
    from whisq.rendered.studio import render

    kinds, players = CHOICES["kind"], CHOICES["instrument"]
    chosen = zip(
        range(REFERENCES), cycle(kinds), players, cycle(CHOICES["tempo"]), cycle(CHOICES["mode"])
    )
    return [render(Request(*values), (), number) for number, *values in chosen]
