"""Processes end with the one that started them."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

CODE = """
import os, time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from whisq.processes import end_with_parent
if __name__ == "__main__":
    pool = ProcessPoolExecutor(1, get_context("spawn"), end_with_parent)
    print(pool.submit(os.getpid).result(), flush=True)
    pool.submit(time.sleep, 600)
    time.sleep(600)
"""


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_worker_ends_with_the_process_that_started_it(tmp_path):
    (tmp_path / "run.py").write_text(CODE)
    parent = subprocess.Popen([sys.executable, tmp_path / "run.py"], stdout=subprocess.PIPE)
    worker = int(parent.stdout.readline())
    assert alive(worker)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    for _ in range(100):
        if not alive(worker):
            break
        time.sleep(0.1)
    assert not alive(worker)


@pytest.mark.parametrize(
    "begin",
    ["from whisq import stage; stage.run(lambda: 'made')", "from whisq.cli import main; main()"],
)
def test_a_stage_or_command_looks_for_circles_seldom_and_not_at_its_end(begin):
    code = f"""
import atexit, gc
atexit.register(lambda: print("frozen" if gc.get_freeze_count() else "not"))
{begin}
print(gc.get_threshold()[0] >= 10_000)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split()[-2:] == ["True", "frozen"]


def test_a_library_s_user_has_the_collector_as_it_was():
    code = """
import gc
known = gc.get_threshold()
import whisq.predictor
print(gc.get_threshold() == known)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"
