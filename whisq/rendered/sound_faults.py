"""Faults of the sound: they change finished samples.

Each takes (samples at 16 kHz, strength in 0 to 1, rng) for the stretch it spoils and returns as
many samples. Levels are set against the stretch itself, so a quiet clip suffers as a loud one.
"""

from __future__ import annotations

import numpy as np
from scipy.signal import butter, istft, sosfiltfilt, stft

from whisq.rendered.synthesis import RATE, sample_at


def narrow_band(samples: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Sound like a telephone: low-pass from 7 kHz down to 600 Hz, high-pass up to 400 Hz.

    Args:
        samples: (n,) waveform.
        strength: How narrow, geometrically from no band lost to the narrowest.
        rng: Not used; every fault takes one.

    Returns:
        Samples (n,).
    """
    high = 7000.0 * (600.0 / 7000.0) ** strength
    low = 40.0 * (400.0 / 40.0) ** strength
    return sosfiltfilt(butter(3, [low, high], "bandpass", fs=RATE, output="sos"), samples)


def noise(samples: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Add hiss, 38 dB below the music at the weakest and as loud at the strongest.

    Args:
        samples: (n,) waveform.
        strength: How loud the hiss, evenly in decibels.
        rng: Draws the hiss.

    Returns:
        Samples (n,).
    """
    gain = 10 ** (-(38.0 - 38.0 * strength) / 20) * _rms(samples)
    return samples + gain * rng.standard_normal(len(samples))


def clipping(samples: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Overload: cut peaks at 2.5 down to 0.1 times the root mean square.

    Args:
        samples: (n,) waveform.
        strength: How deep the cut, geometrically.
        rng: Not used; every fault takes one.

    Returns:
        Samples (n,), as loud as before.
    """
    limit = 2.5 * (0.1 / 2.5) ** strength * _rms(samples)
    return _as_loud(np.clip(samples, -limit, limit), samples)


def wow(samples: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Let the pitch swim as on a worn tape: up to 250 cents, 1 to 4 times a second.

    Args:
        samples: (n,) waveform.
        strength: How far the pitch swims, of 250 cents.
        rng: Draws the rate, and whether it swims up or down at first.

    Returns:
        Samples (n,).
    """
    rate, sign = rng.uniform(1.0, 4.0), rng.choice([-1.0, 1.0])
    place = np.arange(len(samples))
    # A whole number of half swings: both ends stay in place and join what surrounds them.
    turn = np.pi * max(1, round(2 * rate * len(samples) / RATE)) / len(samples)
    depth = sign * (2.0 ** (250.0 * strength / 1200.0) - 1.0) / turn
    return sample_at(samples, place + depth * np.sin(turn * place))


def dropouts(samples: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Lose the sound for 40 to 160 ms at a time, up to five times a second.

    Args:
        samples: (n,) waveform.
        strength: How often, of five times a second.
        rng: Draws when and for how long.

    Returns:
        Samples (n,).
    """
    # The places are drawn for the strongest and then kept in part: stronger adds to weaker.
    count = max(1, round(5.0 * len(samples) / RATE))
    gain = np.ones(len(samples))
    starts = rng.uniform(0, len(samples), count)
    lengths = rng.uniform(0.04, 0.16, count) * RATE
    kept = rng.permutation(count) < strength * count
    for start, length in zip(starts[kept], lengths[kept], strict=True):
        gain[int(start) : int(start + length)] = 0.0
    return samples * _smooth(gain, 0.002)


def metal(samples: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Ring like a starved codec: of each frame's bins only the strongest stay, coarsely.

    Args:
        samples: (n,) waveform.
        strength: How many are lost, from none to all but 1.5%, and how much their phase turns.
        rng: Draws the phases.

    Returns:
        Samples (n,), as loud as before.
    """
    _, _, bins = stft(samples, RATE, nperseg=512)
    keep = 0.015**strength
    size = np.abs(bins)
    limit = np.quantile(size, 1.0 - keep, axis=0, keepdims=True)
    turn = np.exp(1j * np.pi * 0.6 * strength * rng.standard_normal(bins.shape))
    _, result = istft(np.where(size >= limit, bins * turn, 0.0), RATE, nperseg=512)
    return _as_loud(_fit(result, len(samples)), samples)


def pumping(samples: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Duck and swell like a badly set compressor, 2 to 5 times a second, by up to 36 dB.

    Args:
        samples: (n,) waveform.
        strength: How deep, of 36 dB.
        rng: Draws the rate and phase.

    Returns:
        Samples (n,), as loud as before.
    """
    rate, phase = rng.uniform(2.0, 5.0), rng.uniform(0, 1)
    cycle = (rate * np.arange(len(samples)) / RATE + phase) % 1.0
    gain = 10 ** (-36.0 * strength * np.exp(-4.0 * cycle) / 20)
    return _as_loud(samples * _smooth(gain, 0.003), samples)


def _fit(samples: np.ndarray, count: int) -> np.ndarray:
    return np.pad(samples[:count], (0, max(0, count - len(samples))))


def _rms(samples: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))) + 1e-9


def _as_loud(samples: np.ndarray, reference: np.ndarray) -> np.ndarray:
    return samples * (_rms(reference) / _rms(samples))


def _smooth(gain: np.ndarray, seconds: float) -> np.ndarray:
    # A moving average rounds the corners, so that they do not click.
    width = max(1, round(seconds * RATE))
    padded = np.pad(gain, (width // 2, width - 1 - width // 2), mode="edge")
    return np.convolve(padded, np.ones(width) / width, mode="valid")
