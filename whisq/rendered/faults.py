"""Quality faults by name, and how much each one hurts.

Two sorts: faults of the playing (`note_faults`) spoil notes, faults of the sound
(`sound_faults`) spoil samples. Either may last throughout or for a span of the clip.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from whisq.rendered import note_faults, sound_faults
from whisq.rendered.synthesis import RATE, Notes

NOTE_FAULTS: dict[str, Callable[..., Notes]] = {
    "wrong_notes": note_faults.wrong_notes,
    "detune": note_faults.detune,
    "stumbling": note_faults.stumbling,
}
SOUND_FAULTS: dict[str, Callable[..., np.ndarray]] = {
    "narrow_band": sound_faults.narrow_band,
    "noise": sound_faults.noise,
    "clipping": sound_faults.clipping,
    "wow": sound_faults.wow,
    "dropouts": sound_faults.dropouts,
    "metal": sound_faults.metal,
    "pumping": sound_faults.pumping,
}

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

NAMES = tuple(ANNOYANCE)
"""Every quality fault."""

CUT = 0.4  # share of a clip that the strongest abrupt end takes away
EDGE = 0.01  # seconds over which a spoilt stretch fades into what surrounds it


@dataclass(frozen=True)
class Fault:
    """One fault of one clip.

    Attributes:
        name: One of `NAMES`.
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
        """What it adds to the clip's damage: a moment hurts less, though more than its share."""
        share = 1.0 if self.start is None else self.end - self.start
        return ANNOYANCE[self.name] * self.strength * reach(share)


def reach(share: float) -> float:
    """Weigh how long a fault lasts.

    Args:
        share: Share of the clip that it lasts, 0 to 1.

    Returns:
        Its part of the damage that it would do throughout, 0.4 to 1.
    """
    return 0.4 + 0.6 * share


def disturb(
    name: str,
    notes: Notes,
    strength: float,
    span: tuple[float, float] | None,
    rng: np.random.Generator,
) -> Notes:
    """Apply a fault of the playing.

    Args:
        name: One of `NOTE_FAULTS`.
        notes: What should be played.
        strength: 0 (unchanged) to 1.
        span: Seconds from and to which notes that begin there are touched; None for all.
        rng: Draws what the fault leaves to chance.

    Returns:
        The notes as played; an unknown name or a strength out of range is a `ValueError`.
    """
    _check(name, strength, NOTE_FAULTS)
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
    rng: np.random.Generator,
) -> np.ndarray:
    """Apply a fault of the sound.

    Args:
        name: One of `SOUND_FAULTS`, or abrupt_end.
        samples: (n,) waveform at 16 kHz.
        strength: 0 (unchanged) to 1.
        span: Seconds from and to which it sounds; None for throughout. Ignored by abrupt_end.
        rng: Draws what the fault leaves to chance.

    Returns:
        Samples (n,), float32.

    Raises:
        ValueError: The span covers less than 0.1 s of the clip (or the name is unknown or the
            strength out of range).
    """
    _check(name, strength, (*SOUND_FAULTS, "abrupt_end"))
    if strength == 0:
        return samples
    if name == "abrupt_end":
        return _abrupt_end(samples, strength)
    first, last = (round(edge * RATE) for edge in span) if span else (0, len(samples))
    first, last = max(first, 0), min(last, len(samples))
    if last - first < RATE // 10:
        raise ValueError(f"a span must cover at least 0.1 s of the clip, not {span}")
    inside = samples[first:last]
    spoilt = SOUND_FAULTS[name](inside, strength, rng)
    mix = _window(last - first, bool(first), last < len(samples))
    result = samples.astype(np.float64)
    result[first:last] = inside + mix * (spoilt - inside)
    return result.astype(np.float32)


def _abrupt_end(samples: np.ndarray, strength: float) -> np.ndarray:
    # Dead in the middle of a note, and silence to the clip's length: a shorter clip would give
    # the fault away by its length alone.
    result = samples.copy()
    result[round(len(samples) * (1.0 - CUT * strength)) :] = 0.0
    return result


def _window(count: int, fade_in: bool, fade_out: bool) -> np.ndarray:
    edge = round(EDGE * RATE)
    window = np.ones(count)
    if fade_in:
        window[:edge] = np.linspace(0, 1, edge)
    if fade_out:
        window[-edge:] = np.linspace(1, 0, edge)
    return window


def _check(name: str, strength: float, known: object) -> None:
    if name not in known:
        raise ValueError(f"fault must be one of {', '.join(known)}, not {name!r}")
    if not 0 <= strength <= 1:
        raise ValueError(f"strength must lie in 0 to 1, not {strength}")
