"""A request played: a piece is chosen, cut, set in the mode and tempo, and given to its players.

Conventions: times are in seconds, levels in decibels.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import zscore

from whisq.corpus.rendered.instruments import INSTRUMENTS, Instrument
from whisq.corpus.rendered.requests import Request, reverse
from whisq.corpus.rendered.scores import Piece, pieces
from whisq.corpus.rendered.synthesis import RATE, Notes, play

# Chosen: tempo is heard as how many notes begin in a second; some kinds are busier than others.
ONSETS = {"slow": 1.6, "medium": 3.2, "fast": 6.4}
BUSYNESS = {"hymn": 0.75, "reel": 1.25, "motet": 0.75, "rag": 1.3, "serenade": 1.1, "waltz": 0.9}
LEVELS = {"quiet": -13.0, "even": 0.0, "loud": 3.0}

# Krumhansl and Kessler's key profiles, from the tonic upwards.
MAJOR = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
MINOR = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)
PROFILES = np.array([np.roll(zscore(one), tonic) for one in (MAJOR, MINOR) for tonic in range(12)])

# The third and the sixth make the mode; the leading note stays as it is.
SHIFTS = {"major": {3: 1, 8: 1}, "minor": {4: -1, 9: -1}}


@dataclass(frozen=True)
class Section:
    """A stretch of a clip in which nothing changes.

    Attributes:
        notes: What is played, times from the clip's beginning.
        instrument: Who plays it.
        start: When it begins, in seconds.
        end: When it ends, in seconds.
        level: Its loudness against the other section's, in decibels.
    """

    notes: Notes
    instrument: str
    start: float
    end: float
    level: float


def perform(request: Request, seconds: float, rng: np.random.Generator) -> tuple[Section, ...]:
    """Choose the music of a clip.

    Args:
        request: What is to be played (its wording is ignored).
        seconds: Length of the clip.
        rng: Chooses piece, place, key, pace and, for a request about order, when it changes.

    Returns:
        One section, or two when something changes half way.
    """
    tonic, jitter = int(rng.integers(12)), float(rng.uniform(0.93, 1.07))
    middle = seconds * float(rng.uniform(0.44, 0.56))
    first = _excerpt(request, tonic, jitter, rng)
    if not request.order:
        return (first.section(0.0, seconds),)
    then = replace(reverse(request), order="", then="")
    second = _excerpt(then, tonic, jitter, rng)
    return first.section(0.0, middle), second.section(middle, seconds)


def synthesize(sections: tuple[Section, ...], seconds: float) -> np.ndarray:
    """Turn sections into sound.

    Args:
        sections: What is played, in order.
        seconds: Length of the clip.

    Returns:
        Samples (seconds x 16,000,), float32, of no particular overall level.
    """
    total = np.zeros(round(seconds * RATE), dtype=np.float32)
    for section in sections:
        instrument = INSTRUMENTS[section.instrument]
        # A fault may have led a note out of range, where the synthesizer must not be asked.
        notes = replace(section.notes, pitch=fold(section.notes.pitch, instrument))
        sound = play(notes, instrument.program, seconds)
        part = sound[round(section.start * RATE) : round(section.end * RATE)]
        # Without this an order of instruments would be one of loudness: fonts are uneven.
        rms = float(np.sqrt(np.mean(np.square(part, dtype=np.float64))))
        total += sound * np.float32(10 ** (section.level / 20) / max(rms, 1e-4))
    return total


@dataclass(frozen=True)
class _Excerpt:
    """A piece set in key and tempo, and where in it to begin (quarter notes)."""

    piece: Piece
    request: Request
    begin: float
    quarter: float
    tonic: int

    def section(self, start: float, end: float) -> Section:
        # Cut what fills the time from start to end, both in seconds.
        times = self.piece.start - self.begin
        inside = (times >= 0) & (times * self.quarter < end - start - 0.05)
        begins = times[inside] * self.quarter
        pitch = set_mode(self.piece.pitch[inside], self.request.mode, self.tonic)
        length = np.minimum(self.piece.length[inside] * self.quarter, end - start - begins)
        pitch = fit(pitch, INSTRUMENTS[self.request.instrument])
        notes = Notes(pitch, begins + start, length, np.zeros(len(pitch)))
        return Section(notes, self.request.instrument, start, end, LEVELS[self.request.dynamics])


def _excerpt(request: Request, tonic: int, jitter: float, rng: np.random.Generator) -> _Excerpt:
    # A place that has a long enough stretch after it, were the piece to play for 8 seconds.
    choices = pieces(request.kind)
    piece = choices[rng.integers(len(choices))]
    rate = ONSETS[request.tempo] * BUSYNESS[request.kind] * jitter
    quarter = piece.onset_rate / rate
    latest = max(piece.end - 8.0 / quarter, 0.0)
    begins = np.unique(piece.start[piece.start <= latest])
    return _Excerpt(piece, request, float(begins[rng.integers(len(begins))]), quarter, tonic)


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


def fit(pitch: np.ndarray, instrument: Instrument) -> np.ndarray:
    """Move notes by whole octaves to where an instrument plays them.

    Args:
        pitch: (notes,) MIDI numbers, at least one.
        instrument: Who plays them.

    Returns:
        Pitches (notes,), their median near the instrument's centre, all within its range.
    """
    return fold(pitch + int(12 * np.round((instrument.centre - np.median(pitch)) / 12)), instrument)


def fold(pitch: np.ndarray, instrument: Instrument) -> np.ndarray:
    """Bring notes outside an instrument's range into it, by whole octaves.

    Args:
        pitch: (notes,) MIDI numbers.
        instrument: Who plays them; its range spans an octave at least.

    Returns:
        Pitches (notes,).
    """
    above = np.maximum(pitch - instrument.top, 0)
    below = np.maximum(instrument.bottom - pitch, 0)
    return pitch - 12 * -(-above // 12) + 12 * -(-below // 12)
