"""A clip as an address that holds its own bytes, so that a page needs no other file."""

from __future__ import annotations

import base64
import io

import numpy as np

from whisq.audio import RATE
from whisq.encoders.whisper import LONGEST

LARGEST = 1_100_000  # bytes of one clip: ten of them stay below a page's 15 MB


def sound_address(samples: np.ndarray, rate: int = RATE) -> str:
    """Put a clip into an address: lossless, unless that is too large.

    Args:
        samples: Shape (samples,).
        rate: Hz.

    Returns:
        A `data:` address of as much as is scored of a clip.
    """
    import soundfile

    samples = np.clip(samples[: LONGEST * rate], -1, 1)
    for container, subtype in (("FLAC", "PCM_16"), ("OGG", "VORBIS")):
        file = io.BytesIO()
        soundfile.write(file, samples, rate, format=container, subtype=subtype)
        if file.tell() <= LARGEST:
            break
    return f"data:audio/{container.lower()};base64,{base64.b64encode(file.getvalue()).decode()}"
