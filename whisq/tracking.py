"""MLflow runs: one a training, shared by what judges its model; one a data stage; one a variant.

A run's params are those that made its metrics: a model that is judged in another way gets a run
more, below that of its training. A run ends as FAILED if its block raises.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from whisq import mlflow_store
from whisq.files import file_digest

if TYPE_CHECKING:
    from mlflow import entities
    from pandas import DataFrame

MODELS = "whisq"
DATA = "whisq-data"
VARIANTS = "whisq-ablations"
RUN_FILE = Path("data/mlflow_run.txt")


class Run:
    """An open MLflow run.

    Attributes:
        id: MLflow's id of it.
        training: Id of the run with the training's curves, if the store has it: often the same.
    """

    def __init__(self, run_id: str) -> None:
        """Name the run."""
        self.id = self.training = run_id

    def metrics(self, values: Mapping[str, float | None], step: int = 0) -> None:
        """Log numbers by name, such as `test/utt/omq/srcc`; undefined ones (None) are left out."""
        self.curves([(step, values)])

    def curves(self, steps: list[tuple[int, Mapping[str, float | None]]]) -> None:
        """Log numbers at many steps in few requests: one by one costs 70 times as much."""
        from mlflow.entities import Metric
        from mlflow.tracking import MlflowClient
        from mlflow.utils.time import get_current_time_millis

        now = get_current_time_millis()
        points = [
            Metric(name, float(value), now, step)
            for step, values in steps
            for name, value in values.items()
            if isinstance(value, int | float)
        ]
        for start in range(0, len(points), 1000):
            MlflowClient().log_batch(self.id, metrics=points[start : start + 1000])

    def artifacts(self, *paths: str | Path, folder: str | None = None) -> None:
        """Keep files or folders with the run, in a folder of its artifacts or at their root."""
        import mlflow

        for path in map(Path, paths):
            keep = mlflow.log_artifacts if path.is_dir() else mlflow.log_artifact
            keep(str(path), folder)

    def dataset(self, ratings: DataFrame, name: str, source: str | Path) -> None:
        """Tell which data the run learnt from; MLflow takes their digest.

        Args:
            ratings: The table that was learnt from.
            name: The corpus's name, such as `rendered corpus`.
            source: The table's file.
        """
        import mlflow

        data = mlflow.data.from_pandas(ratings, source=str(source), name=name)
        mlflow.log_input(data, context="training")


def data_run(stage: str, params: Mapping[str, Any]) -> AbstractContextManager[Run]:
    """Return a run of its own for a stage that prepares data, its params by dotted name."""
    return _open(DATA, stage, params)


@contextmanager
def training_run(params: Mapping[str, Any]) -> Iterator[Run]:
    """Open the run of a training, and leave its id in `RUN_FILE`, an output of that stage.

    Yields:
        The open run.
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
        The open run.
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


def variant_run(name: str, params: Mapping[str, Any]) -> AbstractContextManager[Run]:
    """Return a run for a variant's trials, beside its siblings under one parent."""
    return _open(VARIANTS, name, params, name=name, parent=_parent())


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
            mlflow.log_params(params)
        yield Run(active.info.run_id)


def _runs(wanted: str) -> list[entities.Run]:
    from mlflow.tracking import MlflowClient

    return MlflowClient().search_runs([mlflow_store.connect(MODELS)], wanted)


def _made_by(run: entities.Run, params: Mapping[str, Any]) -> bool:
    own = run.data.tags.get("dvc_exp_name")
    kept = {key: str(value) for key, value in params.items()}
    return own == (os.environ.get("DVC_EXP_NAME") or own) and run.data.params == kept


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
    names = ("DVC_EXP_NAME", "DVC_EXP_BASELINE_REV")
    return {"stage": stage} | {n.lower(): os.environ[n] for n in names if os.environ.get(n)}
