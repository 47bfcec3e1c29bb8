"""Sound and maps as addresses that hold their own bytes, so that a page needs no other file."""

from __future__ import annotations

import base64
import io
from itertools import pairwise

import numpy as np

from whisq.audio import RATE

LONGEST = 30  # seconds, what is scored of a clip
LARGEST = 1_100_000  # bytes of one clip: ten of them stay below a report's 15 MB
RANGE = 2.0  # doublings at which a map's colour is full, unless the map needs more
MORE, LESS = (208, 104, 12), (58, 127, 196)
COLUMNS = 120  # of a map's picture at most: more can't be told apart


def sound_address(samples: np.ndarray, rate: int = RATE) -> str:
    """Put a clip into an address: lossless, unless that is too large.

    Args:
        samples: Shape (samples,).
        rate: Hz.

    Returns:
        A `data:` address of its first 30 s.
    """
    import soundfile

    samples = np.clip(samples[: LONGEST * rate], -1, 1)
    for container, subtype in (("FLAC", "PCM_16"), ("OGG", "VORBIS")):
        file = io.BytesIO()
        soundfile.write(file, samples, rate, format=container, subtype=subtype)
        if file.tell() <= LARGEST:
            break
    return f"data:audio/{container.lower()};base64,{base64.b64encode(file.getvalue()).decode()}"


def map_address(values: np.ndarray) -> str:
    """Paint a map, a pixel an entry: more than even in one colour, less in another, even clear.

    Args:
        values: Shape (words, moments), 1 is even.

    Returns:
        A `data:` address of a PNG that shows on light and on dark.
    """
    from PIL import Image

    doublings = np.log2(np.maximum(shrunk(values), 1e-6))
    strength = np.clip(np.abs(doublings) / full_range(values), 0, 1)
    pixels = np.zeros((*doublings.shape, 4), np.uint8)
    pixels[..., :3] = np.where((doublings > 0)[..., None], MORE, LESS)
    pixels[..., 3] = np.round(255 * strength)
    file = io.BytesIO()
    Image.fromarray(pixels, "RGBA").save(file, "PNG")
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"


def full_range(values: np.ndarray) -> float:
    """Tell where a map's colour is full.

    Args:
        values: Shape (words, moments), 1 is even.

    Returns:
        Doublings or halvings; never so few that a nearly even map looks strong.
    """
    most = float(np.log2(np.maximum(shrunk(values), 1e-6)).max())
    return max(RANGE, most)


def shrunk(values: np.ndarray) -> np.ndarray:
    """Average neighbouring moments until a map has as many as can be told apart.

    Args:
        values: Shape (words, moments).

    Returns:
        Shape (words, at most COLUMNS).
    """
    moments = values.shape[1]
    if moments <= COLUMNS:
        return values
    edges = np.linspace(0, moments, COLUMNS + 1).round().astype(int)
    parts = [values[:, begin:end].mean(1) for begin, end in pairwise(edges)]
    return np.stack(parts, 1)
