"""Runs land in the one store, say what they are, and end as they ended."""

import os
import shutil
import sqlite3
from multiprocessing import get_context

import pandas as pd
import pytest

from whisq import tracking

pytestmark = pytest.mark.filterwarnings("default")  # MLflow's own imports warn


def _connect(root, experiment=tracking.MODELS):
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    os.environ["DVC_ROOT"] = str(root)
    tracking.connect(experiment)


@pytest.fixture(scope="module")
def ready_store(tmp_path_factory):
    """A database that MLflow has already set up; a copy of it costs nothing."""
    root = tmp_path_factory.mktemp("store")
    process = get_context("spawn").Process(target=_connect, args=(root,))
    process.start()
    process.join()
    return root


@pytest.fixture
def store(ready_store, tmp_path, monkeypatch):
    shutil.copy(ready_store / "mlflow.db", tmp_path / "mlflow.db")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")
    monkeypatch.setenv("DVC_EXP_NAME", "quiet-tuba")
    return tmp_path


def _stored(run):
    from mlflow.tracking import MlflowClient

    return MlflowClient().get_run(run.id)


def test_a_training_run_keeps_params_metrics_and_its_experiments_name(store):
    with tracking.model_run("train", {"loss.ot_weight": 0}) as run:
        run.metrics({"test/utt/omq/srcc": 0.5, "test/utt/ta/srcc": None})
    stored = _stored(run)
    assert stored.info.status == "FINISHED"
    assert stored.info.run_name == "quiet-tuba"
    assert stored.data.params == {"loss.ot_weight": "0"}
    assert stored.data.metrics == {"test/utt/omq/srcc": 0.5}
    assert stored.data.tags["dvc_exp_name"] == "quiet-tuba"


def test_a_later_stage_continues_the_run_that_training_made(store):
    with tracking.model_run("train", {"seed": 0}) as trained:
        pass
    with tracking.model_run("evaluate", {"seed": 0}) as evaluated:
        evaluated.metrics({"loss": 1.0})
    assert evaluated.id == trained.id
    assert _stored(trained).data.metrics == {"loss": 1.0}


def test_a_run_is_continued_whatever_experiment_was_active(store):
    import mlflow

    with tracking.model_run("train", {}) as trained:
        pass
    mlflow.set_experiment("another")
    with tracking.model_run("evaluate", {}) as evaluated:
        pass
    assert evaluated.id == trained.id


def test_training_again_makes_a_run_of_its_own(store):
    with tracking.model_run("train", {}) as first:
        pass
    with tracking.model_run("train", {}) as second:
        pass
    assert first.id != second.id


def test_a_run_that_this_store_never_saw_is_made_anew(store):
    tracking.RUN_FILE.parent.mkdir()
    tracking.RUN_FILE.write_text("0" * 32)
    with tracking.model_run("evaluate", {"seed": 0}) as run:
        pass
    assert _stored(run).data.params == {"seed": "0"}


def test_a_failed_stage_ends_its_run_as_failed(store):
    with pytest.raises(RuntimeError), tracking.data_run("clips", {}) as run:
        raise RuntimeError("a wav is missing")
    assert _stored(run).info.status == "FAILED"


def test_curves_keep_every_step(store):
    from mlflow.tracking import MlflowClient

    with tracking.model_run("train", {}) as run:
        run.curves([(step, {"loss/total": 1 / (step + 1)}) for step in range(1500)])
    history = MlflowClient().get_metric_history(run.id, "loss/total")
    assert {point.step: point.value for point in history} == {
        step: 1 / (step + 1) for step in range(1500)
    }


def test_files_and_folders_are_kept_beside_the_store(store, ready_store):
    from mlflow.artifacts import list_artifacts

    (store / "plots").mkdir()
    (store / "plots" / "curve.png").write_bytes(b"png")
    (store / "report.html").write_text("<p>")
    with tracking.model_run("evaluate", {}) as run:
        run.artifacts("plots", folder="plots")
        run.artifacts("report.html")
    assert {item.path for item in list_artifacts(run_id=run.id)} == {"plots", "report.html"}
    assert (ready_store / "mlartifacts" / run.id / "artifacts" / "report.html").is_file()


def test_the_data_set_is_named_with_a_digest(store):
    ratings = pd.DataFrame({"id": ["a", "b"], "omq": [1.0, 2.5]})
    with tracking.model_run("train", {}) as run:
        run.dataset(ratings, "rendered corpus", "data/ratings.csv")
    (entry,) = _stored(run).inputs.dataset_inputs
    assert entry.dataset.name == "rendered corpus"
    assert entry.dataset.digest


def test_the_users_own_store_wins(store, monkeypatch):
    shutil.copy(store / "mlflow.db", store / "own.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{store}/own.db")
    before = (store / "mlflow.db").read_bytes()
    with tracking.data_run("clips", {"seed": 0}):
        pass
    with sqlite3.connect(store / "own.db") as own:
        assert own.execute("select count(*) from runs").fetchone() == (1,)
    assert (store / "mlflow.db").read_bytes() == before


@pytest.mark.slow
def test_processes_that_meet_a_new_store_at_once_all_get_through(tmp_path):
    spawn = get_context("spawn")
    processes = [spawn.Process(target=_connect, args=(tmp_path, f"e{i}")) for i in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0, 0]
    with sqlite3.connect(tmp_path / "mlflow.db") as made:
        names = {row[0] for row in made.execute("select name from experiments")}
    assert {"e0", "e1", "e2", "e3"} <= names


def test_variants_are_named_by_themselves_and_grouped_under_one_parent(store):
    stored = []
    for name, changes in (("no_transport", {"loss.ot_weight": 0.0}), ("default", {})):
        with tracking.variant_run(name, changes) as run:
            run.metrics({"official/utt_ta_srcc": 0.5})
        stored.append(_stored(run))
    assert [run.info.run_name for run in stored] == ["no_transport", "default"]
    assert stored[0].data.params == {"loss.ot_weight": "0.0"}
    (parent,) = {run.data.tags["mlflow.parentRunId"] for run in stored}
    from mlflow.tracking import MlflowClient

    siblings = MlflowClient().get_run(parent)
    assert siblings.info.run_name == "ablations"
    assert siblings.info.status == "FINISHED"
