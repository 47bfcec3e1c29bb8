"""Embedding clips and prompts: what is not in the cache is computed, then the output assembled."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from whisq.embeddings.cache import Cache, default_root, digest_of
from whisq.embeddings.known_files import digests
from whisq.embeddings.shards import DamagedError, assemble
from whisq.encoders import text as text_encoder
from whisq.encoders import whisper
from whisq.encoders.audio import load
from whisq.encoders.weights import Location, fingerprint, locate


@dataclass(frozen=True)
class Counts:
    """What a run of a stage did.

    Attributes:
        keys: Clips or prompts in the output.
        distinct: Different contents among them.
        computed: Contents that the cache did not have.
    """

    keys: int
    distinct: int
    computed: int


def embed_audio(
    paths: Mapping[str, Path],
    spec: whisper.AudioSpec,
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
    about = _about("audio", spec, location, whisper.PREPROCESSING)
    known = digests(paths.values(), "samples", lambda path: content_of(*load(path)), root)
    contents = {key: known[path] for key, path in paths.items()}
    cache = Cache(about, root)

    def compute(missing: set[str]) -> None:
        from whisq.embeddings.workers import encode_files

        jobs = {contents[key]: path for key, path in paths.items() if contents[key] in missing}
        encode_files(spec, location, cache, jobs, workers, batch_size)

    return _embed(folder, contents, cache, about, compute)


def embed_text(
    prompts: list[str],
    spec: text_encoder.TextSpec,
    folder: Path,
    *,
    root: Path | None = None,
    batch_size: int = 1,
) -> Counts:
    """Embed prompts, each distinct one once.

    Args:
        prompts: Texts, in the order to keep; repeats are left out.
        spec: What to keep of which encoder.
        folder: Where the output goes.
        root: Where caches are kept; the user's if None.
        batch_size: Prompts that are encoded at once.

    Returns:
        What was done.
    """
    location = locate(spec.model, spec.revision)
    about = _about("text", spec, location, text_encoder.PREPROCESSING)
    cache = Cache(about, root or default_root())
    contents = {prompt: digest_of("text", prompt) for prompt in dict.fromkeys(prompts)}

    def compute(missing: set[str]) -> None:
        from tqdm import tqdm

        encoder = text_encoder.TextEncoder(spec, location)
        cache.note(encoder.layers, encoder.dim)
        wanted = [prompt for prompt, content in contents.items() if content in missing]
        for start in tqdm(range(0, len(wanted), batch_size), "prompts", disable=None):
            batch = wanted[start : start + batch_size]
            for prompt, states in zip(batch, encoder.encode(batch, batch_size), strict=True):
                cache.write(contents[prompt], states)

    return _embed(folder, contents, cache, about, compute)


def content_of(samples: np.ndarray, rate: int) -> str:
    """Hash decoded samples.

    Args:
        samples: float32, shape (samples,).
        rate: Their rate, Hz.

    Returns:
        SHA-256, hexadecimal.
    """
    return digest_of("audio", str(rate), samples.data)


def _about(kind: str, spec: Any, location: Location, preprocessing: int) -> dict[str, Any]:
    return {
        "kind": kind,
        "spec": asdict(spec),
        "weights": fingerprint(location),
        "preprocessing": preprocessing,
    }


def _embed(
    folder: Path,
    contents: Mapping[str, str],
    cache: Cache,
    about: Mapping[str, Any],
    compute: Callable[[set[str]], None],
) -> Counts:
    distinct = set(contents.values())
    computed = 0
    with cache.alone():
        while True:
            known = cache.noted() is not None
            missing = {content for content in distinct if not known or content not in cache}
            computed += len(missing)
            if missing:
                compute(missing)
            try:
                assemble(folder, contents, cache, about)
            except DamagedError:
                continue  # what was damaged is gone from the cache, and so missing now
            return Counts(len(contents), len(distinct), computed)
