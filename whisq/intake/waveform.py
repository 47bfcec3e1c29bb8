"""Whatever a caller hands over as a clip, made 16 kHz mono samples: a path, bytes, an array.

Conventions: samples in and out are floats in about -1..1. A clip that can't be scored as it is
meant (unreadable, cut short, silent, too long) is an error and never a number.
"""

from __future__ import annotations

import io
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from whisq.encoders import audio as sound

if TYPE_CHECKING:
    from torch import Tensor

    Audio = str | os.PathLike[str] | bytes | np.ndarray | Tensor

LONGEST = 3600  # seconds
LARGEST = 2**29  # samples of all channels, 2 GB decoded
QUIETEST = 2**-15  # one step of 16 bits: what stays below it is silence
RIFF_UNKNOWN = {0, 0xFFFFFFFF}  # what a writer to a pipe puts where the size would stand


def read(audio: Audio, rate: int | None = None) -> np.ndarray:
    """Bring a clip to samples that an encoder reads.

    Args:
        audio: A path, a sound file's bytes, or floats of shape (samples,) or two axes of which
            the shorter is taken as the channels.
        rate: Of an array, Hz; files know their own.

    Returns:
        float32, shape (samples,), at 16 kHz.

    Raises:
        ValueError: The clip can't be scored; the message names it and says what to do.
    """
    if isinstance(audio, str | os.PathLike):
        return _from_file(os.fspath(audio))
    if isinstance(audio, bytes):
        return _decode(io.BytesIO(audio), "the sound given as bytes")
    if rate is None:
        raise ValueError("an array needs its sampling rate: score(samples, prompt, rate=32000)")
    if not rate > 0:
        raise ValueError(f"a sampling rate must be a positive number of Hz, given {rate}")
    samples = audio if isinstance(audio, np.ndarray) else np.asarray(audio.detach().cpu())
    if samples.ndim == 2 and samples.shape[0] < samples.shape[1]:
        samples = samples.T
    _check_length(len(samples) / rate if samples.ndim else 0, "the array")
    return _prepare(samples, rate)


def _from_file(path: str) -> np.ndarray:
    # Asked before opening: reading a pipe or a device may never end.
    try:
        kind = os.stat(path).st_mode
    except (OSError, ValueError) as error:
        raise ValueError(f"{path!r} can't be found ({error}): check the path") from None
    if not stat.S_ISREG(kind):
        what = "a folder" if stat.S_ISDIR(kind) else "a device, pipe or socket"
        raise ValueError(f"{path!r} must be a sound file, but it is {what}")
    try:
        with Path(path).open("rb") as file:
            return _decode(file, repr(path))
    except OSError as error:
        raise ValueError(f"{path!r} can't be read ({error.strerror}): check its rights") from None


def _decode(file: io.BufferedIOBase, name: str) -> np.ndarray:
    import soundfile

    _check_whole(file, name)
    try:
        with soundfile.SoundFile(file) as clip:
            frames, rate = clip.frames, clip.samplerate
            _check_length(frames / rate, name)
            if frames * clip.channels > LARGEST:
                raise ValueError(f"{name} must hold at most {LARGEST} samples: mix its channels")
            samples = clip.read(dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        reason = error.error_string.rstrip(".")
        raise ValueError(
            f"{name} is not a sound file that can be read ({reason}): "
            "give wav, flac, ogg or mp3, or render it again"
        ) from None
    if len(samples) < frames:
        raise ValueError(f"{name} is cut short: it has {len(samples)} of {frames} frames")
    try:
        return _prepare(samples, rate)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def _prepare(samples: np.ndarray, rate: int) -> np.ndarray:
    prepared = sound.prepare(samples, rate)
    loudest = float(np.abs(prepared).max())
    if loudest < QUIETEST:
        raise ValueError(f"the clip is silent (at most {loudest:.1g}): leave it out")
    return prepared


def _check_length(seconds: float, name: str) -> None:
    if seconds > LONGEST:
        raise ValueError(f"{name} must last at most {LONGEST} s, but lasts {seconds:.0f} s: cut it")


def _check_whole(file: io.BufferedIOBase, name: str) -> None:
    # libsndfile reads what is left of a wav file that was cut short, without a word.
    head = file.read(12)
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    if head[:4] != b"RIFF" or head[8:] != b"WAVE":
        return
    promised = int.from_bytes(head[4:8], "little")
    if promised not in RIFF_UNKNOWN and promised + 8 > size + 1:
        raise ValueError(
            f"{name} is cut short: {size} bytes of {promised + 8}; copy or render it again"
        )
