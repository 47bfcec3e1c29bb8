"""The rows of an unfinished job, kept so that a killed one costs nothing that was done."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path
from types import TracebackType
from typing import Any

from filelock import FileLock, Timeout

from whisq.scoring.requests import Request
from whisq.scoring.rows import Row

Key = tuple[str, str | None, int, int]


class Journal:
    """An append-only file of scored rows beside the answer that they will become.

    A row is known by the clip's path, size and time of change and by its prompt, so a clip that
    was made anew is scored anew. Errors are not kept on disk: what failed is tried again.
    """

    def __init__(self, answer: Path, model: str, resume: bool) -> None:
        """Open the journal and read what it holds.

        Args:
            answer: The file that the job writes when it is done.
            model: The fingerprint of the model that scores.
            resume: Go on from what is there.

        Raises:
            ValueError: There is a journal already and `resume` is not set, another model made it,
                or another process is writing it.
        """
        self.path = answer.with_name(answer.name + ".partial")
        self._rows: dict[Key, Row] = {}
        if self.path.exists() and not resume:
            raise ValueError(
                f"{self.path} holds the rows of an unfinished run: go on from it with --resume, "
                "or delete it to start again"
            )
        self._lock = FileLock(f"{self.path}.lock")
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise ValueError(f"another run is writing {self.path}: let it end") from None
        try:
            self._open(model)
        except BaseException:
            self._unlock()
            raise

    def _open(self, model: str) -> None:
        whole = self._read(model) if self.path.exists() else 0
        self._file = self.path.open("ab")
        self._file.truncate(whole)
        if not whole:
            self._append({"model": model})

    def __enter__(self) -> Journal:
        """Begin to use it.

        Returns:
            The journal itself.
        """
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file; it stays for a later run to go on from."""
        self._file.close()
        self._unlock()

    def known(self, request: Request) -> Row | None:
        """Look up what is scored already.

        Args:
            request: One clip and prompt.

        Returns:
            Its row, under this request's id and system; None if it is still to do.
        """
        row = self._rows.get(_key(request))
        return replace(row, id=request.id, system=request.system) if row else None

    def add(self, request: Request, row: Row) -> None:
        """Keep a row: unless it is an error, it is on the disk when this returns.

        Args:
            request: What was asked.
            row: The answer.
        """
        self._rows[_key(request)] = row
        if row.error is None:
            self._append({"key": _key(request), "row": asdict(row)})

    def remove(self) -> None:
        """Delete the file, once the answer stands."""
        self.path.unlink()

    def _unlock(self) -> None:
        self._lock.release()
        Path(self._lock.lock_file).unlink(missing_ok=True)

    def _append(self, record: dict[str, Any]) -> None:
        self._file.write(json.dumps(record).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def _read(self, model: str) -> int:
        """Take in what is on the disk.

        Args:
            model: The fingerprint of the model that scores.

        Returns:
            The length of the whole lines, bytes; a kill may have torn the last one.

        Raises:
            ValueError: Another model made the journal.
        """
        whole = 0
        for line in _whole_lines(self.path.read_bytes()):
            record = json.loads(line)
            if record.get("model", model) != model:
                raise ValueError(
                    f"{self.path} was begun with another model: delete it to start again"
                )
            if "row" in record:
                path, prompt, size, changed = record["key"]
                self._rows[path, prompt, size, changed] = Row(**record["row"])
            whole += len(line)
        return whole


def _whole_lines(content: bytes) -> Iterable[bytes]:
    return (line for line in content.splitlines(keepends=True) if line.endswith(b"\n"))


def _key(request: Request) -> Key:
    path = os.path.abspath(request.path)
    try:
        stat = os.stat(path)
    except (OSError, ValueError):
        return path, request.prompt, -1, -1
    return path, request.prompt, stat.st_size, stat.st_mtime_ns
