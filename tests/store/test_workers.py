import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from whisq.encoders.weights import locate
from whisq.encoders.whisper import AudioSpec
from whisq.store import workers
from whisq.store.audio import content_at


@pytest.fixture
def setting(tiny_whisper, store):
    spec = AudioSpec(model=str(tiny_whisper), layers=(1,), window="clip")
    return spec, locate(spec.model), store


@pytest.fixture
def jobs(wavs):
    return [[(content_at(path), path)] for path in wavs(3).values()]


@pytest.fixture
def many(monkeypatch):
    monkeypatch.setattr(workers, "FEW", 0)


def test_a_few_files_are_encoded_without_other_processes(setting, jobs):
    assert sum(workers.encode_here(setting, jobs, 4)) == 3
    assert all(content in setting[2] for ((content, _),) in jobs)


def test_what_was_encoded_is_known_of_the_encoder(setting, jobs):
    list(workers.encode_here(setting, jobs, 1))
    assert setting[2].noted() == {"layers": [1], "dim": 16}


def test_a_file_that_changes_meanwhile_is_named(setting, jobs):
    ((content, path),) = jobs[0]
    with pytest.raises(ValueError, match=rf"{path.name} must not change"):
        workers.Worker(*setting)([[(content[::-1], path)]])


def test_what_was_encoded_before_an_error_is_stored(setting, jobs):
    gone = [(jobs[1][0][0], jobs[1][0][1].with_name("gone.wav"))]
    with pytest.raises(ValueError, match=r"gone\.wav"):
        workers.Worker(*setting)([jobs[0], gone, jobs[2]])
    assert [content in setting[2] for ((content, _),) in jobs] == [True, False, False]


def test_a_result_that_cannot_be_stored_is_an_error(setting, jobs, monkeypatch):
    def full(*_):
        raise OSError("no space left")

    worker = workers.Worker(*setting)
    monkeypatch.setattr(worker.store, "write", full)
    with pytest.raises(OSError, match="no space left"):
        worker(jobs)


def test_processes_take_the_gpus_in_turn(setting, monkeypatch):
    told = []
    monkeypatch.setattr(workers, "ProcessPoolExecutor", lambda *given: told.append(given))
    workers.start(setting, 3, ["cuda:0", "cuda:1"])
    waiting = told[0][3][1]
    assert [waiting.get() for _ in range(3)] == ["cuda:0", "cuda:1", "cuda:0"]


@pytest.mark.slow
def test_an_error_in_a_process_arrives_as_it_was_raised(setting, jobs):
    spec = AudioSpec(model=setting[0].model, layers=(9,))
    with workers.start((spec, *setting[1:]), 1) as pool:
        with pytest.raises(ValueError, match="hidden states 0 to 3"):
            pool.submit(workers.work, jobs).result()
        assert pool.submit(os.getpid).result() != os.getpid()


ORPHAN = """
import os, time
from whisq.store import workers

if __name__ == "__main__":
    pool = workers.start((None, None, None), 1)
    print(pool.submit(os.getpid).result(), flush=True)
    time.sleep(600)
"""


@pytest.mark.slow
def test_processes_end_with_the_one_that_started_them_even_if_it_is_killed(tmp_path):
    (tmp_path / "parent.py").write_text(ORPHAN)
    command = [sys.executable, tmp_path / "parent.py"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        worker = int(parent.stdout.readline())
        parent.kill()
    ends = time.monotonic() + 20
    while Path(f"/proc/{worker}").exists() and time.monotonic() < ends:
        time.sleep(0.05)
    assert not Path(f"/proc/{worker}").exists()


@pytest.mark.slow
def test_a_killed_process_is_told_with_a_remedy(setting, jobs, many, monkeypatch):
    started = workers.start

    def start_and_kill(setting, *_):
        pool = started(setting, 1)
        os.kill(pool.submit(os.getpid).result(), signal.SIGKILL)
        time.sleep(0.2)
        return pool

    monkeypatch.setattr(workers, "start", start_and_kill)
    with pytest.raises(ChildProcessError, match="run the stage again"):
        list(workers.encode_here(setting, jobs, 2))
