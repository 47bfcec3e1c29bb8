"""A request played: a piece is chosen, cut, set in the mode and tempo, and given to its players.

Conventions: times are in seconds, levels in decibels.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from whisq.rendered.requests import INSTRUMENTS, Instrument, Request, reverse
from whisq.rendered.scores import Piece, pieces, set_mode
from whisq.rendered.synthesis import RATE, Notes, play

# Chosen: tempo is heard as how many notes begin in a second; some kinds are busier than others.
ONSETS = {"slow": 1.6, "medium": 3.2, "fast": 6.4}
BUSYNESS = {"hymn": 0.75, "reel": 1.25, "march": 1.0, "rag": 1.3, "serenade": 1.1, "waltz": 0.9}
# A drummer's quarter note: (General MIDI drum, when, how long), in quarter notes.
DRUMS = {"march": ((36, 0.0, 0.4), (38, 0.5, 0.2), (38, 0.75, 0.2))}
DRUM_LEVEL = -4.0  # decibels against who plays the tune

LEVELS = {"quiet": -13.0, "even": 0.0, "loud": 3.0}


@dataclass(frozen=True)
class Section:
    """A stretch of a clip in which nothing changes.

    Attributes:
        notes: What is played, times from the clip's beginning.
        instrument: Who plays it.
        start: When it begins, in seconds.
        end: When it ends, in seconds.
        level: Its loudness against the other section's, in decibels.
        drums: What the drummer adds; no notes in most kinds.
    """

    notes: Notes
    instrument: str
    start: float
    end: float
    level: float
    drums: Notes


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
        stretch = slice(round(section.start * RATE), round(section.end * RATE))
        tune = play(notes, instrument.program, seconds)
        drums = play(section.drums, None, seconds)
        # Without this an order of instruments would be one of loudness: fonts are uneven.
        total += _gain(tune[stretch], section.level) * tune
        total += _gain(drums[stretch], section.level + DRUM_LEVEL) * drums
    return total


def _gain(part: np.ndarray, level: float) -> np.float32:
    rms = float(np.sqrt(np.mean(np.square(part, dtype=np.float64))))
    return np.float32(10 ** (level / 20) / max(rms, 1e-4))


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
        return Section(
            Notes(pitch, begins + start, length, np.zeros(len(pitch))),
            self.request.instrument,
            start,
            end,
            LEVELS[self.request.dynamics],
            self._drums(start, end),
        )

    def _drums(self, start: float, end: float) -> Notes:
        # The beat falls on whole quarter notes of the piece, wherever the excerpt begins.
        beats = np.arange(int(end / self.quarter) + 1) - self.begin % 1
        hits = [
            (drum, start + (beat + when) * self.quarter, long * self.quarter)
            for beat in beats
            for drum, when, long in DRUMS.get(self.request.kind, ())
        ]
        hits = [hit for hit in hits if start <= hit[1] < end - 0.05]
        pitch, begins, length = np.array(hits, dtype=float).reshape(-1, 3).T
        return Notes(pitch.astype(int), begins, length, np.zeros(len(pitch)))


def _excerpt(request: Request, tonic: int, jitter: float, rng: np.random.Generator) -> _Excerpt:
    # A place that has a long enough stretch after it, were the piece to play for 8 seconds.
    choices = pieces(request.kind)
    piece = choices[rng.integers(len(choices))]
    rate = ONSETS[request.tempo] * BUSYNESS[request.kind] * jitter
    quarter = piece.onset_rate / rate
    latest = max(piece.end - 8.0 / quarter, 0.0)
    begins = np.unique(piece.start[piece.start <= latest])
    return _Excerpt(piece, request, float(begins[rng.integers(len(begins))]), quarter, tonic)


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
