"""Faults by name: how much each hurts, and what those of the quality do.

Two sorts: faults of the playing spoil notes, faults of the sound spoil samples. Either may last
throughout or for a span of the clip.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import scipy  # its parts are imported when they are first used
from numpy.random import Generator

from whisq.rendered.synthesis import RATE, Notes, sample_at

ANNOYANCE: dict[str, float] = {
    "wrong_notes": 2.6,
    "detune": 2.4,
    "stumbling": 2.4,
    "narrow_band": 2.6,
    "noise": 2.6,
    "clipping": 2.6,
    "wow": 2.8,
    "dropouts": 3.0,
    "metal": 3.0,
    "pumping": 2.4,
    "abrupt_end": 1.6,
}
"""What a fault at strength 1 throughout adds to a clip's damage (see `listeners`).

Chosen: so that one fault alone can spoil a clip (omq 2) and a mild one is still heard by a
ridge on Whisper's second block; not measured on listeners."""

LOSS: dict[str, float] = {
    "kind": 1.3,
    "instrument": 1.4,
    "tempo": 1.2,
    "mode": 0.6,
    "order_reversed": 1.7,
    "order_first_only": 1.5,
    "order_other_second": 1.2,
}
"""What a failure to play what was asked adds, at strength 1, to the damage to its alignment."""

NAMES = tuple(ANNOYANCE)
"""Every quality fault."""

CUT = 0.4  # share of a clip that the strongest abrupt end takes away
EDGE = 0.01  # seconds over which a spoilt stretch fades into what surrounds it


@dataclass(frozen=True)
class Fault:
    """One fault of one clip: it sounds worse than it could, or is not what was asked for.

    Attributes:
        name: One of `NAMES`, or of `LOSS`.
        strength: 0 (no fault) to 1.
        start: Where it begins, as a share of the clip, or None when it lasts throughout.
        end: Where it ends, likewise.
    """

    name: str
    strength: float
    start: float | None = None
    end: float | None = None

    @property
    def damage(self) -> float:
        """What it adds to the damage: a moment hurts less, though more than its share."""
        share = 1.0 if self.start is None else self.end - self.start
        return (ANNOYANCE | LOSS)[self.name] * self.strength * (0.4 + 0.6 * share)


def disturb(
    name: str, notes: Notes, strength: float, span: tuple[float, float] | None, rng: Generator
) -> Notes:
    """Apply one of `NOTE_FAULTS` as `apply` does a fault of the sound.

    Returns:
        The notes as played, those added last; what begins outside the span is as it was.
    """
    if strength == 0:
        return notes
    start, end = span or (-np.inf, np.inf)
    touched = (notes.start >= start) & (notes.start < end)
    return NOTE_FAULTS[name](notes, strength, touched, rng)


def apply(
    name: str,
    samples: np.ndarray,
    strength: float,
    span: tuple[float, float] | None,
    rng: Generator,
) -> np.ndarray:
    """Apply a fault of the sound.

    Args:
        name: One of `SOUND_FAULTS`, or abrupt_end.
        samples: (n,) waveform at 16 kHz.
        strength: 0 (unchanged) to 1.
        span: Seconds from and to which it sounds, within the clip and at least 0.1 s apart; None
            for throughout. Ignored by abrupt_end.
        rng: Draws what the fault leaves to chance.

    Returns:
        Samples (n,), float32.
    """
    if strength == 0:
        return samples
    if name == "abrupt_end":
        return _abrupt_end(samples, strength)
    first, last = (round(edge * RATE) for edge in span) if span else (0, len(samples))
    inside = samples[first:last]
    spoilt = SOUND_FAULTS[name](inside, strength, rng)
    mix = _window(len(inside), bool(first), last < len(samples))
    result = samples.astype(np.float64)
    result[first:last] = inside + mix * (spoilt - inside)
    return result.astype(np.float32)


def _window(count: int, fade_in: bool, fade_out: bool) -> np.ndarray:
    edge = round(EDGE * RATE)
    window = np.ones(count)
    if fade_in:
        window[:edge] = np.linspace(0, 1, edge)
    if fade_out:
        window[-edge:] = np.linspace(1, 0, edge)
    return window


def _abrupt_end(samples: np.ndarray, strength: float) -> np.ndarray:
    # Dead in the middle of a note, and silence to the clip's length: a shorter clip would give
    # the fault away by its length alone.
    result = samples.copy()
    result[round(len(samples) * (1.0 - CUT * strength)) :] = 0.0
    return result


# Faults of the playing take (notes, strength, which notes are within reach, rng). Those of the
# sound take (samples, strength, rng) for the stretch that they spoil and return as many; levels
# are set against the stretch itself, so a quiet clip suffers as a loud one.


def _wrong_notes(notes: Notes, strength: float, reach: np.ndarray, rng: Generator) -> Notes:
    # Miss keys: up to 90% of the notes go astray. A quarter of those leap by five to eleven
    # semitones; the others are struck together with the keys on both sides.
    astray = reach & (rng.random(len(reach)) < 0.9 * strength)
    leaps = rng.random(len(reach)) < 0.25
    steps = rng.integers(5, 12, len(reach)) * rng.choice([-1, 1], len(reach))
    played = replace(notes, pitch=notes.pitch + np.where(astray & leaps, steps, 0))
    for neighbour in (-1, 1):
        played = _add(played, replace(notes, pitch=notes.pitch + neighbour), astray & ~leaps)
    return played


def _detune(notes: Notes, strength: float, reach: np.ndarray, _: object) -> Notes:
    # Play on two strings that disagree: one too high and one too low, by up to 70 cents each.
    cents = np.where(reach, 70.0 * strength, 0.0)
    return _add(replace(notes, cents=notes.cents + cents), replace(notes, cents=-cents), reach)


def _stumbling(notes: Notes, strength: float, reach: np.ndarray, rng: Generator) -> Notes:
    # Lose the beat: notes come early or late, by a standard deviation of up to 250 ms.
    delay = np.where(reach, rng.standard_normal(len(reach)) * 0.25 * strength, 0.0)
    return replace(notes, start=np.maximum(notes.start + delay, 0.0))


def _add(notes: Notes, others: Notes, chosen: np.ndarray) -> Notes:
    pairs = zip(vars(notes).values(), vars(others).values(), strict=True)
    return Notes(*(np.concatenate([own, other[chosen]]) for own, other in pairs))


def _narrow_band(samples: np.ndarray, strength: float, _: object) -> np.ndarray:
    # Sound like a telephone: low-pass from 7 kHz down to 600 Hz, high-pass up to 400 Hz.
    high = 7000.0 * (600.0 / 7000.0) ** strength
    low = 40.0 * (400.0 / 40.0) ** strength
    band = scipy.signal.butter(3, [low, high], "bandpass", fs=RATE, output="sos")
    return scipy.signal.sosfiltfilt(band, samples)


def _noise(samples: np.ndarray, strength: float, rng: Generator) -> np.ndarray:
    # Add hiss, 38 dB below the music at the weakest and as loud at the strongest.
    gain = 10 ** (-(38.0 - 38.0 * strength) / 20) * _rms(samples)
    return samples + gain * rng.standard_normal(len(samples))


def _clipping(samples: np.ndarray, strength: float, _: object) -> np.ndarray:
    # Overload: cut peaks at 2.5 down to 0.1 times the root mean square, and be as loud.
    limit = 2.5 * (0.1 / 2.5) ** strength * _rms(samples)
    return _as_loud(np.clip(samples, -limit, limit), samples)


def _wow(samples: np.ndarray, strength: float, rng: Generator) -> np.ndarray:
    # Let the pitch swim as on a worn tape: up to 250 cents, 1 to 4 times a second.
    rate, sign = rng.uniform(1.0, 4.0), rng.choice([-1.0, 1.0])
    place = np.arange(len(samples))
    # A whole number of half swings: both ends stay in place and join what surrounds them.
    turn = np.pi * max(1, round(2 * rate * len(samples) / RATE)) / len(samples)
    depth = sign * (2.0 ** (250.0 * strength / 1200.0) - 1.0) / turn
    return sample_at(samples, place + depth * np.sin(turn * place))


def _dropouts(samples: np.ndarray, strength: float, rng: Generator) -> np.ndarray:
    # Lose the sound for 40 to 160 ms at a time, up to five times a second.
    # The places are drawn for the strongest and then kept in part: stronger adds to weaker.
    count = max(1, round(5.0 * len(samples) / RATE))
    gain = np.ones(len(samples))
    starts = rng.uniform(0, len(samples), count)
    lengths = rng.uniform(0.04, 0.16, count) * RATE
    kept = rng.permutation(count) < strength * count
    for start, length in zip(starts[kept], lengths[kept], strict=True):
        gain[int(start) : int(start + length)] = 0.0
    return samples * _smooth(gain, 0.002)


def _metal(samples: np.ndarray, strength: float, rng: Generator) -> np.ndarray:
    # Ring like a starved codec, as loud: up to 98.5% of each frame's bins go, phases turn.
    _, _, bins = scipy.signal.stft(samples, RATE, nperseg=512)
    keep = 0.015**strength
    size = np.abs(bins)
    limit = np.quantile(size, 1.0 - keep, axis=0, keepdims=True)
    turn = np.exp(1j * np.pi * 0.6 * strength * rng.standard_normal(bins.shape))
    _, result = scipy.signal.istft(np.where(size >= limit, bins * turn, 0.0), RATE, nperseg=512)
    count = len(samples)
    return _as_loud(np.pad(result[:count], (0, max(0, count - len(result)))), samples)


def _pumping(samples: np.ndarray, strength: float, rng: Generator) -> np.ndarray:
    # Duck and swell like a badly set compressor, 2 to 5 times a second, by up to 36 dB.
    rate, phase = rng.uniform(2.0, 5.0), rng.uniform(0, 1)
    cycle = (rate * np.arange(len(samples)) / RATE + phase) % 1.0
    gain = 10 ** (-36.0 * strength * np.exp(-4.0 * cycle) / 20)
    return _as_loud(samples * _smooth(gain, 0.003), samples)


def _rms(samples: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))) + 1e-9


def _as_loud(samples: np.ndarray, reference: np.ndarray) -> np.ndarray:
    return samples * (_rms(reference) / _rms(samples))


def _smooth(gain: np.ndarray, seconds: float) -> np.ndarray:
    # A moving average rounds the corners, so that they do not click.
    width = max(1, round(seconds * RATE))
    padded = np.pad(gain, (width // 2, width - 1 - width // 2), mode="edge")
    return np.convolve(padded, np.ones(width) / width, mode="valid")


NOTE_FAULTS: dict[str, Callable[..., Notes]] = {
    "wrong_notes": _wrong_notes,
    "detune": _detune,
    "stumbling": _stumbling,
}
SOUND_FAULTS: dict[str, Callable[..., np.ndarray]] = {
    "narrow_band": _narrow_band,
    "noise": _noise,
    "clipping": _clipping,
    "wow": _wow,
    "dropouts": _dropouts,
    "metal": _metal,
    "pumping": _pumping,
}
