"""Requests to rows on this machine: what can't be scored becomes a row that says why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from whisq.scoring.requests import Request
from whisq.scoring.rows import Row, row_of

if TYPE_CHECKING:
    from whisq.predictor import Embedded, Predictor


class Scorer:
    """A model that answers requests; an engine runs one in each of its processes."""

    def __init__(self, model: Predictor) -> None:
        """Take the model.

        Args:
            model: Loaded.
        """
        self.model = model

    def rows(self, requests: Iterable[Request], batch_size: int) -> Iterator[Row]:
        """Answer requests as they come.

        Args:
            requests: Any number of them.
            batch_size: How many are taken at once, at least 1; no row depends on it.

        Yields:
            One row a request, in order.
        """
        waiting = iter(requests)
        while chunk := list(islice(waiting, batch_size)):
            yield from self(chunk)

    def __call__(self, requests: Sequence[Request]) -> list[Row]:
        """Answer a few requests at once.

        Args:
            requests: Clips and prompts.

        Returns:
            One row a request, in order.
        """
        rows: list[Row | None] = []
        embedded: list[Embedded] = []
        notes = []
        for request in requests:
            try:
                states, cautions = self.model.embed(request.path, request.prompt)
            except ValueError as error:
                rows.append(row_of(request, error=str(error)))
            else:
                rows.append(None)
                embedded.append(states)
                notes.append("; ".join(cautions) or None)
        scores = iter(zip(self.model.score_embedded(embedded), notes, strict=True))
        return [
            row or row_of(request, *next(scores))
            for row, request in zip(rows, requests, strict=True)
        ]
