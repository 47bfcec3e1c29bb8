"""Embedding sound files: the samples' hash names the result, whatever the file is called."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from whisq.audio import read
from whisq.devices import AUTO, BatchSize, at_once, every
from whisq.encoders.weights import Location, locate
from whisq.encoders.whisper import PREPROCESSING, AudioSpec
from whisq.store.fill import Counts, describe, fill
from whisq.store.known_files import digests
from whisq.store.store import Store
from whisq.store.workers import content_of


def embed_audio(
    paths: Mapping[str, Path],
    spec: AudioSpec,
    folder: Path,
    *,
    root: Path | None = None,
    workers: int = 1,
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
        workers: Processes that encode, at least 1.
        batch_size: Clips of one length that are encoded at once; auto as `at_once` says.
        engine: `local`, processes of this machine, or `ray`, a cluster's.
        device: Where to compute, as `whisq.devices` names it. No result is named by it.

    Returns:
        What was done.
    """
    location = locate(spec.model, spec.revision)
    store = Store(describe("audio", spec, location, PREPROCESSING), root)
    known = digests(paths.values(), "samples", content_at, store.root)
    contents = {key: known[path] for key, path in paths.items()}

    def compute(missing: set[str]) -> None:
        jobs = {contents[key]: path for key, path in paths.items() if contents[key] in missing}
        encode((spec, location, store), jobs, workers, batch_size, engine, device)

    return fill(folder, contents, store, compute)


def content_at(path: Path) -> str:
    """Hash what a sound file holds, before any resampling.

    Args:
        path: The file; one that can't be scored raises a ValueError.

    Returns:
        SHA-256, hexadecimal.
    """
    clip = read(path)
    return content_of(clip.samples, clip.rate)


def encode(
    setting: tuple[AudioSpec, Location, Store],
    jobs: Mapping[str, Path],
    workers: int,
    batch_size: BatchSize,
    engine: str,
    device: str,
) -> None:
    """Encode files and keep the results in the store, with a progress bar.

    Args:
        setting: What to keep of which encoder, where its weights are, where results go.
        jobs: File by the hash of its samples.
        workers: Processes, at least 1.
        batch_size: Clips of one length that are encoded at once; auto as `at_once` says.
        engine: `local` or `ray`.
        device: Where to compute; processes take all that the name stands for in turn.
    """
    from tqdm import tqdm

    from whisq.store.cluster import encode_on_ray, target
    from whisq.store.workers import encode_here

    # Files of one size are clips of one length, which can share a batch.
    items = sorted(jobs.items(), key=lambda item: (item[1].stat().st_size, item[0]))
    ray = engine == "ray"
    devices = [target(device, "embed_audio.engine: ray")] if ray else every(device)
    together = at_once(batch_size, devices[0])
    batches = [items[start : start + together] for start in range(0, len(items), together)]
    run = encode_on_ray if ray else encode_here
    with tqdm(total=len(items), desc="clips", unit="clip", disable=None) as bar:
        for done in run(setting, batches, workers, devices):
            bar.update(done)
