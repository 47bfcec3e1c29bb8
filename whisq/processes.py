"""Processes: that they do not outlive the one that started them, and are soon at work and ended."""

from __future__ import annotations

import atexit
import gc
import multiprocessing
import os
import threading

from whisq.devices import AUTO

MOST = 8  # processes side by side, where nobody says how many
EACH = 2**31  # bytes of memory that one of them may need


def side_by_side(workers: int | str) -> int:
    """Tell how many processes work side by side; no result depends on it.

    Args:
        workers: The user's choice, at least 1, or auto: one a core, at most 8, and no more than
            have 2 GiB of the machine's memory each.

    Returns:
        At least 1.
    """
    if workers != AUTO:
        return int(workers)
    allowed = getattr(os, "sched_getaffinity", None)
    cores = len(allowed(0)) if allowed else os.cpu_count() or 1
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(1, min(cores, MOST, memory // EACH))


def be_short() -> None:
    """Let Python look seldom for circles among the million objects that torch and MLflow import.

    It looked through them again and again while they came, and three times more at the end: a
    third of the time of a short stage or command. For processes that are ours, not for a library.
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
