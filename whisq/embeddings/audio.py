"""Embedding sound files: the samples' hash names the result, whatever the file is called."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from whisq.embeddings.cache import Cache, default_root, digest_of
from whisq.embeddings.embed import Counts, describe, fill
from whisq.embeddings.known_files import digests
from whisq.encoders.audio import load
from whisq.encoders.weights import locate
from whisq.encoders.whisper import PREPROCESSING, AudioSpec


def embed_audio(
    paths: Mapping[str, Path],
    spec: AudioSpec,
    folder: Path,
    *,
    root: Path | None = None,
    workers: int = 1,
    batch_size: int = 1,
) -> Counts:
    """Embed sound files.

    Args:
        paths: Sound file by clip id, in the order to keep.
        spec: What to keep of which encoder.
        folder: Where the output goes.
        root: Where caches are kept; the user's if None.
        workers: Processes that encode, at least 1.
        batch_size: Clips of one length that are encoded at once.

    Returns:
        What was done.
    """
    root = root or default_root()
    location = locate(spec.model, spec.revision)
    about = describe("audio", spec, location, PREPROCESSING)
    known = digests(paths.values(), "samples", lambda path: content_of(*load(path)), root)
    contents = {key: known[path] for key, path in paths.items()}
    cache = Cache(about, root)

    def compute(missing: set[str]) -> None:
        from whisq.embeddings.workers import encode_files

        jobs = {contents[key]: path for key, path in paths.items() if contents[key] in missing}
        encode_files(spec, location, cache, jobs, workers, batch_size)

    return fill(folder, contents, cache, about, compute)


def content_of(samples: np.ndarray, rate: int) -> str:
    """Hash decoded samples.

    Args:
        samples: float32, shape (samples,).
        rate: Their rate, Hz.

    Returns:
        SHA-256, hexadecimal.
    """
    return digest_of("audio", str(rate), samples.data)
