"""Embedding clips and prompts: what is not in the cache is computed, then the output assembled."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from whisq.embeddings.cache import Cache, digest_of
from whisq.embeddings.shards import DamagedError, assemble
from whisq.encoders import audio as sound
from whisq.encoders import text as text_encoder
from whisq.encoders import whisper
from whisq.encoders.weights import locate


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
    from whisq.embeddings.workers import encode_files

    location = locate(spec.model, spec.revision)
    encoder = whisper.WhisperEncoder(spec, location)
    about = {
        "kind": "audio",
        "spec": asdict(spec) | {"layers": list(spec.layers)},
        "weights": encoder.weights,
        "preprocessing": whisper.PREPROCESSING,
        "layers": list(encoder.layers),
        "dim": encoder.dim,
    }
    cache = Cache(about, root)
    contents = _contents(paths)

    def compute(missing: set[str]) -> None:
        jobs = {contents[key]: path for key, path in paths.items() if contents[key] in missing}
        encode_files(encoder, location, cache, jobs, workers, batch_size)

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
    from tqdm import tqdm

    encoder = text_encoder.TextEncoder(spec)
    about = {
        "kind": "text",
        "spec": asdict(spec),
        "weights": encoder.weights,
        "preprocessing": text_encoder.PREPROCESSING,
        "layers": [encoder.layer],
        "dim": encoder.dim,
    }
    cache = Cache(about, root)
    contents = {prompt: digest_of("text", prompt) for prompt in dict.fromkeys(prompts)}

    def compute(missing: set[str]) -> None:
        wanted = [prompt for prompt, content in contents.items() if content in missing]
        for start in tqdm(range(0, len(wanted), batch_size), "prompts", disable=None):
            batch = wanted[start : start + batch_size]
            for prompt, states in zip(batch, encoder.encode(batch, batch_size), strict=True):
                cache.write(contents[prompt], states)

    return _embed(folder, contents, cache, about, compute)


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
            missing = {content for content in distinct if content not in cache}
            computed += len(missing)
            if missing:
                compute(missing)
            try:
                assemble(folder, contents, cache, about)
            except DamagedError:
                continue
            return Counts(len(contents), len(distinct), computed)


def content_of(samples: Any, rate: int) -> str:
    """Hash decoded samples.

    Args:
        samples: float32, shape (samples,).
        rate: Their rate, Hz.

    Returns:
        SHA-256, hexadecimal.
    """
    return digest_of("audio", str(rate), samples.data)


def _contents(paths: Mapping[str, Path]) -> dict[str, str]:
    contents, problems = {}, []
    for key, path in paths.items():
        try:
            contents[key] = content_of(*sound.load(path))
        except ValueError as error:
            problems.append(str(error))
    if problems:
        raise ValueError(f"{len(problems)} clip(s) can't be embedded:\n  " + "\n  ".join(problems))
    return contents
