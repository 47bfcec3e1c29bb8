"""Whatever is killed and whenever: the next run does what is missing, and nothing else."""

import random
import signal
import subprocess
import sys
import time

import pytest

from whisq.embeddings.files import UNFINISHED

CHILD = """
import sys
from pathlib import Path
import numpy as np
from whisq.embeddings import shards
from whisq.embeddings.cache import Cache
from whisq.embeddings.embed import fill

root, out, log = Path(sys.argv[1]), Path(sys.argv[2]), open(sys.argv[3], "a", buffering=1)
cache = Cache({"kind": "audio", "spec": {"model": "none"}}, root)
contents = {f"clip {number}": f"{number:02}" for number in range(60)}
shards.SHARD = 20_000
write = shards.write_whole

def tell(*words):
    print(*words, file=log)
    print(*words, flush=True)

def compute(missing):
    cache.note((0,), 8)
    for key in sorted(missing):
        tell("start", key)
        cache.write(key, np.full((1, 100 + int(key), 8), int(key), dtype=np.float16))
        tell("stored", key)

def write_and_tell(path, data):
    print("write", path.name, flush=True)
    write(path, data)

shards.write_whole = write_and_tell
fill(out, contents, cache, {"kind": "audio"}, compute)
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
    chance, code, kills = random.Random(0), None, 0
    while code != 0:
        with start("killed") as child:
            for _ in range(chance.randint(1, 25)):
                child.stdout.readline()
            time.sleep(chance.uniform(0, 0.001))
            child.send_signal(signal.SIGKILL)
        code = child.returncode
        kills += code == -signal.SIGKILL
    assert kills > 3
    assert read_all(tmp_path / "killed" / "out") == read_all(tmp_path / "whole" / "out")
    assert not list((tmp_path / "killed").rglob(f"{UNFINISHED}*"))
    started, stored = set(), set()
    for line in (tmp_path / "killed" / "log").read_text().split("\n"):
        event, _, key = line.partition(" ")
        assert event != "start" or key not in stored
        started |= {key} if event == "start" else set()
        stored |= {key} if event == "stored" else set()
    # A kill between storing a key and telling of it leaves no line, so starts are counted.
    assert len(started - {""}) == 60
    assert stored


def test_two_at_once_do_the_work_once(tmp_path, start):
    with start("both") as one, start("both") as other:
        assert one.wait(60) == other.wait(60) == 0
    log = (tmp_path / "both" / "log").read_text().splitlines()
    assert sorted(log) == sorted({*log})
