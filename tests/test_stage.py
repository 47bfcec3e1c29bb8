"""A stage says in a line what it made and how long it took, and libraries say nothing."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from whisq.stage import lasted

ROOT = Path(__file__).parents[1]
# A library's warning, one of the package's own, and a library's log.
NOISY = """
import logging, os, warnings
from whisq import stage

def main():
    warnings.warn_explicit("a library's", UserWarning, "mlflow/x.py", 1, "mlflow.x")
    for number in range(3):
        warnings.warn_explicit("our own", UserWarning, "whisq/x.py", 7, "whisq.x", registry)
    return os.environ["MLFLOW_LOGGING_LEVEL"] + " made"

registry = {}
stage.run(main)
"""


def run(code, **environment):
    environment = os.environ | {"PYTHONPATH": str(ROOT)} | environment
    for name in ("PYTHONWARNINGS", "MLFLOW_LOGGING_LEVEL"):
        environment.pop(name, None)
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False
    )


def test_only_our_own_warnings_are_told_each_once_and_in_a_line():
    done = run(NOISY)
    assert done.stdout == "ERROR made (0 s)\n"
    assert done.stderr == "warning: our own\n"


def test_a_missing_extra_ends_a_stage_with_that_message_alone():
    code = """
from whisq import extras, stage
stage.run(lambda: extras.require("ray", "no_such_module", by="this stage"))
"""
    done = run(code)
    assert done.returncode == 2
    assert done.stderr == "this stage needs no_such_module: pip install 'whisq[ray]'\n"


def test_a_stage_that_is_told_to_end_closes_what_is_open():
    code = """
import os, signal
from whisq import stage
def main():
    try:
        os.kill(os.getpid(), signal.SIGTERM)
        signal.pause()
    finally:
        print("closed")
stage.run(main)
"""
    done = run(code)
    assert done.returncode == 128 + signal.SIGTERM
    assert done.stdout == "closed\n"


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0.2, "0 s"), (59.4, "59 s"), (59.6, "1 min 0 s"), (125, "2 min 5 s"), (3780, "1 h 3 min")],
)
def test_a_time_is_told_as_people_say_it(seconds, told):
    assert lasted(seconds) == told
