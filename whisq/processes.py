"""Processes: that they do not outlive the one that started them, and are soon at work and ended."""

from __future__ import annotations

import atexit
import gc
import multiprocessing
import os
import threading


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
