"""Files that are written whole or not at all, and hashes of what they hold."""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from pathlib import Path

UNFINISHED = ".unfinished-"


def digest_of(*parts: str | bytes | memoryview) -> str:
    """Hash a sequence of texts and bytes.

    Args:
        *parts: What to hash, in this order.

    Returns:
        SHA-256, hexadecimal.
    """
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode() if isinstance(part, str) else part)
    return digest.hexdigest()


def tell(message: str) -> None:
    """Say what is going on, apart from what a command prints as its result.

    Args:
        message: One line.
    """
    print(message, file=sys.stderr, flush=True)


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that it is there whole or not at all, even if the machine stops.

    Args:
        path: Where to; its folder is made.
        data: What to write.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, unfinished = tempfile.mkstemp(prefix=UNFINISHED, dir=path.parent)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.chmod(unfinished, 0o644)
    os.replace(unfinished, path)


def sweep(folder: Path) -> None:
    """Remove what killed processes left half written.

    Args:
        folder: Where to look, at any depth.
    """
    for unfinished in folder.rglob(f"{UNFINISHED}*"):
        unfinished.unlink(missing_ok=True)
