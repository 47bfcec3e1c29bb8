"""Files that are there whole or not at all, and hashes of what they hold."""

from __future__ import annotations

import hashlib
import os
import secrets
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

UNFINISHED = ".unfinished-"


def cache_folder() -> Path:
    """Return where sequences and downloads are kept: `WHISQ_CACHE`, else in the user's cache."""
    if os.environ.get("WHISQ_CACHE"):
        return Path(os.environ["WHISQ_CACHE"]).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "whisq"


def in_project(path: str | Path) -> Path | None:
    """Return where a user's path leads, absolute; None where nothing is.

    A relative path counts from the working folder or else the project's: in a temporary copy of the
    project, as DVC makes them, it is still the project's own.
    """
    for base in (Path(), Path(os.environ.get("DVC_ROOT", "."))):
        found = (base / Path(path).expanduser()).resolve()
        if found.exists():
            return found
    return None


def digest_of(*parts: str | bytes | memoryview) -> str:
    """Return the SHA-256, hexadecimal, of texts and bytes one after another."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode() if isinstance(part, str) else part)
    return digest.hexdigest()


def file_digest(path: Path) -> str:
    """Return a file's SHA-256, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Write a file so that it is there whole or not at all, even if the machine stops.

    The file that was there before is replaced and never written into: another name of it, a hard
    link, keeps what it held.

    Args:
        path: Where to; its folder is made.

    Yields:
        Where to write in the meantime; it becomes `path` unless there is an error.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{UNFINISHED}{secrets.token_hex(8)}")
    try:
        yield unfinished
        with unfinished.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def write_whole(path: Path, data: bytes) -> None:
    """Write bytes as `whole` does."""
    with whole(path) as unfinished:
        unfinished.write_bytes(data)


def link_or_copy(source: Path, target: Path) -> None:
    """Give a file a second name, or where no hard link can be, on another disk, a copy.

    Args:
        source: A file that is only ever replaced, never written into.
        target: Its second name; what was there is replaced.
    """
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        write_whole(target, source.read_bytes())


def sweep(folder: Path) -> None:
    """Remove what killed processes left half written, at any depth of a folder."""
    for unfinished in folder.rglob(f"{UNFINISHED}*"):
        unfinished.unlink(missing_ok=True)


def check_output(path: Path, endings: Collection[str]) -> None:
    """Check before any work that a result can be written.

    Raises:
        ValueError: It ends in none of the endings, in whatever case, or its folder is not there.
    """
    if path.suffix.lower() not in endings:
        raise ValueError(
            f"the output must end in {', '.join(endings)}, given {path.name!r}: rename it"
        )
    if not path.parent.is_dir():
        raise ValueError(f"there is no folder {path.parent} to write in: make it first")


def tell(message: str) -> None:
    """Say what is going on, apart from what a command prints as its result."""
    print(message, file=sys.stderr, flush=True)
