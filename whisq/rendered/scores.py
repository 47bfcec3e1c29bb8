"""Real public-domain pieces as plain arrays of notes, and their keys.

Source: the scores that come with music21: chorales of Bach, fife tunes of the American
revolution, the fiddle tunes of Ryan's Mammoth Collection, Joplin, Mozart, Chopin, Verdi.

Conventions: times are in quarter notes, pitches are MIDI numbers (60 is middle C), a tonic is a
pitch class from 0 (C) to 11.
"""

from __future__ import annotations

import importlib.util
import warnings
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from scipy.stats import zscore

from whisq.rendered.repertoire import VOCABULARY

# Krumhansl and Kessler's key profiles, from the tonic upwards.
_MAJOR = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
_MINOR = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)
_PROFILES = np.array(
    [np.roll(zscore(one), tonic) for one in (_MAJOR, _MINOR) for tonic in range(12)]
)

# The third and the sixth make the mode; the leading note stays as it is.
_SHIFTS = {"major": {3: 1, 8: 1}, "minor": {4: -1, 9: -1}}


@dataclass(frozen=True)
class Piece:
    """The notes of one piece, sorted by start.

    Attributes:
        pitch: (notes,) MIDI numbers.
        start: (notes,) in quarter notes from the beginning.
        length: (notes,) in quarter notes, above 0.
    """

    pitch: np.ndarray
    start: np.ndarray
    length: np.ndarray

    @property
    def end(self) -> float:
        """When the last note ends, in quarter notes."""
        return float((self.start + self.length).max())

    @property
    def onset_rate(self) -> float:
        """Distinct onsets in a quarter note."""
        return len(np.unique(self.start)) / self.end


@cache
def pieces(kind: str) -> tuple[Piece, ...]:
    """Return the pieces of one kind, always in the same order; a process parses them once."""
    return tuple(_parse(name) for name in VOCABULARY["kind"][kind]["pieces"])


def set_mode(pitch: np.ndarray, mode: str, tonic: int) -> np.ndarray:
    """Return pitches transposed to a tonic, their third and sixth bent to the mode.

    Args:
        pitch: (notes,) MIDI numbers in any key.
        mode: major or minor.
        tonic: Pitch class of the new tonic, 0 (C) to 11.
    """
    found, found_mode = find_key(pitch)
    degree = (pitch - found) % 12
    bend = np.zeros_like(pitch)
    for step, shift in _SHIFTS[mode].items() if found_mode != mode else ():
        bend[degree == step] = shift
    return pitch + bend + (tonic - found + 6) % 12 - 6


def find_key(pitch: np.ndarray) -> tuple[int, str]:
    """Return the tonic's pitch class, 0 (C) to 11, and the mode of the key that fits best.

    Source: Krumhansl and Kessler's probe-tone profiles, by correlation.
    """
    counts = np.bincount(pitch % 12, minlength=12)
    fits = _PROFILES @ (counts - counts.mean())
    mode, tonic = divmod(int(np.argmax(fits)), 12)
    return tonic, ("major", "minor")[mode]


def _parse(name: str) -> Piece:
    folder = importlib.util.find_spec("music21").submodule_search_locations[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # music21 warns of its optional parts and odd notation
        from music21 import converter

        # Its cache of pickles lies in a shared temporary folder: two processes would race for it.
        file, _, number = name.partition("#")
        path, number = Path(folder) / "corpus" / file, int(number) if number else None
        score = converter.parse(path, number=number, forceSource=True, storePickle=False)
        rows = [
            (pitch.midi, float(note.offset), float(note.quarterLength))
            for note in score.flatten().notes
            if note.quarterLength > 0
            for pitch in note.pitches
        ]
    pitch, start, length = np.array(sorted(rows, key=lambda row: (row[1], row[0]))).T
    return Piece(pitch.astype(int), start - start.min(), length)
