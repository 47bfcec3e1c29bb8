"""Processes end with the one that started them."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from whisq import processes

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


@pytest.mark.parametrize(
    ("cores", "gigabytes", "chosen"), [(2, 8, 2), (64, 512, 8), (64, 7, 4), (1, 64, 1), (4, 1, 1)]
)
def test_auto_is_a_process_a_core_as_far_as_memory_goes(
    cores, gigabytes, chosen, monkeypatch, tmp_path
):
    pages = {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": gigabytes * 2**18}
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(cores)), raising=False)
    monkeypatch.setattr("os.sysconf", pages.get)
    monkeypatch.setattr(processes, "CONTAINER", tmp_path)
    assert processes.side_by_side("auto") == chosen


@pytest.mark.parametrize(
    ("cpu", "memory", "chosen"),
    [("200000 100000", "max", 2), ("50000 100000", "max", 1), ("max 100000", f"{6 * 2**30}", 4)],
)
def test_auto_keeps_to_what_a_container_may_use(cpu, memory, chosen, monkeypatch, tmp_path):
    (tmp_path / "cpu.max").write_text(f"{cpu}\n")
    (tmp_path / "memory.max").write_text(f"{memory}\n")
    monkeypatch.setattr(processes, "CONTAINER", tmp_path)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(64)), raising=False)
    monkeypatch.setattr("os.sysconf", {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 2**30}.get)
    assert processes.side_by_side("auto") == chosen


def test_a_number_of_processes_is_taken_at_its_word():
    assert processes.side_by_side(12) == 12
