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
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

SAMPLES = "samples"  # a kind of hash: of a sound file as it is decoded
SETTLED = 2e9  # nanoseconds after which another write shows in a file's times
TABLE = "CREATE TABLE IF NOT EXISTS files (name TEXT PRIMARY KEY, stamp TEXT, digest TEXT)"


class Memory:
    """The hashes of one kind that are known, and those that are learnt."""

    def __init__(self, kind: str, known: dict[str, list[str]], linked: bool) -> None:
        """Take what `memory` has read."""
        self.kind, self.linked = kind, linked
        self._known, self._learnt = known, {}
        self._resolved = functools.cache(Path.resolve)

    def recall(self, path: Path) -> str | None:
        """Return the hash of a file that has not changed since it was hashed, if it was."""
        stamp, digest = self._known.get(self._name(path), (None, None))
        return digest if stamp and stamp == self.stamp(path) else None

    def stamp(self, path: Path) -> str | None:
        """Tell what a change of a file changes; to be taken before the file is read.

        Args:
            path: The file.

        Returns:
            Size, inode and times; None if there is no file, or it was touched so lately that its
            times tell nothing.
        """
        try:
            status = os.stat(path)
        except OSError:
            return None
        times = [status.st_mtime_ns] + ([] if self.linked else [status.st_ctime_ns])
        if time.time_ns() - max(times) < SETTLED:
            return None
        return " ".join(map(str, [status.st_size, status.st_ino, *times]))

    def learn(self, path: Path, stamp: str | None, digest: str) -> None:
        """Remember a file's hash, unless it has changed meanwhile.

        Args:
            path: The file.
            stamp: What `stamp` told before the file was read.
            digest: Its hash.
        """
        if stamp and stamp == self.stamp(path):
            self._learnt[self._name(path)] = (stamp, digest)

    def rows(self) -> list[tuple[str, str, str]]:
        """Return what was learnt: name, stamp and hash."""
        return [(name, *values) for name, values in self._learnt.items()]

    def _name(self, path: Path) -> str:
        return f"{self.kind}:{self._resolved(path.parent) / path.name}"


@contextmanager
def memory(kind: str, root: Path, linked: bool = False) -> Iterator[Memory]:
    """Read what is known and keep what is learnt.

    Args:
        kind: What is hashed, so that two ways of hashing one file keep apart.
        root: Folder of the memory, shared by all who hash.
        linked: The files are never written into, but linked: then their time of change, which
            each link sets, tells nothing and is left out.

    Yields:
        The memory.
    """
    root.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(root / "files.sqlite", timeout=60)) as file:
        with file:
            file.execute(TABLE)
        known = {name: rest for name, *rest in file.execute("SELECT * FROM files")}
        found = Memory(kind, known, linked)
        try:
            yield found
        finally:
            with file:
                file.executemany("INSERT OR REPLACE INTO files VALUES (?, ?, ?)", found.rows())


def digests(
    paths: Iterable[Path],
    kind: str,
    compute: Callable[[Path], str],
    root: Path,
    linked: bool = False,
) -> dict[Path, str]:
    """Hash files, or recall their hashes.

    Args:
        paths: Files.
        kind: As `memory` takes it.
        compute: Hashes a file; its `ValueError`s are collected.
        root: As `memory` takes it.
        linked: As `memory` takes it.

    Returns:
        Hash by path.

    Raises:
        ValueError: Some files could not be hashed; all of them are named.
    """
    found: dict[Path, str] = {}
    problems = []
    with memory(kind, root, linked) as known:
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
