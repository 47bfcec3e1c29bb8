"""Requests to rows on this machine: what can't be scored becomes a row that says why."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TYPE_CHECKING

from whisq.scoring.requests import Request
from whisq.scoring.rows import Row, row_of

if TYPE_CHECKING:
    from whisq.predictor import Embedded, Predictor

    Answer = tuple[Embedded, list[str]] | ValueError


class Scorer:
    """A model that answers requests; an engine runs one in each of its processes."""

    def __init__(self, model: Predictor) -> None:
        """Take the model.

        Args:
            model: Loaded.
        """
        self.model = model

    def rows(
        self, requests: Iterable[Request], batch_size: int = 8, threads: int = 1
    ) -> Iterator[Row]:
        """Answer requests as they come; no row depends on how many are taken at once.

        Args:
            requests: Any number of them.
            batch_size: How many the network rates at once, at least 1.
            threads: How many clips are encoded side by side, at least 1. With 1 no more
                requests are read than are answered.

        Yields:
            One row a request, in order.
        """
        embedded = self._side_by_side(requests, threads) if threads > 1 else self._each(requests)
        while chunk := list(islice(embedded, batch_size)):
            yield from self._rows(chunk)

    def _each(self, requests: Iterable[Request]) -> Iterator[tuple[Request, Answer]]:
        return ((request, self._embed(request)) for request in requests)

    def _side_by_side(
        self, requests: Iterable[Request], threads: int
    ) -> Iterator[tuple[Request, Answer]]:
        # torch lets go of the interpreter while it computes. A few clips wait ready, so that no
        # thread waits for the network's turn.
        waiting: deque[tuple[Request, Future[Answer]]] = deque()
        with ThreadPoolExecutor(threads) as pool:
            try:
                for request in requests:
                    waiting.append((request, pool.submit(self._embed, request)))
                    if len(waiting) > 2 * threads:
                        first, future = waiting.popleft()
                        yield first, future.result()
                while waiting:
                    first, future = waiting.popleft()
                    yield first, future.result()
            finally:
                pool.shutdown(cancel_futures=True)

    def _embed(self, request: Request) -> Answer:
        # An encoder that can't be loaded is no clip's fault: that error ends the job.
        self.model.ready(prompted=request.prompt is not None)
        try:
            return self.model.embed(request.path, request.prompt)
        except ValueError as error:
            return error

    def _rows(self, chunk: Sequence[tuple[Request, Answer]]) -> list[Row]:
        embedded = [answer[0] for _, answer in chunk if not isinstance(answer, ValueError)]
        scores = iter(self.model.score_embedded(embedded))
        return [
            row_of(request, error=str(answer))
            if isinstance(answer, ValueError)
            else row_of(request, next(scores), note="; ".join(answer[1]) or None)
            for request, answer in chunk
        ]
