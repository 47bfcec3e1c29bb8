"""The last stage: the page is written and kept with the pipeline's run."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest

import whisq.params
import whisq.show.page
import whisq.show.run
from whisq import tracking
from whisq.tracking import About

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.filterwarnings("default")  # MLflow's own imports warn


@pytest.fixture
def given(tmp_path, monkeypatch):
    """What the stage gives to the page's renderer, in a store with one run a stage."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")
    (tmp_path / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    (tmp_path / "metrics").mkdir()
    (tmp_path / "data/model").mkdir(parents=True)
    (tmp_path / "data/model/model.safetensors").write_bytes(b"weights")
    for _ in range(2):
        with tracking.data_run("clips", {}):
            pass
    with tracking.training_run(
        whisq.params.pipeline(whisq.params.load()), About.of(whisq.params.load(), "toy corpus")
    ) as run:
        run.metrics({"seconds": 2.0}, 1)
        run.metrics({"seconds": 3.0}, 2)
    given = {"run": run.id}

    def render(results, data, params, **options):
        given.update(options, data=data, params=params)
        return "<p>page</p>"

    def read_run(*folders):
        given["folders"] = folders
        return SimpleNamespace(evaluate={"corpus": "toy corpus"})

    monkeypatch.setattr(whisq.show.run, "read_run", read_run)
    monkeypatch.setattr(whisq.show.page, "render", render)
    runpy.run_path(str(ROOT / "stages/report.py"))["main"]()
    return given


def test_the_page_is_written_and_kept_with_the_run_that_training_made(given, tmp_path):
    from mlflow.tracking import MlflowClient

    assert (tmp_path / "metrics/report.html").read_text() == "<p>page</p>"
    kept = MlflowClient().list_artifacts(given["run"])
    assert [file.path for file in kept] == ["report.html"]
    assert given["folders"] == (Path("data"), Path("metrics"))
    note = MlflowClient().get_run(given["run"]).data.tags["mlflow.note.content"]
    assert f"runs/{given['run']}/artifacts/report.html" in note
    # Transport's settings go by the names that the solver knows them by.
    assert set(given["transport"]) == {"cost", "epsilon", "iterations"}
    assert given["transport"]["epsilon"] == given["params"]["loss.ot_epsilon"]
    assert set(given["seconds"]) == {"clips", "train, its epochs"}
    assert given["seconds"]["train, its epochs"] == 5.0
    assert 0 <= given["seconds"]["clips"] < 60
