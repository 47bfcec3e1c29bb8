"""Bands: drums, bass, chords and a tune by the patterns of a style, for requests of `bands.toml`.

The clips of the other kinds play scores of two centuries ago; people ask text-to-music systems for
techno with a distorted bass. Source: text-book accompaniments; see the file.

Conventions: a bar has four beats and sixteen steps; degrees of a scale count from 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.random import Generator

from whisq.rendered.repertoire import PLAYERS, VOCABULARY, Instrument
from whisq.rendered.requests import Request
from whisq.rendered.synthesis import LAST, Notes

STEPS = 16
KICK, SNARE, HAT = 36, 38, 42
SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}
CHORDS, BASS = -5.0, -3.0  # decibels against the tune
DETACHED = 0.9  # share of the time to the next note that one of the tune or the bass sounds
LOWEST, MIDDLE, HIGHEST = -4, 3, 11  # degrees between which a tune keeps, and where it starts anew


@dataclass(frozen=True)
class Part:
    """What one player adds to the tune.

    Attributes:
        player: Whose instrument.
        notes: Times from the clip's beginning.
        level: Decibels against the tune.
    """

    player: Instrument
    notes: Notes
    level: float


@dataclass(frozen=True)
class Arrangement:
    """What a band plays.

    Attributes:
        tune: Of who leads.
        others: Who else plays, but for the drummer.
        drums: No notes where there is no drummer.
        beat: How long a beat lasts, in seconds.
    """

    tune: Notes
    others: tuple[Part, ...]
    drums: Notes
    beat: float


def arrange(
    request: Request, start: float, end: float, tonic: int, jitter: float, rng: Generator
) -> Arrangement:
    """Make up a stretch of music.

    Args:
        request: One whose `band` is true.
        start: When it begins, in seconds.
        end: When it ends.
        tonic: Pitch class of the key, 0 (C) to 11.
        jitter: What the tempo is multiplied by.
        rng: Chooses the progression, where in it to begin, and the tune.

    Returns:
        Notes that begin and end within the stretch.
    """
    style, line_up = VOCABULARY["kind"][request.kind], VOCABULARY["instrument"][request.instrument]
    beat = 60 / (VOCABULARY["pace"][request.tempo]["beats"] * jitter)
    song = _Song(style, tonic, request.mode, rng)
    grid = _Grid(start, end, beat, style.get("swing", 0.0))
    others = []
    if "chords" in line_up:
        player = PLAYERS[line_up["chords"]]
        others.append(Part(player, grid.played(song.chords(grid.bars), player), CHORDS))
    if "bass" in line_up:
        player = PLAYERS[line_up["bass"]]
        others.append(Part(player, grid.played(song.bass(grid.bars), player), BASS))
    tune = grid.played(song.tune(grid.bars), PLAYERS[line_up["lead"]])
    drums = song.drums(grid.bars) if line_up.get("drums") else []
    return Arrangement(tune, tuple(others), grid.played(drums), beat)


Struck = list[tuple[int, float, int]]
"""Notes on the grid: the step, how many steps it is held, and the pitch."""


class _Song:
    # What is played in any bar, from 0: a progression, and patterns over it.

    def __init__(self, style: dict, tonic: int, mode: str, rng: Generator) -> None:
        self.style, self.tonic, self.scale, self.rng = style, tonic, SCALES[mode], rng
        progressions = style[mode]
        self.progression = progressions[rng.integers(len(progressions))]
        self.first = int(rng.integers(len(self.progression)))
        self.rhythm = style["lead"][rng.integers(len(style["lead"]))]

    def degree(self, bar: int) -> int:
        # Of the chord's root.
        return self.progression[(self.first + bar) % len(self.progression)] - 1

    def pitch(self, degree: int) -> int:
        octave, step = divmod(degree, len(self.scale))
        return 60 + self.tonic + 12 * octave + self.scale[step]

    def chords(self, bars: int) -> Struck:
        size, gate = 4 if self.style.get("sevenths") else 3, self.style["gate"]
        return [
            (bar * STEPS + step, long * gate, self.pitch(self.degree(bar) + 2 * number))
            for bar in range(bars)
            for step, long in _struck(self.style["chords"])
            for number in range(size)
        ]

    def bass(self, bars: int) -> Struck:
        pattern = self.style["bass"]
        above = {"r": 0, "f": 4, "o": 7}
        return [
            (
                bar * STEPS + step,
                long * DETACHED,
                self.pitch(self.degree(bar) + above[pattern[step]]),
            )
            for bar in range(bars)
            for step, long in _struck(pattern)
        ]

    def tune(self, bars: int) -> Struck:
        # Steps and small leaps; where a beat is strong, to the nearest note of the chord.
        found, at, riff = [], int(self.rng.integers(7)), {}
        for bar in range(bars):
            for step, long in _struck(self.rhythm):
                at = riff.get(step, at + int(self.rng.choice([-2, -1, -1, 0, 1, 1, 2])))
                if self.style.get("riff"):
                    riff.setdefault(step, at)
                if step % 8 == 0:
                    at = min(
                        (self.degree(bar) + 7 * o + c for o in (-1, 0, 1) for c in (0, 2, 4)),
                        key=lambda tone: abs(tone - at),
                    )
                at = at if LOWEST <= at <= HIGHEST else MIDDLE
                found.append((bar * STEPS + step, long * DETACHED, self.pitch(at)))
        return found

    def drums(self, bars: int) -> Struck:
        kit = {"kick": KICK, "snare": SNARE, "hat": HAT}
        return [
            (bar * STEPS + step, 1.0, self.style.get(f"{name}_drum", drum))
            for bar in range(bars)
            for name, drum in kit.items()
            for step, _ in _struck(self.style[name])
        ]


@dataclass(frozen=True)
class _Grid:
    # Steps in time.
    start: float
    end: float
    beat: float
    swing: float

    @property
    def bars(self) -> int:
        return int((self.end - self.start) / (4 * self.beat)) + 1

    def played(self, struck: Struck, player: Instrument | None = None) -> Notes:
        # Drums have no player. Notes that do not fit into the stretch are cut, or left out.
        step, long, pitch = np.array(struck, dtype=float).reshape(-1, 3).T
        onset = self.start + (step + self.swing * (step % 2)) * self.beat / 4
        inside = onset < self.end - LAST
        onset, pitch = onset[inside], pitch[inside].astype(int)
        length = np.minimum(long[inside] * self.beat / 4, self.end - onset)
        if player and len(pitch):
            pitch = player.fit(pitch)
        return Notes(pitch, onset, np.maximum(length, 0.02), np.zeros(len(pitch)))


def _struck(pattern: str) -> list[tuple[int, int]]:
    # The steps at which a pattern strikes, and how many there are to the next, or the bar's end.
    steps = [at for at, sign in enumerate(pattern) if sign != "."]
    return [(one, other - one) for one, other in pairwise([*steps, STEPS])]
