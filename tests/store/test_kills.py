"""Whatever is killed and whenever: the next run does what is missing, and nothing else."""

import contextlib
import random
import shutil
import signal
import time
from multiprocessing import get_context

import numpy as np
import pytest

from whisq.files import UNFINISHED
from whisq.store import store as module
from whisq.store.sequences import INDEX, MANIFEST
from whisq.store.store import Store, fill

CLIPS, RUNS = 60, 40


def embed(folder, told):
    """Fill a folder's store and lay out its output, telling of each step."""
    store = Store({"kind": "audio", "spec": {"model": "none"}}, folder / "store")
    contents = {f"clip {number}": f"{number:02}" for number in range(CLIPS)}
    write, link = module.write_whole, module.link_or_copy

    def tell(*words):
        with (folder / "log").open("a") as log:
            print(*words, file=log)
        told.send(words)

    def compute(missing):
        store.note((0,), 8)
        for key in sorted(missing):
            tell("start", key)
            store.write(key, np.full((1, 100 + int(key), 8), int(key), dtype=np.float16))
            tell("stored", key)

    def write_and_tell(path, data):
        if path.name in (INDEX, MANIFEST):
            told.send(("write", path.name))
        write(path, data)

    def link_and_tell(source, target):
        told.send(("link", target.name))
        link(source, target)

    module.write_whole, module.link_or_copy = write_and_tell, link_and_tell
    fill(folder / "out", contents, store, compute)


@pytest.fixture(scope="module")
def server():
    """Processes that start with everything imported."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["numpy", "whisq.store.store"])
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
    for number in range(RUNS):
        wanted = ("start", "stored") if number < RUNS / 2 else ("link", "write")
        wanted, left = chance.choice(wanted), chance.randint(1, 2)
        child, hears = start("killed")
        with contextlib.suppress(EOFError):
            while left:
                event, _what = hears.recv()
                left -= event == wanted
        time.sleep(chance.uniform(0, 0.001))
        child.kill()
        child.join()
        if child.exitcode == 0:  # it was done: anew, with the output removed as DVC does
            shutil.rmtree(tmp_path / "killed" / "out")
            continue
        assert child.exitcode == -signal.SIGKILL
        struck.add(event)
    assert struck == {"start", "stored", "link", "write"}  # encoding, and laying out
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
