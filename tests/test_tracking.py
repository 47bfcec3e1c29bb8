"""Runs say what they are, keep the params that made their metrics, and end as they ended."""

import hashlib
from pathlib import Path

import pandas as pd
import pytest

from whisq import tracking

MODEL = Path("data/model")
pytestmark = pytest.mark.filterwarnings("default")  # MLflow's own imports warn


@pytest.fixture
def trained(store):
    """The id of a run that trained a model, whose weights lie there."""
    MODEL.mkdir(parents=True)
    (MODEL / "model.safetensors").write_bytes(b"weights")
    with tracking.training_run({"seed": 0, "evaluate.resamples": 1000}) as run:
        run.metrics({"test_omq_utt_srcc": 0.5})
    return run.id


def _judge(resamples=1000, stage="evaluate", **metrics):
    with tracking.judging_run(stage, {"seed": 0, "evaluate.resamples": resamples}, MODEL) as run:
        run.metrics(metrics)
    return run


def _stored(run_id):
    from mlflow.tracking import MlflowClient

    return MlflowClient().get_run(run_id)


def test_a_training_run_keeps_params_metrics_and_its_experiments_name(store):
    with tracking.training_run({"loss.ot_weight": 0}) as run:
        run.metrics({"test/utt/omq/srcc": 0.5, "test/utt/ta/srcc": None})
    stored = _stored(run.id)
    assert stored.info.status == "FINISHED"
    assert stored.info.run_name == "quiet-tuba"
    assert stored.data.params == {"loss.ot_weight": "0"}
    assert stored.data.metrics == {"test/utt/omq/srcc": 0.5}
    assert stored.data.tags["dvc_exp_name"] == "quiet-tuba"


def test_what_judges_a_model_continues_the_run_of_its_training(trained):
    evaluated = _judge(loss=1.0)
    assert evaluated.id == evaluated.training == trained
    assert _stored(evaluated.id).data.metrics == {"test_omq_utt_srcc": 0.5, "loss": 1.0}


def test_a_run_is_continued_whatever_experiment_was_active(trained):
    import mlflow

    mlflow.set_experiment("another")
    assert _judge().id == trained


def test_a_model_judged_with_other_params_gets_a_run_below_its_training(trained):
    evaluated = _judge(resamples=500, test_omq_utt_srcc=0.25)
    first, second = _stored(trained), _stored(evaluated.id)
    assert second.data.params == {"seed": "0", "evaluate.resamples": "500"}
    assert second.data.metrics == {"test_omq_utt_srcc": 0.25}
    assert first.data.params["evaluate.resamples"] == "1000"
    assert first.data.metrics == {"test_omq_utt_srcc": 0.5}
    assert second.data.tags["mlflow.parentRunId"] == second.data.tags["judges"] == trained
    assert evaluated.training == trained


def test_stages_that_judge_alike_share_one_run(trained):
    evaluated = _judge(resamples=500)
    assert _judge(resamples=500, stage="report").id == evaluated.id
    assert _judge(resamples=100, stage="report").id not in {evaluated.id, trained}


def test_another_experiment_gets_a_run_of_its_own(trained, monkeypatch):
    monkeypatch.setenv("DVC_EXP_NAME", "loud-tuba")
    evaluated = _judge()
    assert evaluated.id != trained
    assert _stored(evaluated.id).info.run_name == "loud-tuba"
    assert _judge(stage="report").id == evaluated.id
    monkeypatch.delenv("DVC_EXP_NAME")  # `dvc repro` is no experiment: any run that fits will do
    assert _judge().id == trained


def test_only_training_writes_the_runs_file(trained):
    before = tracking.RUN_FILE.stat()
    tracking.RUN_FILE.chmod(0o444)
    _judge(resamples=500)
    _judge()
    assert tracking.RUN_FILE.read_text() == f"{trained}\n"
    assert tracking.RUN_FILE.stat().st_mtime_ns == before.st_mtime_ns


def test_training_leaves_what_was_linked_to_its_file_alone(trained, tmp_path):
    (tmp_path / "cached").hardlink_to(tracking.RUN_FILE)
    with tracking.training_run({}) as run:
        pass
    assert tracking.RUN_FILE.read_text() == f"{run.id}\n"
    assert (tmp_path / "cached").read_text() == f"{trained}\n"


def test_a_model_of_another_store_is_judged_in_a_run_that_names_it(trained):
    elsewhere = "0" * 32
    tracking.RUN_FILE.write_text(elsewhere)
    run = _judge()
    stored = _stored(run.id)
    assert stored.data.tags["judges"] == elsewhere
    assert stored.data.tags["judges_sha256"] == hashlib.sha256(b"weights").hexdigest()
    assert "mlflow.parentRunId" not in stored.data.tags
    assert stored.data.params == {"seed": "0", "evaluate.resamples": "1000"}
    assert _judge(stage="report").id == run.training == run.id
    assert tracking.RUN_FILE.read_text() == elsewhere


def test_training_again_makes_a_run_of_its_own(store):
    with tracking.training_run({}) as first:
        pass
    with tracking.training_run({}) as second:
        pass
    assert first.id != second.id


def test_a_failed_stage_ends_its_run_as_failed(store):
    with pytest.raises(RuntimeError), tracking.data_run("clips", {}) as run:
        raise RuntimeError("a wav is missing")
    assert _stored(run.id).info.status == "FAILED"


def test_curves_keep_every_step(store):
    from mlflow.tracking import MlflowClient

    with tracking.training_run({}) as run:
        run.curves([(step, {"loss/total": 1 / (step + 1)}) for step in range(1500)])
    history = MlflowClient().get_metric_history(run.id, "loss/total")
    assert {point.step: point.value for point in history} == {
        step: 1 / (step + 1) for step in range(1500)
    }


def test_files_and_folders_are_kept_beside_the_store(store):
    from mlflow.artifacts import list_artifacts

    (store / "plots").mkdir()
    (store / "plots" / "curve.png").write_bytes(b"png")
    (store / "report.html").write_text("<p>")
    with tracking.data_run("clips", {}) as run:
        run.artifacts("plots", folder="plots")
        run.artifacts("report.html")
    assert {item.path for item in list_artifacts(run_id=run.id)} == {"plots", "report.html"}
    assert (store / "mlartifacts" / run.id / "artifacts" / "report.html").is_file()


def test_the_data_set_is_named_with_a_digest(store):
    ratings = pd.DataFrame({"id": ["a", "b"], "omq": [1.0, 2.5]})
    with tracking.training_run({}) as run:
        run.dataset(ratings, "rendered corpus", "data/ratings.csv")
    (entry,) = _stored(run.id).inputs.dataset_inputs
    assert entry.dataset.name == "rendered corpus"
    assert entry.dataset.digest


def test_variants_are_named_by_themselves_and_grouped_under_one_parent(store):
    stored = []
    for name, changes in (("no_transport", {"loss.ot_weight": 0.0}), ("default", {})):
        with tracking.variant_run(name, changes) as run:
            run.metrics({"official/utt_ta_srcc": 0.5})
        stored.append(_stored(run.id))
    assert [run.info.run_name for run in stored] == ["no_transport", "default"]
    assert stored[0].data.params == {"loss.ot_weight": "0.0"}
    (parent,) = {run.data.tags["mlflow.parentRunId"] for run in stored}
    from mlflow.tracking import MlflowClient

    siblings = MlflowClient().get_run(parent)
    assert siblings.info.run_name == "ablations"
    assert siblings.info.status == "FINISHED"
