"""Whatever is killed and whenever: the next run does what is missing, and nothing else."""

import random
import signal
import subprocess
import sys
import time

import pytest

from whisq.embeddings.cache import UNFINISHED

CHILD = """
import sys, time
from pathlib import Path
import numpy as np
from whisq.embeddings import shards
from whisq.embeddings.cache import Cache
from whisq.embeddings.embed import fill

shards.SHARD = 20_000
root, out, log = Path(sys.argv[1]), Path(sys.argv[2]), open(sys.argv[3], "a", buffering=1)
about = {"kind": "audio", "spec": {"model": "none"}}
cache = Cache(about, root)
contents = {f"clip {number}": f"{number:02}" for number in range(60)}

def compute(missing):
    cache.note((0,), 8)
    for key in sorted(missing):
        log.write(f"start {key}\\n")
        time.sleep(0.002)
        steps = 100 + int(key)
        cache.write(key, np.full((1, steps, 8), int(key), dtype=np.float16))
        log.write(f"stored {key}\\n")

print("ready", flush=True)
fill(out, contents, cache, about, compute)
"""


@pytest.fixture
def start(tmp_path):
    def run(name):
        paths = [tmp_path / name / part for part in ("cache", "out", "log")]
        (tmp_path / name).mkdir(exist_ok=True)
        command = [sys.executable, "-c", CHILD, *map(str, paths)]
        return subprocess.Popen(command, stdout=subprocess.PIPE)

    return run


@pytest.fixture
def finish(start):
    def run(name):
        with start(name) as child:
            assert child.wait(60) == 0

    return run


def test_killed_at_any_moment_the_output_is_the_same_to_the_byte(tmp_path, start, finish, read_all):
    finish("whole")
    moments = random.Random(0)
    killed = 0
    for _ in range(8):
        with start("killed") as child:
            child.stdout.readline()
            time.sleep(moments.uniform(0, 0.3))
            child.send_signal(signal.SIGKILL)
        killed += child.returncode == -signal.SIGKILL
    assert killed >= 4
    finish("killed")
    assert read_all(tmp_path / "killed" / "out") == read_all(tmp_path / "whole" / "out")
    assert not list((tmp_path / "killed").rglob(f"{UNFINISHED}*"))
    stored = set()
    for line in (tmp_path / "killed" / "log").read_text().split("\n"):
        event, _, key = line.partition(" ")
        assert event != "start" or key not in stored
        stored |= {key} if event == "stored" else set()
    assert len(stored) == 60


def test_two_at_once_do_the_work_once(tmp_path, start):
    with start("both") as one, start("both") as other:
        assert one.wait(60) == other.wait(60) == 0
    log = (tmp_path / "both" / "log").read_text().splitlines()
    assert sorted(log) == sorted({*log})
