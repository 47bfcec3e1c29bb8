"""Hashes of files that have not changed since they were hashed, so that none is read twice.

A file is taken for unchanged while path, size, inode, time of change and time of modification
are. A file touched less than two seconds before it was hashed is not remembered: it could change
again without any of these showing it.
"""

from __future__ import annotations

import functools
import os
import sqlite3
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path

SAMPLES = "samples"  # a kind of hash: of a sound file as it is decoded
SETTLED = 2e9  # nanoseconds after which another write shows in a file's times
TABLE = "CREATE TABLE IF NOT EXISTS files (name TEXT PRIMARY KEY, stamp TEXT, digest TEXT)"


class Memory:
    """The hashes of one kind: what is known on entering, and what is learnt, kept on leaving."""

    def __init__(self, kind: str, root: Path, linked: bool = False) -> None:
        """Name the memory.

        Args:
            kind: What is hashed, so that two ways of hashing one file keep apart.
            root: Folder of the memory, shared by all who hash.
            linked: The files are never written into, but linked: then their time of change, which
                each link sets, tells nothing and is left out.
        """
        self.kind, self.root, self.linked = kind, root, linked
        self._resolved = functools.cache(Path.resolve)
        self._learnt: dict[str, tuple[str, str]] = {}

    def __enter__(self) -> Memory:
        """Return the memory itself, once what is known is read."""
        self.root.mkdir(parents=True, exist_ok=True)
        self._file = sqlite3.connect(self.root / "files.sqlite", timeout=60)
        self._file.execute(TABLE)
        self._known = {name: rest for name, *rest in self._file.execute("SELECT * FROM files")}
        return self

    def __exit__(self, *_: object) -> None:
        """Keep what was learnt, whether or not there was an error."""
        rows = [(name, *values) for name, values in self._learnt.items()]
        with closing(self._file), self._file:
            self._file.executemany("INSERT OR REPLACE INTO files VALUES (?, ?, ?)", rows)

    def recall(self, path: Path) -> str | None:
        """Return the hash of a file that has not changed since it was hashed, if it was."""
        stamp, digest = self._known.get(self._name(path), (None, None))
        return digest if stamp and stamp == self.stamp(path) else None

    def stamp(self, path: Path) -> str | None:
        """Return what a change of a file changes, to be taken before the file is read.

        It is None if there is no file, or if its times tell nothing as it was touched so lately.
        """
        try:
            status = os.stat(path)
        except OSError:
            return None
        times = [status.st_mtime_ns] if self.linked else [status.st_mtime_ns, status.st_ctime_ns]
        if time.time_ns() - max(times) < SETTLED:
            return None
        return " ".join(map(str, [status.st_size, status.st_ino, *times]))

    def learn(self, path: Path, stamp: str | None, digest: str) -> None:
        """Remember a file's hash, unless the file is another than when `stamp` was taken."""
        if stamp and stamp == self.stamp(path):
            self._learnt[self._name(path)] = (stamp, digest)

    def _name(self, path: Path) -> str:
        return f"{self.kind}:{self._resolved(path.parent) / path.name}"


def digests(
    paths: Iterable[Path],
    kind: str,
    compute: Callable[[Path], str],
    root: Path,
    linked: bool = False,
) -> dict[Path, str]:
    """Hash files by `compute`, or recall their hashes.

    Returns:
        Hash by path.

    Raises:
        ValueError: `compute` has refused some files; what it said of each is told.
    """
    found: dict[Path, str] = {}
    problems = []
    with Memory(kind, root, linked) as known:
        for path in paths:
            if digest := known.recall(path):
                found[path] = digest
                continue
            stamp = known.stamp(path)
            try:
                found[path] = compute(path)
            except ValueError as error:
                problems.append(str(error))
            else:
                known.learn(path, stamp, found[path])
    if problems:
        raise ValueError(f"{len(problems)} file(s) can't be used:\n  " + "\n  ".join(problems))
    return found
