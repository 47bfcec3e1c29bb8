"""What the cache holds, and how to make it smaller."""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from whisq.files import tell

DAY = 86_400  # seconds


@dataclass(frozen=True)
class Kept:
    """The cache of one encoder as it was set up.

    Attributes:
        name: The cache folder's name.
        spec: The encoder's settings.
        sequences: Stored outputs.
        bytes: Their size.
        unused_days: Days since a stage last used it.
    """

    name: str
    spec: dict[str, Any]
    sequences: int
    bytes: int
    unused_days: float


def survey(root: Path) -> list[Kept]:
    """Return each encoder's cache, by name, of all that are kept in a folder."""
    return [_look(about.parent) for about in sorted(root.glob("*/about.json"))]


def prune(root: Path, days: float) -> list[Kept]:
    """Return the caches removed: those unused for so many days, 0 for all, but any in use."""
    removed = []
    for kept in (kept for kept in survey(root) if kept.unused_days >= days):
        try:
            with FileLock(root / kept.name / "lock", timeout=0):
                shutil.rmtree(root / kept.name)
            removed.append(kept)
        except Timeout:
            tell(f"{root / kept.name} is in use and left as it is")
    return removed


def table(root: Path, kept: list[Kept], removed: list[Kept], as_json: bool) -> str:
    """Return what the cache holds and what was removed, as lines to read or one JSON object."""
    if as_json:
        lists = {"kept": [*map(asdict, kept)], "removed": [*map(asdict, removed)]}
        return json.dumps({"root": str(root)} | lists)
    rows = [("", one) for one in kept] + [("removed: ", one) for one in removed]
    lines = [
        f"{word}{one.name}: {one.sequences} sequences, {one.bytes / 1e6:.1f} MB, "
        f"unused for {one.unused_days:.1f} days "
        f"({', '.join(f'{name} {value}' for name, value in one.spec.items())})"
        for word, one in rows
    ]
    return "\n".join([f"{root}: {sum(one.bytes for one in kept) / 1e6:.1f} MB", *lines])


def _look(folder: Path) -> Kept:
    sizes = [path.stat().st_size for path in folder.glob("*/*.safetensors")]
    lock = folder / "lock"
    used = (lock if lock.exists() else folder).stat().st_mtime
    about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
    days = max(0.0, (time.time() - used) / DAY)
    return Kept(folder.name, about["spec"], len(sizes), sum(sizes), days)
