"""A stage as a process: libraries keep quiet, and its last line says what it made and how long."""

from __future__ import annotations

import os
import signal
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

from whisq.exits import WRONG_CALL
from whisq.extras import MissingExtraError
from whisq.mlflow_store import TrackingServerError
from whisq.processes import collect_seldom

# What a library says unasked: steps that went well, bars in a log. A user's own setting holds.
QUIET = {
    "MLFLOW_LOGGING_LEVEL": "ERROR",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "TRANSFORMERS_VERBOSITY": "error",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
}
OWN = r"whisq|stages|__main__"


def run(stage: Callable[[], str]) -> None:
    """Run a stage, and print the line that it returns with the time that it took.

    Where an extra is missing, or MLflow's server does not answer, the stage ends with that message
    alone.
    """
    collect_seldom()
    quieten()
    signal.signal(signal.SIGTERM, _end)  # so that what is open, such as an MLflow run, is ended
    started = time.monotonic()
    try:
        made = stage()
    except (MissingExtraError, TrackingServerError) as error:
        print(error, file=sys.stderr)
        sys.exit(WRONG_CALL)
    print(f"{made} ({lasted(time.monotonic() - started)})")


def quieten() -> None:
    """Let nothing be told but errors and this package's own warnings, those in a line each.

    Libraries warn of what a user of a pipeline can do nothing about. Called before they are
    imported, whose processes inherit it.
    """
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    if not sys.warnoptions:  # else the user has said which to show
        warnings.simplefilter("ignore")
        warnings.filterwarnings("default", module=OWN)
    warnings.showwarning = _in_a_line


def lasted(seconds: float) -> str:
    """Return a time as people say it: `8 s`, `2 min 5 s`, `1 h 3 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def _end(number: int, frame: Any) -> None:
    sys.exit(128 + number)


def _in_a_line(message: Warning | str, *place: Any, **more: Any) -> None:
    print(f"warning: {message}", file=sys.stderr, flush=True)
