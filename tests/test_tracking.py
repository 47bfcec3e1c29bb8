"""Runs say what they are, keep the params that made their metrics, and end as they ended."""

import hashlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from whisq import params, tracking
from whisq.tracking import About

ROOT = Path(__file__).parents[1]
MODEL = Path("data/model")
ABOUT = About("rendered corpus", "official", "default", {}, {})
TABLE = {"table": "ablations", "corpus": "rendered corpus", "data": "0123"}
pytestmark = pytest.mark.filterwarnings("default")  # MLflow's own imports warn


@pytest.fixture
def trained(store):
    """The id of a run that trained a model, whose weights lie there."""
    MODEL.mkdir(parents=True)
    (MODEL / "model.safetensors").write_bytes(b"weights")
    with tracking.training_run({"seed": 0, "evaluate.resamples": 1000}, ABOUT) as run:
        run.metrics({"test_omq_utt_srcc": 0.5})
    return run.id


def _judge(resamples=1000, **metrics):
    with tracking.judging_run({"seed": 0, "evaluate.resamples": resamples}, ABOUT, MODEL) as run:
        run.metrics(metrics)
    return run


def _stored(run_id):
    from mlflow.tracking import MlflowClient

    return MlflowClient().get_run(run_id)


def test_a_training_run_keeps_params_metrics_and_its_experiments_name(store):
    with tracking.training_run({"loss.ot_weight": 0}, ABOUT) as run:
        run.metrics({"test/utt/omq/srcc": 0.5, "test/utt/ta/srcc": None})
    stored = _stored(run.id)
    assert stored.info.status == "FINISHED"
    assert stored.info.run_name == "rendered · default"
    assert stored.data.params == {"loss.ot_weight": "0"}
    assert stored.data.metrics == {"test/utt/omq/srcc": 0.5}
    assert stored.data.tags["dvc_exp"] == "quiet-tuba"
    facts = {"corpus": "rendered corpus", "protocol": "official", "variant": "default"}
    assert facts.items() <= stored.data.tags.items()


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
    assert _judge(resamples=500).id == evaluated.id
    assert _judge(resamples=100).id not in {evaluated.id, trained}


def test_another_experiment_gets_a_run_of_its_own(trained, monkeypatch):
    monkeypatch.setenv("DVC_EXP_NAME", "loud-tuba")
    evaluated = _judge()
    assert evaluated.id != trained
    assert _stored(evaluated.id).data.tags["dvc_exp"] == "loud-tuba"
    assert _judge().id == evaluated.id
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
    with tracking.training_run({}, ABOUT) as run:
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
    assert _judge().id == run.training == run.id
    assert tracking.RUN_FILE.read_text() == elsewhere


def test_training_again_makes_a_run_of_its_own(store):
    with tracking.training_run({}, ABOUT) as first:
        pass
    with tracking.training_run({}, ABOUT) as second:
        pass
    assert first.id != second.id


def test_a_failed_stage_ends_its_run_as_failed(store):
    with pytest.raises(RuntimeError), tracking.data_run("clips", {}) as run:
        raise RuntimeError("a wav is missing")
    assert _stored(run.id).info.status == "FAILED"


def test_curves_keep_every_step(store):
    from mlflow.tracking import MlflowClient

    with tracking.training_run({}, ABOUT) as run:
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
    with tracking.training_run({}, ABOUT) as run:
        run.dataset(ratings, "rendered corpus", "data/ratings.csv")
    (entry,) = _stored(run.id).inputs.dataset_inputs
    assert entry.dataset.name == "rendered corpus"
    assert entry.dataset.digest


def test_variants_are_named_by_themselves_and_grouped_under_one_parent(store):
    stored = []
    for name, changes in (("no_transport", {"loss.ot_weight": 0.0}), ("default", {})):
        with tracking.variant_run(name, changes, TABLE) as run:
            run.metrics({"official/utt_ta_srcc": 0.5})
        stored.append(_stored(run.id))
    assert [run.info.run_name for run in stored] == ["no_transport", "default"]
    assert stored[0].data.params == {"loss.ot_weight": "0.0"}
    (parent,) = {run.data.tags["mlflow.parentRunId"] for run in stored}
    siblings = _stored(parent)
    assert siblings.info.run_name == "ablations"
    assert siblings.info.status == "FINISHED"
    assert siblings.data.tags.items() >= TABLE.items()


def test_a_table_of_other_data_has_a_parent_of_its_own_that_holds_the_table(store):
    from mlflow.artifacts import list_artifacts

    first, other = tracking.table_run(TABLE), tracking.table_run(TABLE | {"data": "4567"})
    assert first.id != other.id
    (store / "ablations.csv").write_text("variant\n")
    tracking.table_run(TABLE).artifacts("ablations.csv")
    assert [item.path for item in list_artifacts(run_id=first.id)] == ["ablations.csv"]
    assert not list_artifacts(run_id=other.id)


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({}, "rendered · default"),
        ({"loss.ot_weight": 0.0}, "rendered · ot_weight=0"),
        ({"split.protocol": "systems", "split.fold": 2}, "rendered · systems · fold=2"),
        ({"model.width": 128, "train.epochs": 5}, "rendered · width=128 · epochs=5"),
    ],
)
def test_a_run_is_named_by_its_corpus_and_by_what_is_changed(changes, name):
    values = params.load(ROOT / "params.yaml", overrides=changes)
    assert About.of(values, "rendered corpus").name == name


def test_a_run_with_many_changes_is_named_by_the_variant_that_makes_them():
    recipe = params.changes_of("paper", ROOT / "params.yaml")
    values = params.load(ROOT / "params.yaml", overrides=recipe | {"train.epochs": 5})
    about = About.of(values, "MusicEval")
    assert about.name == "MusicEval · paper · epochs=5"
    assert about.tags == {"corpus": "MusicEval", "protocol": "official", "variant": "paper"}
    assert about.changes["model.dropout"] == 0.0
    assert "corpus.name" not in about.changes


def test_a_run_says_of_what_data_its_figures_are(store):
    ratings = pd.DataFrame({"id": ["a", "b"], "omq": [1.0, 2.5]})
    with tracking.training_run({}, ABOUT) as run:
        run.judged({"test/utt/omq/srcc": 0.5}, ratings, "rendered corpus, test", "ratings.csv")
        run.note("| a table |")
    stored = _stored(run.id)
    assert stored.data.metrics == {"test/utt/omq/srcc": 0.5}
    (entry,) = stored.inputs.dataset_inputs
    assert entry.dataset.name == "rendered corpus, test"
    assert entry.tags[0].value == "evaluation"
    assert stored.data.tags["mlflow.note.content"] == "| a table |"


KILLED = """
import os, signal
from whisq import tracking
with tracking.data_run("clips", {}) as run:
    print(run.id, flush=True)
    signal.pause()
"""


def begin():
    """Begin a run in a process of its own; its id."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-W", "ignore", "-c", KILLED]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    return process, process.stdout.readline().strip()


@pytest.mark.slow
def test_a_killed_run_is_told_from_one_that_goes_on(store):
    (dead, first), (living, second) = begin(), begin()
    try:
        dead.kill()
        dead.wait()
        with tracking.data_run("embed_text", {}):
            pass
        assert _stored(first).info.status == "KILLED"
        assert _stored(second).info.status == "RUNNING"
    finally:
        living.send_signal(signal.SIGKILL)
        for process in (dead, living):
            process.wait()
            process.stdout.close()
