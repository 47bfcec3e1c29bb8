"""Encoding many files with several processes, each with one thread and an encoder of its own."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from whisq.embeddings.cache import Cache
from whisq.encoders.audio import load, prepare
from whisq.encoders.weights import Location
from whisq.encoders.whisper import AudioSpec, WhisperEncoder

FEW = 24  # files below which starting processes costs more than it saves

_encoder: WhisperEncoder
_cache: Cache


def encode_files(
    encoder: WhisperEncoder,
    location: Location,
    cache: Cache,
    jobs: Mapping[str, Path],
    workers: int,
    batch_size: int,
) -> None:
    """Encode files and keep each result in the cache as soon as it is there.

    Args:
        encoder: The loaded encoder, for when one process is enough.
        location: Where its weights are, for the other processes.
        cache: Where results go.
        jobs: File by the hash of its samples.
        workers: Processes, at least 1.
        batch_size: Clips of one length that are encoded at once.
    """
    from tqdm import tqdm

    items = sorted(jobs.items(), key=lambda item: item[1].stat().st_size)
    batches = [items[start : start + batch_size] for start in range(0, len(items), batch_size)]
    with tqdm(total=len(items), desc="clips", disable=None) as bar:
        if workers == 1 or len(items) < FEW:
            for batch in batches:
                bar.update(_encode(encoder, cache, batch))
            return
        with ProcessPoolExecutor(
            workers,
            multiprocessing.get_context("spawn"),
            _start,
            (encoder.spec, location, cache),
        ) as pool:
            for done in as_completed([pool.submit(_work, batch) for batch in batches]):
                bar.update(done.result())


def _start(spec: AudioSpec, location: Location, cache: Cache) -> None:
    import torch

    global _encoder, _cache
    threading.Thread(target=_end_with_parent, daemon=True).start()
    torch.set_num_threads(1)  # one core a process: more threads would fight for it
    _encoder, _cache = WhisperEncoder(spec, location), cache


def _work(batch: list[tuple[str, Path]]) -> int:
    return _encode(_encoder, _cache, batch)


def _encode(encoder: WhisperEncoder, cache: Cache, batch: list[tuple[str, Path]]) -> int:
    clips = [prepare(*load(path)) for _, path in batch]
    for (content, _), states in zip(batch, encoder.encode(clips, len(batch)), strict=True):
        cache.write(content, states)
    return len(batch)


def _end_with_parent() -> None:
    """A process whose parent was killed would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
