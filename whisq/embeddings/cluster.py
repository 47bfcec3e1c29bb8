"""Encoding many files on a Ray cluster: the same worker, the same cache, more machines.

The cluster is the one that `RAY_ADDRESS` names, else this machine. Sound files, weights and the
cache (`WHISQ_CACHE`) must lie where every machine finds them under the same path.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from whisq.embeddings.cache import Cache
from whisq.embeddings.workers import Job, Worker
from whisq.encoders.weights import Location
from whisq.encoders.whisper import AudioSpec
from whisq.extras import require

# With whole CPUs for the actors none is left for Ray Data's own tasks, and nothing moves.
CPUS = 0.5


def encode_on_ray(
    setting: tuple[AudioSpec, Location, Cache], batches: list[list[Job]], workers: int
) -> Iterator[int]:
    """Encode files on the cluster and keep the results in the cache.

    A worker that is lost is started again and its batch with it; what it had stored stays.

    Args:
        setting: What to keep of which encoder, where its weights are, where results go.
        batches: What is encoded at once.
        workers: Processes with an encoder each, at least 1.

    Yields:
        How many files are done with each batch.
    """
    join("embed_audio.engine: ray")
    import ray

    items = [
        {"batch": [{"content": content, "path": str(path.resolve())} for content, path in batch]}
        for batch in batches
    ]
    # One block a batch: a lost worker costs one batch.
    done = ray.data.from_items(items, override_num_blocks=len(items)).map(
        RayWorker,
        fn_constructor_args=setting,
        compute=ray.data.ActorPoolStrategy(size=workers),
        num_cpus=CPUS,
        num_gpus=1 if ray.cluster_resources().get("GPU") else 0,
    )
    for row in done.iter_rows():
        yield int(row["done"])


def join(asked_by: str) -> None:
    """Join the cluster, or start one on this machine.

    Args:
        asked_by: The setting or option that wants Ray, for the message.
    """
    require("ray", "ray", by=asked_by)
    # Left to itself Ray gives its workers the lowest rank, and they starve on a busy machine.
    os.environ.setdefault("RAY_worker_niceness", "0")
    import ray

    if not ray.is_initialized():
        ray.init(logging_level="warning", log_to_driver=False)
    ray.data.DataContext.get_current().enable_progress_bars = False  # the caller shows its own


class RayWorker:
    """A worker as Ray Data calls it: a row is a batch."""

    def __init__(self, spec: AudioSpec, location: Location, cache: Cache) -> None:
        """Load the encoder on one thread, on the GPU that Ray gave.

        Args:
            spec: What to keep of which encoder.
            location: Where its weights are.
            cache: Where results go.
        """
        import torch

        torch.set_num_threads(1)
        device = "cuda" if torch.cuda.is_available() else "cpu"
        self.worker = Worker(spec, location, cache, device)

    def __call__(self, row: dict[str, Any]) -> dict[str, int]:
        """Encode a batch, but what was stored before a worker was lost.

        Args:
            row: `batch` holds the content's hash and the path of each file.

        Returns:
            How many files are done.
        """
        jobs = [(item["content"], Path(item["path"])) for item in row["batch"]]
        missing = [job for job in jobs if job[0] not in self.worker.cache]
        if missing:
            self.worker([missing])
        return {"done": len(jobs)}
