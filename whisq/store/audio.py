"""Embedding sound files: the samples' hash names the result, whatever the file is called.

Several processes encode, each with an encoder of its own. On a CPU each has one thread: several
that share one product's work would wait for each other more than they compute. With GPUs the
processes take them in turn.
"""

from __future__ import annotations

import functools
import multiprocessing
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from whisq.audio import read
from whisq.devices import AUTO, BatchSize, at_once, every
from whisq.encoders.audio import PREPROCESSING, AudioSpec
from whisq.encoders.registry import audio_encoder
from whisq.encoders.weights import Location
from whisq.processes import end_with_parent, side_by_side
from whisq.store.known_files import SAMPLES, digests
from whisq.store.sequences import map_states
from whisq.store.store import Counts, Store, complete, fill

FEW = 24  # batches below which starting processes costs more than it saves
TOGETHER = 4  # batches that a process takes at once: it stores one while it encodes the next

Job = tuple[str, Path]  # the hash of a file's samples, and the file
Setting = tuple[AudioSpec, Location, Store]  # what to keep, where weights are, where results go


def embed_audio(
    paths: Mapping[str, Path],
    spec: AudioSpec,
    folder: Path,
    *,
    root: Path | None = None,
    workers: int | str = 1,
    batch_size: BatchSize = AUTO,
    engine: str = "local",
    device: str = AUTO,
) -> Counts:
    """Embed sound files.

    Args:
        paths: Sound file by clip id, in the order to keep.
        spec: What to keep of which encoder.
        folder: Where the output goes.
        root: Where the store is; the user's if None.
        workers: Processes that encode, at least 1; auto is one a GPU, else (also with Ray, whose
            machines are not counted) as many as `side_by_side` says.
        batch_size: Clips of one length that are encoded at once; auto as `at_once` says.
        engine: `local`, processes of this machine, or `ray`, a cluster's.
        device: Where to compute, as `whisq.devices` names it. No result is named by it.

    Returns:
        What was done.
    """
    location = spec.locate()
    store = Store.of("audio", spec, location, PREPROCESSING, root)
    contents = contents_of(paths, store.root)

    def compute(setting: Setting, missing: set[str]) -> None:
        from tqdm import tqdm

        from whisq.store.cluster import encode_on_ray, target

        jobs = {contents[key]: path for key, path in paths.items() if contents[key] in missing}
        # Files of one size are clips of one length, which can share a batch.
        items = sorted(jobs.items(), key=lambda item: (item[1].stat().st_size, item[0]))
        ray = engine == "ray"
        devices = [target(device, "embed_audio.engine: ray")] if ray else every(device)
        size = at_once(batch_size, devices[0])
        batches = [items[start : start + size] for start in range(0, len(items), size)]
        run = encode_on_ray if ray else encode_here
        with tqdm(total=len(items), desc="clips", unit="clip", disable=None) as bar:
            count = side_by_side(workers) if ray else at_work(workers, devices)
            for done in run(setting, batches, count, devices):
                bar.update(done)

    setting = spec, location, store
    one = partial(_side_by_side, setting, compute) if spec.beside else partial(compute, setting)
    return fill(folder, contents, store, one)


def at_work(workers: int | str, devices: Sequence[str]) -> int:
    """Return how many processes of this machine encode on devices; auto as in `embed_audio`."""
    on_gpus = workers == AUTO and devices[0] != "cpu"
    return len(devices) if on_gpus else side_by_side(workers)


def contents_of(paths: Mapping[str, Path], root: Path) -> dict[str, str]:
    """Return the hash of each clip's samples, which names its states in the stores of a root."""
    known = digests(paths.values(), SAMPLES, lambda path: read(path).digest, root)
    return {key: known[path] for key, path in paths.items()}


def _side_by_side(
    setting: Setting, compute: Callable[[Setting, set[str]], None], missing: set[str]
) -> None:
    # Each encoder's own states are kept as they are where it stands alone, and found again there.
    spec, location, store = setting
    stores = []
    for own, place in zip(spec.each(), location.each, strict=True):
        stores.append(Store.of("audio", own, place, PREPROCESSING, store.root))
        with stores[-1].alone():
            complete(missing, stores[-1], partial(compute, (own, place, stores[-1])))
    encoder = audio_encoder(spec, location)
    store.note(encoder.layers, encoder.dim)
    for content in missing:
        store.write(content, encoder.join([map_states(own.path(content)) for own in stores]))


def encode_here(
    setting: Setting,
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


class Worker:
    """An encoder that reads files and keeps each result in the store as soon as it is there."""

    def __init__(
        self, spec: AudioSpec, location: Location, store: Store, device: torch.device | str = "cpu"
    ) -> None:
        """Load the encoder."""
        self.encoder, self.store = audio_encoder(spec, location, device), store
        store.note(self.encoder.layers, self.encoder.dim)

    def __call__(self, batches: list[list[Job]]) -> int:
        """Return how many files were encoded, each batch stored while the next is encoded."""
        with ThreadPoolExecutor(1) as storing:
            stored = [storing.submit(self._store, batch, self._encode(batch)) for batch in batches]
        return sum(batch.result() for batch in stored)

    def _encode(self, batch: list[Job]) -> list[np.ndarray]:
        clips = []
        for content, path in batch:
            clip = read(path, heard=self.encoder.spec.seconds)
            if clip.digest != content:
                raise ValueError(
                    f"{path} must not change while it is embedded; run the stage again"
                )
            clips.append(self.encoder.samples(clip))
        return self.encoder.encode(clips, len(batch))

    def _store(self, batch: list[Job], states: list[np.ndarray]) -> int:
        for (content, _), state in zip(batch, states, strict=True):
            self.store.write(content, state)
        return len(batch)


def start(setting: Setting, workers: int, devices: Sequence[str] = ("cpu",)) -> ProcessPoolExecutor:
    """Return a pool of processes for `work`, which end with this one however it ends."""
    context = multiprocessing.get_context("spawn")
    waiting = context.SimpleQueue()
    for number in range(workers):
        waiting.put(devices[number % len(devices)])
    return ProcessPoolExecutor(workers, context, _begin, (setting, waiting))


def work(batches: list[list[Job]]) -> int:
    """Return what the process's own `Worker`, which the first call makes, does."""
    return _worker()(batches)


_setting: tuple[AudioSpec, Location, Store, str]


def _begin(setting: Setting, waiting: Any) -> None:
    global _setting
    end_with_parent()
    torch.set_num_threads(1)
    _setting = (*setting, waiting.get())


@functools.cache
def _worker() -> Worker:
    # Not when the process begins: an error there would reach nobody.
    return Worker(*_setting)
