"""Requests to rows on a Ray cluster: the same scorer, one in each worker process."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from whisq.devices import BatchSize, at_once
from whisq.scoring.job import Engine
from whisq.scoring.requests import Request
from whisq.scoring.rows import Row, arrow
from whisq.scoring.scorer import ROWS, Scorer
from whisq.store.cluster import CPUS, target

if TYPE_CHECKING:
    from pyarrow import Table
    from ray.data import Dataset


def cluster(model: str, workers: int, batch_size: BatchSize, device: str) -> Engine:
    """Make an engine of Ray workers: on the cluster that RAY_ADDRESS names, else on this machine.

    A worker that is killed is started again and its clips are scored again: a row is late, not
    lost. Clips, and a model given as a folder, must lie where every worker finds them.

    Args:
        model: As `whisq.load` takes it.
        workers: Processes with a model each, at least 1.
        batch_size: Clips that a worker encodes at once, at least 1, or auto.
        device: Where to compute, as `whisq.store.cluster.target` takes it.

    Returns:
        The engine; its rows come in the requests' order.
    """
    there = target(device, "--engine ray")
    together = at_once(batch_size, there)
    where = os.path.abspath(model) if os.path.isdir(model) else model

    def rows(requests: Iterable[Request]) -> Iterator[Row]:
        requests = list(requests)
        if not requests:
            return
        answers = _answers(requests, where, workers, together, there)
        for request, answer in zip(requests, answers.iter_rows(), strict=True):
            yield replace(Row(**answer), path=str(request.path))

    return rows


def _answers(
    requests: list[Request], model: str, workers: int, together: int, device: str
) -> Dataset:
    import ray

    ray.data.DataContext.get_current().execution_options.preserve_order = True
    items = [{**vars(request), "path": os.path.abspath(request.path)} for request in requests]
    # One block a batch: rows reach the journal as soon as they are scored.
    size = max(together, ROWS)
    blocks = -(-len(items) // size)
    return ray.data.from_items(items, override_num_blocks=blocks).map_batches(
        Worker,
        fn_constructor_args=(model, device, together),
        batch_size=size,
        batch_format="pyarrow",
        compute=ray.data.ActorPoolStrategy(size=workers),
        num_cpus=CPUS,
        num_gpus=int(device == "cuda"),
    )


class Worker:
    """A scorer in a process of its own."""

    def __init__(self, model: str, device: str, together: int) -> None:
        """Load the model, on one thread.

        Args:
            model: As `whisq.load` takes it.
            device: Where to compute; `cuda` is the GPU that Ray gave.
            together: Clips that are encoded at once.
        """
        import torch

        from whisq.predictor import Predictor

        torch.set_num_threads(1)
        self.scorer, self.together = Scorer(Predictor.load(model, device)), together

    def __call__(self, batch: Table) -> Table:
        """Answer a batch.

        Args:
            batch: A row a request.

        Returns:
            A row an answer, in order.
        """
        requests = [Request(**{**item, "path": Path(item["path"])}) for item in batch.to_pylist()]
        return arrow(list(self.scorer.rows(requests, together=self.together)))
