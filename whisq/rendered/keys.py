"""The key that notes are in, and how to put them into another.

Conventions: pitches are MIDI numbers, a tonic is a pitch class from 0 (C) to 11.
"""

from __future__ import annotations

import numpy as np
from scipy.stats import zscore

# Krumhansl and Kessler's key profiles, from the tonic upwards.
MAJOR = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
MINOR = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)
PROFILES = np.array([np.roll(zscore(one), tonic) for one in (MAJOR, MINOR) for tonic in range(12)])

# The third and the sixth make the mode; the leading note stays as it is.
SHIFTS = {"major": {3: 1, 8: 1}, "minor": {4: -1, 9: -1}}


def set_mode(pitch: np.ndarray, mode: str, tonic: int) -> np.ndarray:
    """Transpose to a tonic and bend the third and the sixth to the mode.

    Args:
        pitch: (notes,) MIDI numbers in any key.
        mode: major or minor.
        tonic: Pitch class of the new tonic, 0 (C) to 11.

    Returns:
        Pitches (notes,) in the key asked for.
    """
    found, found_mode = find_key(pitch)
    degree = (pitch - found) % 12
    bend = np.zeros_like(pitch)
    for step, shift in SHIFTS[mode].items() if found_mode != mode else ():
        bend[degree == step] = shift
    return pitch + bend + (tonic - found + 6) % 12 - 6


def find_key(pitch: np.ndarray) -> tuple[int, str]:
    """Find the key whose profile the pitches fit best.

    Source: Krumhansl and Kessler's probe-tone profiles, by correlation.

    Args:
        pitch: (notes,) MIDI numbers.

    Returns:
        The tonic's pitch class, 0 (C) to 11, and major or minor.
    """
    counts = np.bincount(pitch % 12, minlength=12)
    fits = PROFILES @ (counts - counts.mean())
    mode, tonic = divmod(int(np.argmax(fits)), 12)
    return tonic, ("major", "minor")[mode]
