"""A list of requests worked through: journalled, stopped, gone on with, and no row lost."""

from __future__ import annotations

import json
import os
import stat
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from whisq.files import file_digest
from whisq.scores import Score
from whisq.scoring.requests import Request
from whisq.scoring.rows import Provenance, Row, row_of

Engine = Callable[[Iterable[Request]], Iterator[Row]]  # answers requests in order
HEAD = b'{"model":'


class StrictError(Exception):
    """A clip could not be scored in a job that is to stop at the first such."""


@dataclass
class Tally:
    """What a job did, for people."""

    clips: int = 0
    scored: int = 0  # now, not by an earlier run
    bare: int = 0  # without a prompt
    failed: list[Row] = field(default_factory=list)
    seconds: float = 0.0  # without loading the model

    def add(self, row: Row) -> None:
        """Count a row."""
        self.clips += 1
        self.bare += row.prompt is None
        if row.error is not None:
            self.failed.append(row)

    def report(self, shown: int = 5) -> str:
        """Return what was done in a line or a few, of the failed clips the first `shown`."""
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


class Journal:
    """An append-only file of scores beside the answer that they will become.

    A score is known by what it was made from: the SHA-256 of the clip's bytes, the prompt, and
    the model, whose hash stands at the head. Errors are not kept: what failed is tried again.
    """

    def __init__(self, answer: Path, model: str, resume: bool, provenance: bool = False) -> None:
        """Lock the journal and read what it holds; nothing is written before the first score.

        Args:
            answer: The file that the job writes when it is done.
            model: The fingerprint of the model that scores.
            resume: Go on from what is there.
            provenance: Know only rows that tell where they come from.

        Raises:
            ValueError: There is a journal already and `resume` is not set, another model made it,
                it is none, or another process is writing it.
        """
        self.path = answer.with_name(answer.name + ".partial")
        self._model, self._provenance = model, provenance
        self._known: dict[tuple[str, str | None], dict[str, Any]] = {}
        self._whole = 0  # bytes
        self._lock = FileLock(f"{self.path}.lock")
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise ValueError(f"another run is writing {self.path}: let it end") from None
        try:
            if self.path.exists():
                self._read(resume)
        except BaseException:
            self.__exit__()
            raise

    def __enter__(self) -> Journal:
        """Return the journal itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let others have the file; it stays for a later run to go on from."""
        Path(self._lock.lock_file).unlink(missing_ok=True)
        self._lock.release()

    def known(self, request: Request) -> Row | None:
        """Return a request's row if an earlier run scored the same clip, None if it is to do."""
        clip = _content(request.path) if self._known else None
        found = self._known.get((clip, request.prompt)) if clip else None
        told = found and self._provenance and found["provenance"]
        if not found or (self._provenance and not told):
            return None
        told = Provenance(**told) if told else None
        return row_of(request, Score(found["omq"], found["ta"]), found["note"], provenance=told)

    def add(self, request: Request, clip: str, row: Row) -> None:
        """Keep a row with a score and its clip's SHA-256: on the disk when this returns."""
        if not self._whole:
            self._append({"model": self._model})
        told = row.provenance and asdict(row.provenance)
        record = {"clip": clip, "prompt": request.prompt, "provenance": told}
        self._append(record | {"omq": row.omq, "ta": row.ta, "note": row.note})

    def remove(self) -> None:
        """Delete the file, once the answer stands."""
        self.path.unlink(missing_ok=True)

    def _append(self, record: dict[str, Any]) -> None:
        with self.path.open("ab") as file:
            file.truncate(self._whole)  # a kill may have torn the last line
            self._whole += file.write(json.dumps(record).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def _read(self, resume: bool) -> None:
        if not resume:
            raise ValueError(
                f"{self.path} holds the rows of an unfinished run: go on from it with "
                "--resume, or delete it to start again"
            )
        content = self.path.read_bytes()
        if not content[: len(HEAD)] == HEAD[: len(content)]:
            raise ValueError(f"{self.path} is not the rows of an unfinished run: name another file")
        for line in content.splitlines(keepends=True):
            if not line.endswith(b"\n"):
                break
            record = json.loads(line)
            if record.get("model", self._model) != self._model:
                raise ValueError(
                    f"{self.path} was begun with another model: delete it to start again"
                )
            if "clip" in record:
                self._known[record["clip"], record["prompt"]] = record
            self._whole += len(line)


def stream(
    requests: Iterable[Request], engine: Engine, tally: Tally, strict: bool = False
) -> Iterator[tuple[Row, str | None]]:
    """Yield one row a request, in order, and the SHA-256 of the clip's bytes.

    The SHA-256 is None where a clip can't be read. One whose bytes are others after it was scored
    is an error.

    Args:
        requests: Any number of them, also without end.
        engine: Answers them.
        tally: Counts the rows.
        strict: Stop at the first clip that can't be scored.

    Raises:
        StrictError: A clip failed in a strict job; it has been yielded.
        ValueError: The engine lost a row.
    """
    from tqdm import tqdm

    started, asked = time.monotonic(), deque[tuple[Request, str | None]]()
    total = len(requests) if isinstance(requests, Sequence) else None
    rows = engine(_noted(requests, asked))
    # A bar on a terminal only: a log needs none.
    for row in tqdm(rows, "score", total, unit="clip", disable=None, file=sys.stderr):
        request, clip = asked.popleft()
        if row.id != row_of(request).id:
            raise ValueError(f"the row of {request.id!r} was lost: {row.id!r} came in its place")
        if row.error is None and _content(request.path) != clip:
            error = f"{row.path!r} changed while it was scored: score it again"
            row = row_of(
                request, error=error, provenance=row.provenance and row.provenance.of_model
            )
        tally.add(row)
        tally.scored += 1
        tally.seconds = time.monotonic() - started
        yield row, clip
        if strict and row.error is not None:
            raise StrictError(f"{row.id}: {row.error}")
    if asked:
        raise ValueError(f"the rows of {len(asked)} clips were lost, {asked[0][0].id!r} first")


def complete(
    requests: Sequence[Request],
    engine: Engine,
    journal: Journal,
    tally: Tally,
    strict: bool = False,
) -> list[Row]:
    """Return one row a request, in order; scored is what the journal does not hold yet.

    Args:
        requests: The whole list.
        engine: Asked for the rest.
        journal: Holds what an earlier run has done, and is given what this one does.
        tally: Counts the rows.
        strict: Stop at the first clip that can't be scored.
    """
    rows = [journal.known(request) for request in requests]
    places = [place for place, row in enumerate(rows) if row is None]
    for row in filter(None, rows):
        tally.add(row)
    done = stream([requests[place] for place in places], engine, tally, strict)
    for place, (row, clip) in zip(places, done, strict=True):
        rows[place] = row
        if row.error is None and clip:
            journal.add(requests[place], clip, row)
    return rows


def _noted(
    requests: Iterable[Request], asked: deque[tuple[Request, str | None]]
) -> Iterator[Request]:
    for request in requests:
        asked.append((request, _content(request.path)))
        yield request


def _content(path: Path) -> str | None:
    try:
        # A pipe or a device may never end.
        return file_digest(path) if stat.S_ISREG(os.stat(path).st_mode) else None
    except (OSError, ValueError):
        return None
