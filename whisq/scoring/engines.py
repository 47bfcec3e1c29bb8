"""Requests to rows, on this machine or on a Ray cluster: what can't be scored is a row too."""

from __future__ import annotations

import json
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from whisq.devices import BatchSize, at_once
from whisq.scoring.job import Engine
from whisq.scoring.requests import Request
from whisq.scoring.rows import Provenance, Row, arrow, row_of
from whisq.store.cluster import CPUS, target

if TYPE_CHECKING:
    from pyarrow import Table
    from ray.data import Dataset

    from whisq.predictor import Clip, Embedded, Predictor

    # A clip that is read, or encoded, with what is to be known of it and where it comes from; or
    # why it is not.
    Answer = tuple[Clip | Embedded, list[str], Provenance | None] | ValueError
    Answered = tuple[Request, Answer]

ROWS = 8  # that the network rates at once


@dataclass(frozen=True)
class Scorer:
    """A model that answers requests; an engine runs one in each of its processes.

    Attributes:
        model: Loaded.
        told: What each row tells of its model and, completed, of its clip; None: nothing.
    """

    model: Predictor
    told: Provenance | None = None

    def rows(
        self,
        requests: Iterable[Request],
        batch_size: int = ROWS,
        threads: int = 1,
        together: int = 1,
    ) -> Iterator[Row]:
        """Yield one row a request, in order, as requests come.

        Args:
            requests: Any number of them.
            batch_size: How many the network rates at once, at least 1; no row depends on it.
            threads: How many clips are read and encoded side by side, at least 1. With 1 no more
                requests are read than are answered.
            together: How many clips the encoders run at once, at least 1. Above 1 the threads
                read alone, clips are rated as they are encoded, and rows depend on it to rounding.
        """
        ready = self._ready(requests, threads, together)
        while chunk := list(islice(ready, batch_size if together == 1 else together)):
            yield from self._rows(chunk if together == 1 else self._encoded(chunk))

    def kept(
        self, requests: Iterable[Request], threads: int = 1
    ) -> Iterator[tuple[Row, Embedded | None]]:
        """Yield `rows`, one clip at a time, and what each clip was encoded as, None of an error."""
        for request, answer in self._ready(requests, threads):
            (row,) = self._rows([(request, answer)])
            yield row, None if isinstance(answer, ValueError) else answer[0]

    def _ready(
        self, requests: Iterable[Request], threads: int, together: int = 1
    ) -> Iterator[Answered]:
        begin = partial(self._attempt, self.model.embed if together == 1 else self.model.read)
        if threads > 1:
            return _side_by_side(begin, requests, threads, max(2 * threads, together))
        return ((request, begin(request)) for request in requests)

    def _attempt(self, begin: Callable[..., Answer], request: Request) -> Answer:
        # An encoder that can't be loaded is no clip's fault: that error ends the job.
        self.model.ready(prompted=request.prompt is not None)
        try:
            clip = self.model.hear(request.path)
            told = self.told and self.told.of_clip(clip, self.model.heard(clip))
            return (*begin(clip, request.prompt), told)
        except (ValueError, MemoryError, RuntimeError) as error:
            return _of_a_clip(error)

    def _encoded(self, chunk: Sequence[Answered]) -> list[Answered]:
        clips = [answer[0] for _, answer in chunk if not isinstance(answer, ValueError)]
        try:
            states = iter(self.model.encode(clips, max(len(clips), 1)))
        except (ValueError, MemoryError, RuntimeError) as error:
            _of_a_clip(error)  # of one of them: by itself each answers for itself
            return [(request, self._attempt(self.model.embed, request)) for request, _ in chunk]
        return [
            (request, answer if isinstance(answer, ValueError) else (next(states), *answer[1:]))
            for request, answer in chunk
        ]

    def _rows(self, chunk: Sequence[Answered]) -> list[Row]:
        embedded = [answer[0] for _, answer in chunk if not isinstance(answer, ValueError)]
        scores = iter(self.model.score_embedded(embedded))
        return [
            row_of(request, error=str(answer), provenance=self.told)
            if isinstance(answer, ValueError)
            else row_of(request, next(scores), "; ".join(answer[1]) or None, provenance=answer[2])
            for request, answer in chunk
        ]


def _side_by_side(
    begin: Callable[[Request], Answer], requests: Iterable[Request], threads: int, ahead: int
) -> Iterator[Answered]:
    # torch lets go of the interpreter while it computes. Some clips wait ready, so that no
    # thread waits for the network's turn.
    waiting: deque[tuple[Request, Future[Answer]]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            for request in requests:
                waiting.append((request, pool.submit(begin, request)))
                if len(waiting) > ahead:
                    first, future = waiting.popleft()
                    yield first, future.result()
            for request, future in waiting:
                yield request, future.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _of_a_clip(error: Exception) -> ValueError:
    # torch tells by a RuntimeError that memory does not suffice; other such are bugs.
    if isinstance(error, ValueError):
        return error
    if isinstance(error, MemoryError) or "memory" in str(error):
        return ValueError("there is not enough memory to score the clip: cut it, or run fewer")
    raise error


def cluster(
    model: str,
    workers: int,
    batch_size: BatchSize,
    device: str,
    told: Provenance | None = None,
) -> Engine:
    """Return an engine of Ray workers: on the cluster that RAY_ADDRESS names, else this machine.

    A worker that is killed is started again and its clips are scored again: a row is late, not
    lost. Clips, and a model given as a folder, must lie where every worker finds them.

    Args:
        model: As `whisq.load` takes it.
        workers: Processes with a model each, at least 1.
        batch_size: Clips that a worker encodes at once, at least 1, or auto.
        device: Where to compute, as `whisq.store.cluster.target` takes it.
        told: As `Scorer` takes it.
    """
    there = target(device, "--engine ray")
    together = at_once(batch_size, there)
    where = os.path.abspath(model) if os.path.isdir(model) else model

    def rows(requests: Iterable[Request]) -> Iterator[Row]:
        if not (requests := list(requests)):
            return
        answers = _answers(requests, (where, there, together, told), workers)
        for request, answer in zip(requests, answers.iter_rows(), strict=True):
            asked = row_of(request)
            yield replace(Row.of_cells(answer), id=asked.id, path=asked.path, system=asked.system)

    return rows


def _answers(
    requests: list[Request], worker: tuple[str, str, int, Provenance | None], workers: int
) -> Dataset:
    import ray

    ray.data.DataContext.get_current().execution_options.preserve_order = True
    # As JSON: a path may be of bytes, and a prompt hold half a character, that Arrow refuses.
    items = [
        {"request": json.dumps((os.path.abspath(request.path), request.prompt))}
        for request in requests
    ]
    _, device, together, _ = worker
    # One block a batch: rows reach the journal as soon as they are scored.
    size = max(together, ROWS)
    return ray.data.from_items(items, override_num_blocks=-(-len(items) // size)).map_batches(
        _Worker,
        fn_constructor_args=worker,
        batch_size=size,
        batch_format="pyarrow",
        compute=ray.data.ActorPoolStrategy(size=workers),
        num_cpus=CPUS,
        num_gpus=int(device == "cuda"),
    )


class _Worker:
    # A scorer in a process of its own, on one thread; a batch has a row a request.
    def __init__(
        self, model: str, device: str, together: int, told: Provenance | None = None
    ) -> None:
        import torch

        from whisq.predictor import Predictor

        torch.set_num_threads(1)
        self.scorer, self.together = Scorer(Predictor.load(model, device), told), together

    def __call__(self, batch: Table) -> Table:
        asked = [json.loads(request) for request in batch["request"].to_pylist()]
        requests = [Request("", Path(path), prompt) for path, prompt in asked]
        return arrow(list(self.scorer.rows(requests, together=self.together)))
