"""Requests to rows on this machine: what can't be scored becomes a row that says why."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TYPE_CHECKING

from whisq.scoring.requests import Request
from whisq.scoring.rows import Row, row_of

if TYPE_CHECKING:
    from whisq.predictor import Clip, Embedded, Predictor

    # A clip that is read, or encoded, with what is to be known of it; or why it is not.
    Answer = tuple[Clip | Embedded, list[str]] | ValueError

ROWS = 8  # that the network rates at once


class Scorer:
    """A model that answers requests; an engine runs one in each of its processes."""

    def __init__(self, model: Predictor) -> None:
        """Take the model.

        Args:
            model: Loaded.
        """
        self.model = model

    def rows(
        self,
        requests: Iterable[Request],
        batch_size: int = ROWS,
        threads: int = 1,
        together: int = 1,
    ) -> Iterator[Row]:
        """Answer requests as they come.

        Args:
            requests: Any number of them.
            batch_size: How many the network rates at once, at least 1; no row depends on it.
            threads: How many clips are read and encoded side by side, at least 1. With 1 no more
                requests are read than are answered.
            together: How many clips the encoders run at once, at least 1. Above 1 the threads
                read alone, clips are rated as they are encoded, and rows depend on it to rounding.

        Yields:
            One row a request, in order.
        """
        begin = self._embed if together == 1 else self._read
        if threads > 1:
            ready = self._side_by_side(begin, requests, threads, max(2 * threads, together))
        else:
            ready = ((request, begin(request)) for request in requests)
        while chunk := list(islice(ready, batch_size if together == 1 else together)):
            yield from self._rows(chunk if together == 1 else self._encoded(chunk))

    def _side_by_side(
        self,
        begin: Callable[[Request], Answer],
        requests: Iterable[Request],
        threads: int,
        ahead: int,
    ) -> Iterator[tuple[Request, Answer]]:
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
                while waiting:
                    first, future = waiting.popleft()
                    yield first, future.result()
            finally:
                pool.shutdown(cancel_futures=True)

    def _embed(self, request: Request) -> Answer:
        return self._attempt(request, self.model.embed)

    def _read(self, request: Request) -> Answer:
        return self._attempt(request, self.model.read)

    def _attempt(self, request: Request, begin: Callable[..., Answer]) -> Answer:
        # An encoder that can't be loaded is no clip's fault: that error ends the job.
        self.model.ready(prompted=request.prompt is not None)
        try:
            return begin(request.path, request.prompt)
        except ValueError as error:
            return error

    def _encoded(self, chunk: Sequence[tuple[Request, Answer]]) -> list[tuple[Request, Answer]]:
        clips = [answer[0] for _, answer in chunk if not isinstance(answer, ValueError)]
        try:
            states = iter(self.model.encode(clips, max(len(clips), 1)))
        except ValueError:  # of one of them: by itself each answers for itself
            return [(request, self._embed(request)) for request, _ in chunk]
        return [
            (request, answer if isinstance(answer, ValueError) else (next(states), answer[1]))
            for request, answer in chunk
        ]

    def _rows(self, chunk: Sequence[tuple[Request, Answer]]) -> list[Row]:
        embedded = [answer[0] for _, answer in chunk if not isinstance(answer, ValueError)]
        scores = iter(self.model.score_embedded(embedded))
        return [
            row_of(request, error=str(answer))
            if isinstance(answer, ValueError)
            else row_of(request, next(scores), note="; ".join(answer[1]) or None)
            for request, answer in chunk
        ]
