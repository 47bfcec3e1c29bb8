"""Sound files and arrays made ready for an encoder: decoded, checked, mono, 16 kHz.

Conventions: samples are float32 in about -1..1, one channel, shape (samples,). Nothing is cut,
normalised or replaced by silence: what can't be used is an error.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

RATE = 16_000  # Hz, what Whisper was trained on
SHORTEST = 400  # samples at 16 kHz, one analysis window of 25 ms
LOUDEST = 64.0  # beyond this the samples can't have been meant as -1..1


def load(path: str | Path) -> tuple[np.ndarray, int]:
    """Decode a sound file and average its channels.

    Args:
        path: A file that libsndfile reads: wav, flac, ogg, mp3.

    Returns:
        Samples, float32, shape (samples,), and their rate in Hz.

    Raises:
        ValueError: The file is missing, can't be decoded, or holds nothing that can be scored.
    """
    import soundfile

    try:
        samples, rate = soundfile.read(str(path), dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, OSError) as error:
        reason = "there is no such file" if not Path(path).is_file() else str(error)
        raise ValueError(
            f"{path}: a readable sound file is needed (wav, flac, ogg or mp3), but {reason}. "
            "Put the file there, convert it, or take its row out of the list."
        ) from error
    try:
        return _long_enough(mono(samples), rate), rate
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def prepare(samples: np.ndarray, rate: int) -> np.ndarray:
    """Check samples and bring them to one channel at 16 kHz.

    Args:
        samples: Floats in about -1..1, shape (samples,) or (samples, channels).
        rate: Their rate, Hz, at least 1.

    Returns:
        float32, shape (samples,), at 16 kHz.

    Raises:
        ValueError: The samples hold nothing that can be scored, or the rate is not positive.
    """
    if rate < 1:
        raise ValueError(f"a sampling rate must be a positive number of Hz, given {rate}")
    sound = _long_enough(mono(np.asarray(samples)), rate)
    return sound if rate == RATE else _resample(sound, int(rate))


def mono(samples: np.ndarray) -> np.ndarray:
    """Average the channels and refuse what can't be scored.

    Args:
        samples: Floats in about -1..1, shape (samples,) or (samples, channels).

    Returns:
        float32, shape (samples,).

    Raises:
        ValueError: Wrong shape or type, no samples, NaN or infinity, silence throughout, or
            values far outside -1..1.
    """
    if not np.issubdtype(samples.dtype, np.floating):
        raise ValueError(
            f"samples must be floats in -1..1, given {samples.dtype}; "
            "divide 16-bit integers by 32768"
        )
    if samples.ndim not in {1, 2}:
        raise ValueError(
            f"samples must be (samples,) or (samples, channels), given {samples.shape}"
        )
    if samples.ndim == 2 and samples.shape[1] > max(samples.shape[0], 8):
        raise ValueError(f"samples must be (samples, channels), given {samples.shape}; transpose")
    if samples.size == 0:
        raise ValueError("the clip has no samples; leave it out or render it again")
    sound = samples.astype(np.float32)
    if sound.ndim == 2:
        sound = sound.mean(axis=1)
    return _usable(np.ascontiguousarray(sound))


def _usable(sound: np.ndarray) -> np.ndarray:
    loudest = float(np.abs(sound).max())
    if not np.isfinite(loudest):
        raise ValueError("the clip holds NaN or infinity; render it again")
    if loudest == 0:
        raise ValueError("the clip is silent throughout, so there is nothing to rate; leave it out")
    if loudest > LOUDEST:
        raise ValueError(
            f"samples must lie in about -1..1, given up to {loudest:g}; were they integers? "
            "Divide 16-bit values by 32768."
        )
    return sound


def _long_enough(sound: np.ndarray, rate: int) -> np.ndarray:
    if len(sound) * RATE < SHORTEST * rate:
        raise ValueError(
            f"a clip must last at least {SHORTEST / RATE} s, given {len(sound) / rate:.4f} s; "
            "leave it out"
        )
    return sound


def _resample(sound: np.ndarray, rate: int) -> np.ndarray:
    import torch
    from torchaudio.functional import resample

    with torch.inference_mode():
        return resample(torch.from_numpy(sound), rate, RATE).numpy()
