"""Whether what is to be written has room, asked before the first byte."""

from __future__ import annotations

import os
import shutil
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path


def require(wanted: Mapping[Path, int]) -> None:
    """Check that files have room where they go.

    Args:
        wanted: Bytes to be written by folder, which need not exist yet.

    Raises:
        OSError: A file system has less free than all that goes to it.
    """
    together: dict[int, list[Path]] = defaultdict(list)
    for folder in wanted:
        together[os.stat(_existing(folder)).st_dev].append(folder)
    for folders in together.values():
        need = sum(wanted[folder] for folder in folders)
        free = shutil.disk_usage(_existing(folders[0])).free
        if free < need:
            parts = " and ".join(f"{readable(wanted[folder])} in {folder}" for folder in folders)
            raise OSError(
                f"{parts} must have room, but {readable(free)} are free there; free some, or have "
                "downloads kept elsewhere: WHISQ_CACHE=/another/disk"
            )


def readable(size: int) -> str:
    """Write a number of bytes as people do.

    Args:
        size: Bytes.

    Returns:
        Such as `1.76 GB`, in powers of ten.
    """
    unit, power = next((u, p) for u, p in UNITS if size >= p or p == 1)
    return f"{size / power:.3g} {unit}"


UNITS = (("GB", 10**9), ("MB", 10**6), ("kB", 10**3), ("bytes", 1))


def _existing(folder: Path) -> Path:
    return next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
