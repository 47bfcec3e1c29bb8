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

SETTLED = 2e9  # nanoseconds after which another write shows in a file's times
TABLE = "CREATE TABLE IF NOT EXISTS files (name TEXT PRIMARY KEY, stamp TEXT, digest TEXT)"


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
        kind: What `compute` hashes, so that two ways of hashing one file keep apart.
        compute: Hashes a file; its `ValueError`s are collected.
        root: Folder of the memory, shared by all who hash.
        linked: The files are never written into, but linked: then their time of change, which
            each link sets, tells nothing and is left out.

    Returns:
        Hash by path.

    Raises:
        ValueError: Some files could not be hashed; all of them are named.
    """
    root.mkdir(parents=True, exist_ok=True)
    found: dict[Path, str] = {}
    learnt, problems, resolved = [], [], functools.cache(Path.resolve)
    with closing(sqlite3.connect(root / "files.sqlite", timeout=60)) as memory:
        with memory:
            memory.execute(TABLE)
        known = {name: rest for name, *rest in memory.execute("SELECT * FROM files")}
        for path in paths:
            name, stamp = f"{kind}:{resolved(path.parent) / path.name}", _stamp(path, linked)
            if stamp and known.get(name, [None])[0] == stamp:
                found[path] = known[name][1]
                continue
            try:
                found[path] = compute(path)
            except ValueError as error:
                problems.append(str(error))
                continue
            if stamp == _stamp(path, linked):
                learnt.append((name, stamp, found[path]))
        with memory:
            memory.executemany("INSERT OR REPLACE INTO files VALUES (?, ?, ?)", learnt)
    if problems:
        raise ValueError(f"{len(problems)} file(s) can't be used:\n  " + "\n  ".join(problems))
    return found


def _stamp(path: Path, linked: bool) -> str | None:
    # None: there is no file, or it was touched so lately that its times tell nothing.
    try:
        status = os.stat(path)
    except OSError:
        return None
    times = [status.st_mtime_ns] if linked else [status.st_mtime_ns, status.st_ctime_ns]
    if time.time_ns() - max(times) < SETTLED:
        return None
    return " ".join(map(str, [status.st_size, status.st_ino, *times]))
