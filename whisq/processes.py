"""Processes: how many work side by side, that they start and exit fast, and leave no orphan."""

from __future__ import annotations

import atexit
import gc
import multiprocessing
import os
import threading
from pathlib import Path

from whisq.devices import AUTO

CONTAINER = Path("/sys/fs/cgroup")  # where Linux says what a container may use

MOST = 8  # processes side by side, where nobody says how many
EACH = 3 * 2**29  # bytes of memory that one of them may need: 1.5 GiB


def side_by_side(workers: int | str) -> int:
    """Tell how many processes work side by side; no result depends on it.

    Args:
        workers: The user's choice, at least 1, or auto: one a core, at most 8, and no more than
            have 1.5 GiB of the machine's memory each.

    Returns:
        At least 1.
    """
    if workers != AUTO:
        return int(workers)
    allowed = getattr(os, "sched_getaffinity", None)
    cores = len(allowed(0)) if allowed else os.cpu_count() or 1
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    quota, period = _limits("cpu.max") or (cores, 1)  # microseconds of a core, in so many
    cores = min(cores, quota // period)
    memory = min([memory, *_limits("memory.max")])
    return max(1, min(cores, MOST, memory // EACH))


def _limits(name: str) -> list[int]:
    # Nothing where there is no container, or it may use all.
    try:
        return [int(word) for word in (CONTAINER / name).read_text().split()]
    except (OSError, ValueError):
        return []


def collect_seldom() -> None:
    """Let Python look seldom for reference cycles, and at its end not at all.

    torch, MLflow and transformers leave a million objects, which it would walk again and again
    while they are imported and three times more at exit: a third of the time of a short stage or
    command. For processes that are ours, not for a library's user.
    """
    gc.set_threshold(50_000, 20, 20)
    atexit.register(gc.freeze)


def end_with_parent() -> None:
    """End this process as soon as the one that started it ends; else it would work on for ever."""
    threading.Thread(target=_wait_for_parent, daemon=True).start()


def _wait_for_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
