"""What a producer puts on a band's sound. None of these is a fault.

Conventions: samples are float32 at 16 kHz, of any level; an effect gives back as many as it took.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import scipy  # its parts are imported when they are first used

from whisq.rendered.synthesis import RATE, sample_at


def put_on(names: Sequence[str], samples: np.ndarray, kicks: np.ndarray, beat: float) -> np.ndarray:
    """Apply effects in their order.

    Args:
        names: Of `EFFECTS`.
        samples: (n,) waveform.
        kicks: When the bass drum is struck, in seconds.
        beat: How long a beat lasts, in seconds.

    Returns:
        Samples (n,).
    """
    for name in names:
        samples = EFFECTS[name](samples, kicks, beat)
    return samples.astype(np.float32)


def _drive(samples: np.ndarray, kicks: np.ndarray, beat: float) -> np.ndarray:
    # An amplifier's soft limit, at the loudest tenth of what is heard at all.
    level = np.abs(samples)
    heard = level[level > 1e-3 * level.max()]
    if not len(heard):
        return samples
    limit = np.quantile(heard, 0.9)
    return np.tanh(samples / limit) * limit


def _chorus(samples: np.ndarray, kicks: np.ndarray, beat: float) -> np.ndarray:
    at = np.arange(len(samples))
    delay = RATE * (0.012 + 0.004 * np.sin(2 * np.pi * 0.9 * at / RATE))
    return samples + 0.7 * sample_at(samples, at - delay)


def _echo(samples: np.ndarray, kicks: np.ndarray, beat: float) -> np.ndarray:
    # Three repetitions, three quarters of a beat apart.
    heard = samples.copy()
    for number in (1, 2, 3):
        late = round(number * 0.75 * beat * RATE)
        heard[late:] += 0.4**number * samples[: max(len(samples) - late, 0)]
    return heard


def _reverberant(seconds: float, share: float) -> Callable[..., np.ndarray]:
    def reverb(samples: np.ndarray, kicks: np.ndarray, beat: float) -> np.ndarray:
        # Noise that dies away; the same room for everyone.
        count = round(seconds * RATE)
        noise = np.random.default_rng(0).standard_normal(count)
        tail = noise * 10 ** (-3 * np.arange(count) / count)
        wet = scipy.signal.fftconvolve(samples, tail / np.linalg.norm(tail))[: len(samples)]
        return samples + share * wet

    return reverb


def _side_chain(samples: np.ndarray, kicks: np.ndarray, beat: float) -> np.ndarray:
    # All gives way to the bass drum, and is back half a beat later.
    gain, at = np.ones(len(samples), dtype=np.float32), np.arange(len(samples)) / RATE
    for kick in kicks:
        since = (at - kick) / (0.5 * beat)
        gain = np.where((since >= 0) & (since < 1), np.minimum(gain, 0.25 + 0.75 * since), gain)
    return samples * gain


EFFECTS: dict[str, Callable[[np.ndarray, np.ndarray, float], np.ndarray]] = {
    "drive": _drive,
    "chorus": _chorus,
    "echo": _echo,
    "room": _reverberant(0.5, 0.25),
    "hall": _reverberant(2.0, 0.6),
    "side_chain": _side_chain,
}
"""Chosen: strong enough to be heard at once."""
