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

Job = tuple[str, Path]  # the hash of a file's samples, and the file


class Worker:
    """An encoder that reads files and keeps each result in the cache as soon as it is there."""

    def __init__(self, spec: AudioSpec, location: Location, cache: Cache) -> None:
        """Load the encoder.

        Args:
            spec: What to keep of which encoder.
            location: Where its weights are.
            cache: Where results go.
        """
        self.encoder, self.cache = WhisperEncoder(spec, location), cache
        cache.note(self.encoder.layers, self.encoder.dim)

    def __call__(self, batch: list[Job]) -> int:
        """Encode files.

        Args:
            batch: Hash and file of each.

        Returns:
            How many were encoded.
        """
        clips = [prepare(*load(path)) for _, path in batch]
        for (content, _), states in zip(batch, self.encoder.encode(clips, len(batch)), strict=True):
            self.cache.write(content, states)
        return len(batch)


def encode_files(
    spec: AudioSpec,
    location: Location,
    cache: Cache,
    jobs: Mapping[str, Path],
    workers: int,
    batch_size: int,
) -> None:
    """Encode files and keep the results in the cache.

    Args:
        spec: What to keep of which encoder.
        location: Where its weights are.
        cache: Where results go.
        jobs: File by the hash of its samples.
        workers: Processes, at least 1.
        batch_size: Clips of one length that are encoded at once.
    """
    from tqdm import tqdm

    items = sorted(jobs.items(), key=lambda item: (item[1].stat().st_size, item[0]))
    batches = [items[start : start + batch_size] for start in range(0, len(items), batch_size)]
    with tqdm(total=len(items), desc="clips", unit="clip", disable=None) as bar:
        if workers == 1 or len(items) < FEW:
            worker = Worker(spec, location, cache)
            for batch in batches:
                bar.update(worker(batch))
            return
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(workers, context, _start, (spec, location, cache)) as pool:
            for done in as_completed([pool.submit(_work, batch) for batch in batches]):
                bar.update(done.result())


_worker: Worker


def _start(spec: AudioSpec, location: Location, cache: Cache) -> None:
    import torch

    global _worker
    threading.Thread(target=_end_with_parent, daemon=True).start()
    torch.set_num_threads(1)  # one core a process: more threads would fight for it
    _worker = Worker(spec, location, cache)


def _work(batch: list[Job]) -> int:
    return _worker(batch)


def _end_with_parent() -> None:
    """A process whose parent was killed would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
