"""A list of requests worked through: shown, journalled, stopped and gone on with."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from whisq.scoring.journal import Journal
from whisq.scoring.requests import Request
from whisq.scoring.rows import Row

Engine = Callable[[Iterable[Request]], Iterator[Row]]


class StrictError(Exception):
    """A clip could not be scored in a job that is to stop at the first such."""


@dataclass
class Tally:
    """What a job did, for people.

    Attributes:
        clips: Rows so far.
        scored: Rows that were computed now, not taken from a journal.
        bare: Rows without a prompt, of quality alone.
        failed: Rows with an error.
        seconds: What scoring took, without loading the model.
    """

    clips: int = 0
    scored: int = 0
    bare: int = 0
    failed: list[Row] = field(default_factory=list)
    seconds: float = 0.0

    def add(self, row: Row) -> None:
        """Count a row.

        Args:
            row: Scored or failed.
        """
        self.clips += 1
        self.bare += row.prompt is None
        if row.error is not None:
            self.failed.append(row)

    def report(self, shown: int = 5) -> str:
        """Say what was done.

        Args:
            shown: How many failed clips are named.

        Returns:
            A line or a few.
        """
        rate = f", {self.scored / self.seconds:.2f} clips a second" if self.seconds else ""
        lines = [f"{self.clips - len(self.failed)} of {self.clips} clips have a score{rate}"]
        if self.scored < self.clips:
            lines.append(f"{self.clips - self.scored} were scored by an earlier run")
        if self.bare:
            lines.append(f"{self.bare} have no prompt: musical quality alone")
        lines += [f"failed: {row.id}: {row.error}" for row in self.failed[:shown]]
        if len(self.failed) > shown:
            lines.append(f"and {len(self.failed) - shown} more failed: see the column `error`")
        return "\n".join(lines)


def stream(
    requests: Iterable[Request], engine: Engine, tally: Tally, strict: bool = False
) -> Iterator[Row]:
    """Score requests as they come.

    Args:
        requests: Any number of them, also without end.
        engine: Answers them in order.
        tally: Counts the rows.
        strict: Stop at the first clip that can't be scored.

    Yields:
        One row a request, in order.

    Raises:
        StrictError: A clip failed in a strict job; it has been yielded.
    """
    total = len(requests) if isinstance(requests, Sequence) else None
    started = time.monotonic()
    for row in _shown(engine(requests), total):
        tally.add(row)
        tally.scored += 1
        tally.seconds = time.monotonic() - started
        yield row
        if strict and row.error is not None:
            raise StrictError(f"{row.id}: {row.error}")


def complete(
    requests: Sequence[Request],
    engine: Engine,
    journal: Journal,
    tally: Tally,
    strict: bool = False,
) -> list[Row]:
    """Score what a journal does not hold yet.

    Args:
        requests: The whole list.
        engine: Answers requests in order.
        journal: Holds what an earlier run has done, and is given what this one does.
        tally: Counts the rows.
        strict: Stop at the first clip that can't be scored.

    Returns:
        One row a request, in order.
    """
    waiting = [request for request in requests if journal.known(request) is None]
    now = Tally()
    for request, row in zip(waiting, stream(waiting, engine, now, strict), strict=True):
        journal.add(request, row)
    tally.scored, tally.seconds = now.scored, now.seconds
    rows = [row for request in requests if (row := journal.known(request))]
    for row in rows:
        tally.add(row)
    return rows


def _shown(rows: Iterator[Row], total: int | None) -> Iterator[Row]:
    from tqdm import tqdm

    # A bar on a terminal only: a log needs none.
    yield from tqdm(rows, "score", total, unit="clip", disable=None, file=sys.stderr)
