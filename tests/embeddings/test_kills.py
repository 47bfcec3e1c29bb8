"""Whatever is killed and whenever: the next run does what is missing, and nothing else."""

import random
import signal
import time
from multiprocessing import get_context

import numpy as np
import pytest

from whisq.embeddings import shards
from whisq.embeddings.cache import Cache
from whisq.embeddings.embed import fill
from whisq.embeddings.files import UNFINISHED

CLIPS, KILLS = 60, 30


def embed(folder, told):
    """Fill a folder's cache and assemble its output, telling of each step."""
    cache = Cache({"kind": "audio", "spec": {"model": "none"}}, folder / "cache")
    contents = {f"clip {number}": f"{number:02}" for number in range(CLIPS)}
    shards.SHARD = 20_000
    write = shards.write_whole

    def tell(*words):
        with (folder / "log").open("a") as log:
            print(*words, file=log)
        told.send(words)

    def compute(missing):
        cache.note((0,), 8)
        for key in sorted(missing):
            tell("start", key)
            cache.write(key, np.full((1, 100 + int(key), 8), int(key), dtype=np.float16))
            tell("stored", key)

    def write_and_tell(path, data):
        told.send(("write", path.name))
        write(path, data)

    shards.write_whole = write_and_tell
    fill(folder / "out", contents, cache, {"kind": "audio"}, compute)


@pytest.fixture(scope="module")
def server():
    """Processes that start with everything imported."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["numpy", "whisq.embeddings.embed"])
    return context


@pytest.fixture
def start(tmp_path, server):
    def run(name):
        (tmp_path / name).mkdir(exist_ok=True)
        hears, told = server.Pipe(duplex=False)
        child = server.Process(target=embed, args=(tmp_path / name, told))
        child.start()
        told.close()
        return child, hears

    return run


@pytest.fixture
def finish(start):
    def run(name):
        child, _hears = start(name)
        child.join(60)
        assert child.exitcode == 0

    return run


def test_killed_at_any_moment_the_output_is_the_same_to_the_byte(tmp_path, start, finish, read_all):
    finish("whole")
    chance, struck = random.Random(0), set()
    for _ in range(KILLS):
        child, hears = start("killed")
        for _ in range(chance.randint(1, 8)):
            event, _what = hears.recv()
        time.sleep(chance.uniform(0, 0.001))
        child.kill()
        child.join()
        assert child.exitcode == -signal.SIGKILL
        struck.add(event)
    assert struck == {"start", "stored", "write"}  # encoding, and putting together
    finish("killed")
    assert read_all(tmp_path / "killed" / "out") == read_all(tmp_path / "whole" / "out")
    assert not list((tmp_path / "killed").rglob(f"{UNFINISHED}*"))
    started, stored = set(), set()
    for line in (tmp_path / "killed" / "log").read_text().split("\n"):
        event, _, key = line.partition(" ")
        assert event != "start" or key not in stored
        started |= {key} if event == "start" else set()
        stored |= {key} if event == "stored" else set()
    # A kill between storing a key and telling of it leaves no line, so starts are counted.
    assert len(started - {""}) == CLIPS
    assert stored


def test_two_at_once_do_the_work_once(tmp_path, start):
    children = [start("both"), start("both")]
    for child, _hears in children:
        child.join(60)
        assert child.exitcode == 0
    log = (tmp_path / "both" / "log").read_text().splitlines()
    assert sorted(log) == sorted({*log})
