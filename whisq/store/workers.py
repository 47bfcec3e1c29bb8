"""Encoding many files with several processes, each with an encoder of its own.

On a CPU each process has one thread: several that share one product's work would wait for each
other more than they compute. With GPUs the processes take them in turn.
"""

from __future__ import annotations

import functools
import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import numpy as np

from whisq.audio import read, resampled
from whisq.encoders.weights import Location
from whisq.encoders.whisper import AudioSpec, WhisperEncoder
from whisq.files import digest_of
from whisq.processes import end_with_parent
from whisq.store.store import Store

FEW = 24  # batches below which starting processes costs more than it saves
TOGETHER = 4  # batches that a process takes at once: it stores one while it encodes the next

Job = tuple[str, Path]  # the hash of a file's samples, and the file


def content_of(samples: np.ndarray, rate: int) -> str:
    """Hash decoded samples.

    Args:
        samples: float32, shape (samples,).
        rate: Their rate, Hz.

    Returns:
        SHA-256, hexadecimal.
    """
    return digest_of("audio", str(rate), samples.data)


class Worker:
    """An encoder that reads files and keeps each result in the store as soon as it is there."""

    def __init__(
        self, spec: AudioSpec, location: Location, store: Store, device: str = "cpu"
    ) -> None:
        """Load the encoder.

        Args:
            spec: What to keep of which encoder.
            location: Where its weights are.
            store: Where results go.
            device: Where to compute, as torch names it.
        """
        self.encoder, self.store = WhisperEncoder(spec, location, device), store
        store.note(self.encoder.layers, self.encoder.dim)

    def __call__(self, batches: list[list[Job]]) -> int:
        """Encode files, each batch stored while the next is encoded.

        Args:
            batches: Hash and file of each, what is encoded at once together.

        Returns:
            How many were encoded and are stored.
        """
        with ThreadPoolExecutor(1) as storing:
            stored = [storing.submit(self._store, batch, self._encode(batch)) for batch in batches]
        return sum(batch.result() for batch in stored)

    def _encode(self, batch: list[Job]) -> list[np.ndarray]:
        clips = []
        for content, path in batch:
            clip = read(path)
            if content_of(clip.samples, clip.rate) != content:
                raise ValueError(
                    f"{path} must not change while it is embedded; run the stage again"
                )
            clips.append(resampled(clip))
        return self.encoder.encode(clips, len(batch))

    def _store(self, batch: list[Job], states: list[np.ndarray]) -> int:
        for (content, _), state in zip(batch, states, strict=True):
            self.store.write(content, state)
        return len(batch)


def encode_here(
    setting: tuple[AudioSpec, Location, Store],
    batches: list[list[Job]],
    workers: int,
    devices: Sequence[str] = ("cpu",),
) -> Iterator[int]:
    """Encode files on this machine and keep the results in the store.

    Args:
        setting: What to keep of which encoder, where its weights are, where results go.
        batches: What is encoded at once.
        workers: Processes, at least 1.
        devices: Where to compute, as torch names them; the processes take them in turn.

    Yields:
        How many files are done, as they are, in any order.

    Raises:
        ChildProcessError: A process was killed.
    """
    groups = [batches[start : start + TOGETHER] for start in range(0, len(batches), TOGETHER)]
    if workers == 1 or len(batches) < FEW:
        yield from map(Worker(*setting, devices[0]), groups)
        return
    with start(setting, workers, devices) as pool:
        try:
            for done in as_completed([pool.submit(work, group) for group in groups]):
                yield done.result()
        except BrokenProcessPool as error:
            raise ChildProcessError(
                "a worker process was ended from outside; is there memory for embed_audio.workers "
                f"= {workers}? What is embedded is kept: run the stage again"
            ) from error
        finally:
            pool.shutdown(cancel_futures=True)


def start(
    setting: tuple[AudioSpec, Location, Store], workers: int, devices: Sequence[str] = ("cpu",)
) -> ProcessPoolExecutor:
    """Start processes that encode, and that end with this one however it ends.

    Args:
        setting: What to keep of which encoder, where its weights are, where results go.
        workers: Processes, at least 1.
        devices: Where to compute, taken in turn.

    Returns:
        A pool to which `work` can be submitted.
    """
    context = multiprocessing.get_context("spawn")
    waiting = context.SimpleQueue()
    for number in range(workers):
        waiting.put(devices[number % len(devices)])
    return ProcessPoolExecutor(workers, context, _begin, (setting, waiting))


def work(batches: list[list[Job]]) -> int:
    """Encode files with the process's own encoder, which its first call loads.

    Args:
        batches: Hash and file of each, what is encoded at once together.

    Returns:
        How many were encoded and are stored.
    """
    return _worker()(batches)


_setting: tuple[AudioSpec, Location, Store, str]


def _begin(setting: tuple[AudioSpec, Location, Store], waiting: Any) -> None:
    import torch

    global _setting
    end_with_parent()
    torch.set_num_threads(1)
    _setting = (*setting, waiting.get())


@functools.cache
def _worker() -> Worker:
    # Not when the process begins: an error there would reach nobody.
    return Worker(*_setting)
