import os
import shutil
import signal
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from whisq.scoring import engines as module
from whisq.scoring.engines import Scorer
from whisq.scoring.requests import Request, named

# Ray's own modules warn, and its workers outlive a test by a moment.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]


@pytest.fixture(scope="module")
def ray():
    ray = pytest.importorskip("ray")
    os.environ.setdefault("RAY_worker_niceness", "0")  # else they starve beside other tests
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="error")
    yield ray
    ray.shutdown()


def _requests(clips, count):
    clips = [*clips, clips[0].with_name("missing.wav")]
    return named(
        Request("", clips[n % len(clips)], f"waltz number {n}" if n % 3 else None)
        for n in range(count)
    )


def test_a_cluster_gives_the_rows_of_one_machine(ray, clips, tiny_model, predictor, tmp_path):
    named_in_bytes = Path(shutil.copy(clips[0], tmp_path / "caf\udce9.wav"))
    odd = [Request("odd", named_in_bytes, "waltz", "S9"), Request("half", clips[0], "waltz \ud83d")]
    requests = _requests(clips, 30) + odd
    rows = list(module.cluster(str(tiny_model), 2, 4, "cpu")(requests))
    expected = list(Scorer(predictor).rows(requests, 8))
    for row, other in zip(rows, expected, strict=True):
        assert replace(row, omq=None, ta=None) == replace(other, omq=None, ta=None)
        assert row.omq == pytest.approx(other.omq, abs=1e-5)
        assert row.ta == pytest.approx(other.ta, abs=1e-5)


def test_a_killed_worker_costs_no_row(ray, clips, tiny_model):
    psutil = pytest.importorskip("psutil")
    requests = _requests(clips, 500)
    rows = module.cluster(str(tiny_model), 1, 4, "cpu")(requests)
    got = [next(rows)]
    below = psutil.Process().children(recursive=True)
    workers = [child for child in below if "MapWorker" in "".join(child.cmdline())]
    assert workers
    for worker in workers:
        os.kill(worker.pid, signal.SIGKILL)
    got += rows
    assert [row.id for row in got] == [request.id for request in requests]
    assert all(row.error is None or "missing.wav" in row.path for row in got)


def test_without_ray_the_remedy_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ValueError, match=r"pip install 'whisq\[ray\]'"):
        module.cluster("data/model", 1, 8, None)
