import os
import signal
import sys
import threading
import time

import pytest

from whisq.encoders.audio import AudioSpec
from whisq.store import cluster
from whisq.store.audio import embed_audio

# Ray's own modules warn, and its workers outlive a test by a moment.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]


@pytest.fixture(scope="module")
def ray():
    ray = pytest.importorskip("ray", reason="Ray is not installed: pip install 'whisq[ray]'")
    os.environ.setdefault("RAY_worker_niceness", "0")  # as `target` has it
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="error")
    yield ray
    ray.shutdown()


@pytest.fixture
def spec(tiny_whisper):
    return AudioSpec(model=str(tiny_whisper), layers=(3,), window="clip")


@pytest.mark.parametrize("workers", [1, 2])
def test_a_cluster_writes_the_bytes_of_one_machine(ray, tmp_path, spec, wavs, read_all, workers):
    paths = wavs(6)
    embed_audio(paths, spec, tmp_path / "here", root=tmp_path / "one")
    there = tmp_path / "there"
    counts = embed_audio(
        paths, spec, there, root=tmp_path / "two", workers=workers, batch_size=1, engine="ray"
    )
    assert counts.computed == 6
    assert read_all(there) == read_all(tmp_path / "here")


def test_a_run_that_loses_a_worker_finishes(ray, tmp_path, spec, wavs, read_all):
    psutil = pytest.importorskip("psutil")
    paths = wavs(40, seconds=1.0)
    killed = []

    def kill():
        while not list((tmp_path / "two").glob("audio-*/*/*.safetensors")):
            time.sleep(0.01)
        for child in psutil.Process().children(recursive=True):
            if "RayWorker" in "".join(child.cmdline()) and not killed:
                os.kill(child.pid, signal.SIGKILL)
                killed.append(child.pid)

    killer = threading.Thread(target=kill)
    killer.start()
    embed_audio(paths, spec, tmp_path / "out", root=tmp_path / "two", workers=2, engine="ray")
    killer.join()
    assert killed
    embed_audio(paths, spec, tmp_path / "here", root=tmp_path / "one")
    assert read_all(tmp_path / "out") == read_all(tmp_path / "here")


def test_without_ray_the_remedy_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ValueError, match=r"pip install 'whisq\[ray\]'"):
        cluster.target("auto", "embed_audio.engine: ray")
