"""Encoding many files with several processes, each with an encoder of its own.

On a CPU each process has one thread: several that share one product's work would wait for each
other more than they compute. With GPUs the processes take them in turn.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from whisq.embeddings.cache import Cache, content_of
from whisq.encoders.audio import load, prepare
from whisq.encoders.weights import Location
from whisq.encoders.whisper import AudioSpec, WhisperEncoder

FEW = 24  # batches below which starting processes costs more than it saves

Job = tuple[str, Path]  # the hash of a file's samples, and the file


class Worker:
    """An encoder that reads files and keeps each result in the cache as soon as it is there."""

    def __init__(
        self, spec: AudioSpec, location: Location, cache: Cache, device: str = "cpu"
    ) -> None:
        """Load the encoder.

        Args:
            spec: What to keep of which encoder.
            location: Where its weights are.
            cache: Where results go.
            device: Where to compute, as torch names it.
        """
        self.encoder, self.cache = WhisperEncoder(spec, location, device), cache
        cache.note(self.encoder.layers, self.encoder.dim)

    def __call__(self, batch: list[Job]) -> int:
        """Encode files.

        Args:
            batch: Hash and file of each.

        Returns:
            How many were encoded.

        Raises:
            ValueError: A file is not what it was when it was hashed.
        """
        clips = []
        for content, path in batch:
            samples, rate = load(path)
            if content_of(samples, rate) != content:
                raise ValueError(
                    f"{path} must not change while it is embedded; run the stage again"
                )
            clips.append(prepare(samples, rate))
        for (content, _), states in zip(batch, self.encoder.encode(clips, len(batch)), strict=True):
            self.cache.write(content, states)
        return len(batch)


def devices() -> list[str]:
    """List what can compute.

    Returns:
        Every GPU as torch names it, or the CPU.
    """
    import torch

    return [f"cuda:{number}" for number in range(torch.cuda.device_count())] or ["cpu"]


def encode_here(
    setting: tuple[AudioSpec, Location, Cache], batches: list[list[Job]], workers: int
) -> Iterator[int]:
    """Encode files on this machine and keep the results in the cache.

    Args:
        setting: What to keep of which encoder, where its weights are, where results go.
        batches: What is encoded at once.
        workers: Processes, at least 1.

    Yields:
        How many files are done with each batch, in any order.
    """
    targets = devices()
    if workers == 1 or len(batches) < FEW:
        yield from map(Worker(*setting, targets[0]), batches)
        return
    context = multiprocessing.get_context("spawn")
    waiting = context.SimpleQueue()
    for number in range(workers):
        waiting.put(targets[number % len(targets)])
    with ProcessPoolExecutor(workers, context, _start, (setting, waiting)) as pool:
        yield from _results(pool.submit(_work, batch) for batch in batches)


def _results(futures: Iterable[Any]) -> Iterator[int]:
    for done in as_completed(futures):
        yield done.result()


_worker: Worker


def _start(setting: tuple[AudioSpec, Location, Cache], waiting: Any) -> None:
    import torch

    global _worker
    threading.Thread(target=_end_with_parent, daemon=True).start()
    torch.set_num_threads(1)
    _worker = Worker(*setting, waiting.get())


def _work(batch: list[Job]) -> int:
    return _worker(batch)


def _end_with_parent() -> None:
    # A process whose parent was killed would wait for work for ever.
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
