"""A request and its faults in, a finished clip out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from whisq.rendered import faults
from whisq.rendered.faults import Fault
from whisq.rendered.performance import Section, perform, synthesize
from whisq.rendered.requests import Request
from whisq.rendered.synthesis import RATE

LOUDNESS = -23.0  # root mean square of the sounding part, decibels below full scale
SPREAD = 2.0  # decibels either way, drawn without regard to the faults
FADE = 0.4  # seconds over which a clean clip fades out
SHORTEST, LONGEST = 5.5, 7.5  # seconds


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
    """Tell how long the clip of a seed is.

    Args:
        seed: As given to `render`.

    Returns:
        Seconds.
    """
    return _begin(seed)[2]


def _begin(seed: Sequence[int] | int) -> tuple[list[int], np.random.Generator, float]:
    seed = [seed] if isinstance(seed, int) else list(seed)
    rng = np.random.default_rng([*seed, 0])
    return seed, rng, round(float(rng.uniform(SHORTEST, LONGEST)), 2)


def _disturb(
    sections: tuple[Section, ...], fault: Fault, seconds: float, seed: list[int]
) -> tuple[Section, ...]:
    rng, span = _rng(seed, fault), _span(fault, seconds)
    return tuple(
        replace(part, notes=faults.disturb(fault.name, part.notes, fault.strength, span, rng))
        for part in sections
    )


def _rng(seed: list[int], fault: Fault) -> np.random.Generator:
    # A fault's chance depends on its name alone, not on its strength or the other faults.
    return np.random.default_rng([*seed, 1 + faults.NAMES.index(fault.name)])


def _span(fault: Fault, seconds: float) -> tuple[float, float] | None:
    return None if fault.start is None else (fault.start * seconds, fault.end * seconds)


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
