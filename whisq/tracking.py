"""MLflow runs: one a training, shared by what judges its model; one a data stage; one a variant.

A run's params are those that made its metrics: a model that is judged in another way gets a run
more, below that of its training.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from whisq import mlflow_store
from whisq.files import file_digest
from whisq.mlflow_run import Run

if TYPE_CHECKING:
    from mlflow import entities

MODELS = "whisq"
DATA = "whisq-data"
VARIANTS = "whisq-ablations"
RUN_FILE = Path("data/mlflow_run.txt")


@contextmanager
def data_run(stage: str, params: Mapping[str, Any]) -> Iterator[Run]:
    """Open a run of its own for a stage that prepares data.

    Args:
        stage: The DVC stage's name.
        params: Values by dotted name.

    Yields:
        The open run; it ends as FAILED if the block raises.
    """
    with _open(DATA, stage, params) as run:
        yield run


@contextmanager
def training_run(params: Mapping[str, Any]) -> Iterator[Run]:
    """Open the run of a training, and leave its id in `RUN_FILE`, an output of that stage.

    Args:
        params: Values by dotted name.

    Yields:
        The open run; it ends as FAILED if the block raises.
    """
    with _open(MODELS, "train", params) as run:
        RUN_FILE.parent.mkdir(parents=True, exist_ok=True)
        RUN_FILE.unlink(missing_ok=True)  # may be a link into DVC's cache
        RUN_FILE.write_text(run.id + "\n")
        yield run


@contextmanager
def judging_run(stage: str, params: Mapping[str, Any], model: Path) -> Iterator[Run]:
    """Go on with the run of the model's training, or with a run that judges the model likewise.

    Where none has these params and this experiment's name (the model is judged in another way,
    or was trained in another store), a new one is opened. Its tags `judges` and `judges_sha256`
    say which training's model it judges; it lies below that run if the store has it.

    Args:
        stage: The DVC stage's name.
        params: Values by dotted name, as training logged them.
        model: The folder with the model's weights.

    Yields:
        The open run; it ends as FAILED if the block raises.
    """
    trained = RUN_FILE.read_text().strip()
    training = _runs(f"attributes.run_id = '{trained}'")
    known = [*training, *_runs(f"tags.judges = '{trained}'")]
    same = [run.info.run_id for run in known if _made_by(run, params)]
    parent = trained if training else None
    if same:
        opened = _open(MODELS, stage, params, run_id=same[0])
    else:
        weights = file_digest(model / "model.safetensors")
        tags = {"judges": trained, "judges_sha256": weights}
        opened = _open(MODELS, stage, params, parent=parent, tags=tags)
    with opened as run:
        run.training = parent or run.id
        yield run


@contextmanager
def variant_run(name: str, params: Mapping[str, Any]) -> Iterator[Run]:
    """Open a run for a variant's trials, beside its siblings under one parent.

    Args:
        name: The variant.
        params: What it changes, by dotted name.

    Yields:
        The open run; it ends as FAILED if the block raises.
    """
    with _open(VARIANTS, name, params, name=name, parent=_parent()) as run:
        yield run


@contextmanager
def _open(
    experiment: str,
    stage: str,
    params: Mapping[str, Any],
    *,
    run_id: str | None = None,
    name: str | None = None,
    parent: str | None = None,
    tags: Mapping[str, str] | None = None,
) -> Iterator[Run]:
    import mlflow

    experiment_id = mlflow_store.connect(experiment)
    # MLflow continues a run only in the active experiment, which the process may have set before.
    mlflow.set_experiment(experiment_id=experiment_id)
    start = {"run_id": run_id}
    if not run_id:
        name = name or os.environ.get("DVC_EXP_NAME") or stage
        start = {"experiment_id": experiment_id, "run_name": name, "parent_run_id": parent}
    with mlflow.start_run(**start) as active:
        mlflow.set_tags(_tags(stage) | dict(tags or {}))
        if not run_id:
            mlflow.log_params(_as_kept(params))
        yield Run(active.info.run_id)


def _as_kept(params: Mapping[str, Any]) -> dict[str, str]:
    return {key: str(value) for key, value in params.items()}


def _runs(wanted: str) -> list[entities.Run]:
    from mlflow.tracking import MlflowClient

    return MlflowClient().search_runs([mlflow_store.connect(MODELS)], wanted)


def _made_by(run: entities.Run, params: Mapping[str, Any]) -> bool:
    experiment = os.environ.get("DVC_EXP_NAME") or run.data.tags.get("dvc_exp_name")
    same_name = run.data.tags.get("dvc_exp_name") == experiment
    return same_name and run.data.params == _as_kept(params)


def _parent() -> str:
    from mlflow.tracking import MlflowClient

    experiment_id = mlflow_store.connect(VARIANTS)
    client = MlflowClient()
    with mlflow_store.lock(mlflow_store.point()):
        known = client.search_runs([experiment_id], "tags.stage = 'ablations'", max_results=1)
        if known:
            return known[0].info.run_id
        made = client.create_run(experiment_id, run_name="ablations", tags=_tags("ablations"))
        client.set_terminated(made.info.run_id)
        return made.info.run_id


def _tags(stage: str) -> dict[str, str]:
    tags = {"stage": stage, "git_revision": _revision()}
    for name in ("DVC_EXP_NAME", "DVC_EXP_BASELINE_REV"):
        if os.environ.get(name):
            tags[name.lower()] = os.environ[name]
    return tags


def _revision() -> str:
    git = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    return git.stdout.strip() or "not a git checkout"
