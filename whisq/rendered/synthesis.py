"""Notes in, samples out: a General MIDI sound font at 16 kHz, mono.

Conventions: times are in seconds, pitches are MIDI numbers, detuning is in cents (hundredths of
a semitone), samples are float32.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import scipy  # its parts are imported when they are first used

RATE = 16_000
"""Samples a second of everything that is rendered (hertz)."""

# Played at twice the rate: at 16 kHz the synthesizer folds high partials back into the band, and
# loops for ever on notes whose looped sample becomes too short (the organ's middle octave).
OVERSAMPLING = 2

# Of a note held past the end of its recording (strings: 1.7 s) the synthesizer reads, once, memory
# that is not the recording's: a click that differs from run to run.
LONGEST_NOTE = 1.6  # seconds

LAST = 0.05  # seconds before a stretch of music ends, within which no note begins

TICKS_PER_SECOND = 960  # a quarter note of 480 ticks at the default 120 quarter notes a minute


@dataclass(frozen=True)
class Notes:
    """Notes ready to be played.

    Attributes:
        pitch: (notes,) MIDI numbers.
        start: (notes,) in seconds.
        length: (notes,) in seconds, above 0.
        cents: (notes,) how far each is out of tune; few distinct values.
    """

    pitch: np.ndarray
    start: np.ndarray
    length: np.ndarray
    cents: np.ndarray


def play(notes: Notes, program: int | None, seconds: float) -> np.ndarray:
    """Return samples (seconds x 16,000,) of notes played on one instrument, not normalised.

    The program is General MIDI's, 0 to 127; None is the drum kit.
    """
    count = round(seconds * RATE)
    total = np.zeros(count, dtype=np.float32)
    for cents in np.unique(notes.cents):
        chosen = notes.cents == cents
        # Played slower and then sped up by the same ratio: in time, and out of tune.
        ratio = 2.0 ** (cents / 1200.0)
        layer = _render(notes, chosen, ratio, program)
        if ratio != 1.0:
            layer = sample_at(layer, np.arange(count) * ratio)
        total[: len(layer)] += layer[:count]
    return total


def sample_at(samples: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Return samples (m,) at positions (m,) between samples (n,); silence lies beyond the ends."""
    return scipy.ndimage.map_coordinates(samples, positions[None], order=3, mode="constant").astype(
        np.float32
    )


def _render(notes: Notes, chosen: np.ndarray, ratio: float, program: int | None) -> np.ndarray:
    from symusic import Note, Score, Track

    scale = TICKS_PER_SECOND * ratio
    start = np.round(notes.start[chosen] * scale).astype(int)
    held = np.minimum(notes.length[chosen], LONGEST_NOTE)
    length = np.maximum(np.round(held * scale).astype(int), 1)
    track = Track("", program or 0, program is None)
    pitch = notes.pitch[chosen]
    track.notes = Note.from_numpy(start, length, pitch, np.full_like(pitch, 100))
    score = Score(480)
    score.tracks.append(track)
    sound = np.asarray(_synthesizer().render(score, stereo=False), dtype=np.float32)[0]
    return scipy.signal.resample_poly(sound, 1, OVERSAMPLING).astype(np.float32)


@cache
def _synthesizer():
    from symusic import Synthesizer

    # Found without importing pretty_midi, which would import pkg_resources and its warnings.
    folder = importlib.util.find_spec("pretty_midi").submodule_search_locations[0]
    return Synthesizer(sf_path=str(Path(folder) / "TimGM6mb.sf2"), sample_rate=RATE * OVERSAMPLING)
