"""A request and its faults in, a finished clip out: notes, then faults of the playing, then sound.

Conventions: times are in seconds, levels in decibels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator

from whisq.rendered import faults
from whisq.rendered.bands import KICK, Part, arrange
from whisq.rendered.effects import put_on
from whisq.rendered.faults import Fault
from whisq.rendered.repertoire import INSTRUMENTS, VOCABULARY
from whisq.rendered.requests import Request, reverse
from whisq.rendered.scores import Piece, pieces, set_mode
from whisq.rendered.synthesis import LAST, RATE, Notes, play

LOUDNESS = -23.0  # root mean square of the sounding part, below full scale
SPREAD = 2.0  # either way, drawn without regard to the faults
DRUM_LEVEL = -4.0  # against who plays the tune
FADE = 0.4  # over which a clean clip fades out
SECONDS = 5.5, 7.5  # of a clip


@dataclass(frozen=True)
class Section:
    """A stretch of a clip in which nothing changes.

    Attributes:
        notes: What is played, times from the clip's beginning.
        instrument: Who plays it.
        start: When it begins, in seconds.
        end: When it ends, in seconds.
        level: Its loudness against the other section's, in decibels.
        drums: What the drummer adds; no notes where there is none.
        others: Who else plays, in a band.
        beat: How long a beat lasts, in seconds.
        effects: Names of those on the sound of a band.
    """

    notes: Notes
    instrument: str
    start: float
    end: float
    level: float
    drums: Notes
    others: tuple[Part, ...] = ()
    beat: float = 0.0
    effects: tuple[str, ...] = ()


def render(request: Request, spoilt: Sequence[Fault], seed: Sequence[int] | int) -> np.ndarray:
    """Render a clip with the faults given.

    The same request and seed play the same music whatever the faults, so clips that differ in a
    fault's strength differ in nothing else.

    Args:
        request: What is played.
        spoilt: The quality faults, applied in this order, notes first.
        seed: Chooses length, music and what the faults leave to chance.

    Returns:
        Samples at 16 kHz (n,), float32 within -1 to 1, all clips about as loud.
    """
    seed, rng, seconds = _begin(seed)
    gain = float(rng.uniform(-SPREAD, SPREAD))
    sections = perform(request, seconds, rng)
    for fault in spoilt:
        if fault.name in faults.NOTE_FAULTS:
            sections = _disturb(sections, fault, seconds, seed)
    samples = _fade(synthesize(sections, seconds))
    for fault in spoilt:
        if fault.name not in faults.NOTE_FAULTS:
            span = _span(fault, seconds)
            samples = faults.apply(fault.name, samples, fault.strength, span, _rng(seed, fault))
    return _level(samples, gain)


def length(seed: Sequence[int] | int) -> float:
    """Return how many seconds the clip lasts that `render` makes with a seed."""
    return _begin(seed)[2]


def perform(request: Request, seconds: float, rng: Generator) -> tuple[Section, ...]:
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
    if not request.order:
        return (_section(request, 0.0, seconds, tonic, jitter, rng),)
    first = _section(request, 0.0, middle, tonic, jitter, rng)
    return first, _section(reverse(request), middle, seconds, tonic, jitter, rng)


def synthesize(sections: tuple[Section, ...], seconds: float) -> np.ndarray:
    """Return samples (seconds x 16,000,) of sections, float32, of no particular overall level."""
    total = np.zeros(round(seconds * RATE), dtype=np.float32)
    for section in sections:
        stretch = slice(round(section.start * RATE), round(section.end * RATE))
        lead = Part(INSTRUMENTS[section.instrument], section.notes, 0.0)
        heard = np.zeros_like(total) if section.effects else total
        for part in (lead, *section.others):
            # A fault may have led a note out of range, where the synthesizer must not be asked.
            notes = replace(part.notes, pitch=part.player.fold(part.notes.pitch))
            sound = play(notes, part.player.program, seconds)
            # Without this an order of instruments would be one of loudness: fonts are uneven.
            heard += _gain(sound[stretch], section.level + part.level) * sound
        drums = play(section.drums, None, seconds)
        heard += _gain(drums[stretch], section.level + DRUM_LEVEL) * drums
        if section.effects:
            sound = heard[stretch.start :]
            kicks = section.drums.start[section.drums.pitch == KICK] - section.start
            sound = put_on(section.effects, sound, kicks, section.beat)
            total[stretch.start :] += (
                _gain(sound[: stretch.stop - stretch.start], section.level) * sound
            )
    return total


def _begin(seed: Sequence[int] | int) -> tuple[list[int], Generator, float]:
    seed = [seed] if isinstance(seed, int) else list(seed)
    rng = np.random.default_rng([*seed, 0])
    return seed, rng, round(float(rng.uniform(*SECONDS)), 2)


def _disturb(
    sections: tuple[Section, ...], fault: Fault, seconds: float, seed: list[int]
) -> tuple[Section, ...]:
    rng, span = _rng(seed, fault), _span(fault, seconds)

    def disturbed(notes: Notes) -> Notes:
        return faults.disturb(fault.name, notes, fault.strength, span, rng)

    return tuple(
        replace(
            section,
            notes=disturbed(section.notes),
            others=tuple(replace(part, notes=disturbed(part.notes)) for part in section.others),
        )
        for section in sections
    )


def _rng(seed: list[int], fault: Fault) -> Generator:
    # A fault's chance depends on its name alone, not on its strength or the other faults.
    return np.random.default_rng([*seed, 1 + faults.NAMES.index(fault.name)])


def _span(fault: Fault, seconds: float) -> tuple[float, float] | None:
    return None if fault.start is None else (fault.start * seconds, fault.end * seconds)


def _section(
    request: Request, start: float, end: float, tonic: int, jitter: float, rng: Generator
) -> Section:
    level = VOCABULARY["dynamics"][request.dynamics]["level"]
    if request.band:
        made = arrange(request, start, end, tonic, jitter, rng)
        effects = tuple(VOCABULARY["kind"][request.kind]["effects"])
        place = request.instrument, start, end, level
        return Section(made.tune, *place, made.drums, made.others, made.beat, effects)
    piece, begin, quarter = _excerpt(request, jitter, rng)
    times = piece.start - begin
    inside = (times >= 0) & (times * quarter < end - start - LAST)
    onsets = times[inside] * quarter
    instrument = INSTRUMENTS[request.instrument]
    pitch = instrument.fit(set_mode(piece.pitch[inside], request.mode, tonic))
    length = np.minimum(piece.length[inside] * quarter, end - start - onsets)
    return Section(
        Notes(pitch, onsets + start, length, np.zeros(len(pitch))),
        request.instrument,
        start,
        end,
        level,
        _drums(request.kind, begin, quarter, start, end),
    )


def _excerpt(request: Request, jitter: float, rng: Generator) -> tuple[Piece, float, float]:
    # A piece, where in it to begin (quarter notes) and how long a quarter note lasts: the place has
    # a long enough stretch after it, were the piece to play for 8 seconds.
    choices = pieces(request.kind)
    piece = choices[rng.integers(len(choices))]
    busyness = VOCABULARY["kind"][request.kind]["busyness"]
    quarter = piece.onset_rate / (VOCABULARY["tempo"][request.tempo]["onsets"] * busyness * jitter)
    latest = max(piece.end - 8.0 / quarter, 0.0)
    begins = np.unique(piece.start[piece.start <= latest])
    return piece, float(begins[rng.integers(len(begins))]), quarter


def _drums(kind: str, begin: float, quarter: float, start: float, end: float) -> Notes:
    # The beat falls on whole quarter notes of the piece, wherever the excerpt begins.
    hits = [
        (drum, start + (beat + when) * quarter, long * quarter)
        for beat in np.arange(int(end / quarter) + 1) - begin % 1
        for drum, when, long in VOCABULARY["kind"][kind].get("drums", ())
    ]
    hits = [hit for hit in hits if start <= hit[1] < end - LAST]
    pitch, onsets, length = np.array(hits, dtype=float).reshape(-1, 3).T
    return Notes(pitch.astype(int), onsets, length, np.zeros(len(pitch)))


def _gain(part: np.ndarray, level: float) -> np.float32:
    rms = float(np.sqrt(np.mean(np.square(part, dtype=np.float64))))
    return np.float32(10 ** (level / 20) / max(rms, 1e-4))


def _fade(samples: np.ndarray) -> np.ndarray:
    count = round(FADE * RATE)
    samples = samples.copy()
    samples[-count:] *= np.linspace(1, 0, count, dtype=np.float32)
    return samples


def _level(samples: np.ndarray, gain: float) -> np.ndarray:
    # Silences count for nothing: a clip with dropouts must not be louder than its neighbours.
    frames = samples[: len(samples) // 320 * 320].reshape(-1, 320)
    power = np.mean(np.square(frames, dtype=np.float64), axis=1)
    loud = power[power > 1e-4 * power.max()]
    target = 10 ** ((LOUDNESS + gain) / 20)
    scaled = samples * (target / np.sqrt(loud.mean()))
    peak = np.abs(scaled).max()
    return (scaled / max(1.0, peak / 0.99)).astype(np.float32)
