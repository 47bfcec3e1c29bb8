"""Encoding many files on a Ray cluster: the same worker, the same store, more machines.

The cluster is the one that `RAY_ADDRESS` names, else this machine. Sound files, weights and the
store (`WHISQ_CACHE`) must lie where every machine finds them under the same path.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from whisq.devices import AUTO, resolve
from whisq.extras import require
from whisq.store.audio import Job, Setting, Worker

# With whole CPUs for the actors none is left for Ray Data's own tasks, and nothing moves.
CPUS = 0.5


def encode_on_ray(
    setting: Setting,
    batches: list[list[Job]],
    workers: int,
    devices: Sequence[str] = ("cpu",),
) -> Iterator[int]:
    """Encode files as `encode_here` does, on the cluster that `target` has joined.

    A worker that is lost is started again and its batch with it; what it had stored stays.

    Yields:
        How many files are done with each batch.
    """
    import ray

    items = [
        {"batch": [{"content": content, "path": str(path.resolve())} for content, path in batch]}
        for batch in batches
    ]
    # One block a batch: a lost worker costs one batch.
    done = ray.data.from_items(items, override_num_blocks=len(items)).map(
        RayWorker,
        fn_constructor_args=(setting, devices[0]),
        compute=ray.data.ActorPoolStrategy(size=workers),
        num_cpus=CPUS,
        num_gpus=int(devices[0] == "cuda"),
    )
    for row in done.iter_rows():
        yield int(row["done"])


def target(device: str, asked_by: str) -> str:
    """Join the cluster and choose what its workers compute on; Ray says which GPU is whose.

    Args:
        device: auto, cpu, cuda or mps.
        asked_by: The setting or option that wants Ray, for the message.

    Returns:
        The device's name, `cuda` or `cpu` in place of `auto`; for `cuda` each worker asks Ray for
        a GPU.

    Raises:
        ValueError: A GPU is named that the cluster has not, or one by its number.
    """
    require("ray", "ray", by=asked_by)
    # Left to itself Ray gives its workers the lowest rank, and they starve on a busy machine.
    os.environ.setdefault("RAY_worker_niceness", "0")
    import ray

    if not ray.is_initialized():
        ray.init(logging_level="warning", log_to_driver=False)
    ray.data.DataContext.get_current().enable_progress_bars = False  # the caller shows its own
    gpus = ray.cluster_resources().get("GPU", 0)
    if device not in (AUTO, "cpu", "cuda", "mps") or (device == "cuda" and not gpus):
        raise ValueError(
            f"with Ray a device must be auto, cpu, mps or, where the cluster has GPUs, cuda, given "
            f"{device!r}; the cluster has {gpus:g} GPUs and shares them out itself"
        )
    return ("cuda" if gpus else "cpu") if device == AUTO else device


class RayWorker:
    """A worker as Ray Data calls it: a row is a batch."""

    def __init__(self, setting: Setting, device: str) -> None:
        """Load the encoder on one thread; `cuda` is the GPU that Ray gave."""
        import torch

        torch.set_num_threads(1)
        self.worker = Worker(*setting, resolve(device))

    def __call__(self, row: dict[str, Any]) -> dict[str, int]:
        """Encode a row's `batch`, but what was stored before a worker was lost.

        Returns:
            How many files are `done`.
        """
        jobs = [(item["content"], Path(item["path"])) for item in row["batch"]]
        missing = [job for job in jobs if job[0] not in self.worker.store]
        if missing:
            self.worker([missing])
        return {"done": len(jobs)}
