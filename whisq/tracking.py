"""MLflow runs: one a pipeline, shared by its model's stages; one a data stage; one a variant."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

if TYPE_CHECKING:
    from pandas import DataFrame

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
    with _open(DATA, stage, params, run_id=None) as run:
        yield run


@contextmanager
def model_run(stage: str, params: Mapping[str, Any], run_file: Path = RUN_FILE) -> Iterator[Run]:
    """Open the pipeline's run: training creates it, later stages resume it.

    Args:
        stage: The DVC stage's name; `train` creates the run, any other continues it.
        params: Values by dotted name, logged when the run is created.
        run_file: Where the run's id is kept between stages.

    Yields:
        The open run; it ends as FAILED if the block raises.
    """
    known = run_file.read_text().strip() if stage != "train" and run_file.exists() else None
    with _open(MODELS, stage, params, known) as run:
        run_file.parent.mkdir(parents=True, exist_ok=True)
        run_file.write_text(run.id + "\n")
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
    with _open(VARIANTS, name, params, run_id=None, parent=_parent()) as run:
        yield run


class Run:
    """An open MLflow run."""

    def __init__(self, run_id: str) -> None:
        """Name the run.

        Args:
            run_id: MLflow's id of it.
        """
        self.id = run_id

    def metrics(self, values: Mapping[str, float | None], step: int = 0) -> None:
        """Log numbers at one step; undefined ones (None) are left out.

        Args:
            values: Numbers by name, such as `test/utt/omq/srcc`.
            step: The epoch or step they belong to.
        """
        self.curves([(step, values)])

    def curves(self, steps: list[tuple[int, Mapping[str, float | None]]]) -> None:
        """Log numbers at many steps in few requests: one by one costs 70 times as much.

        Args:
            steps: Pairs of step and numbers by name.
        """
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
        """Keep files or folders with the run.

        Args:
            *paths: What to keep.
            folder: Where in the run's artifacts; its root if None.
        """
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


def connect(experiment: str = MODELS) -> str:
    """Point MLflow at the store and make sure that the experiment exists.

    The user's `MLFLOW_TRACKING_URI` wins. Else the store is a database beside the pipeline's
    own root, which DVC names in `DVC_ROOT` even where a stage runs in a temporary copy.

    Args:
        experiment: The experiment's name.

    Returns:
        The experiment's id.
    """
    import mlflow

    root = Path(os.environ.get("DVC_ROOT", ".")).resolve()
    uri = os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{root}/mlflow.db"
    mlflow.set_tracking_uri(uri)
    artifacts = (root / "mlartifacts").as_uri() if uri.startswith("sqlite:") else None
    # Processes that create one new database at once break it for good.
    with FileLock(root / "mlflow.db.lock"):
        known = mlflow.get_experiment_by_name(experiment)
        if known:
            return known.experiment_id
        return mlflow.create_experiment(experiment, artifact_location=artifacts)


@contextmanager
def _open(
    experiment: str,
    stage: str,
    params: Mapping[str, Any],
    run_id: str | None,
    parent: str | None = None,
) -> Iterator[Run]:
    import mlflow

    experiment_id = connect(experiment)
    # MLflow continues a run only in the active experiment, which the process may have set before.
    mlflow.set_experiment(experiment_id=experiment_id)
    run_id = run_id if run_id and _exists(run_id) else None
    name = stage if parent else os.environ.get("DVC_EXP_NAME") or stage
    start = {"run_id": run_id}
    if not run_id:
        start = {"experiment_id": experiment_id, "run_name": name, "parent_run_id": parent}
    with mlflow.start_run(**start) as active:
        mlflow.set_tags(_tags(stage))
        if not run_id:
            mlflow.log_params({key: str(value) for key, value in params.items()})
        yield Run(active.info.run_id)


def _parent() -> str:
    from mlflow.tracking import MlflowClient

    experiment_id = connect(VARIANTS)
    client = MlflowClient()
    with FileLock(Path(os.environ.get("DVC_ROOT", ".")) / "mlflow.db.lock"):
        known = client.search_runs([experiment_id], "tags.stage = 'ablations'", max_results=1)
        if known:
            return known[0].info.run_id
        made = client.create_run(experiment_id, run_name="ablations", tags=_tags("ablations"))
        client.set_terminated(made.info.run_id)
        return made.info.run_id


def _exists(run_id: str) -> bool:
    # A run that DVC restored from its cache may have been made in another store.
    from mlflow.exceptions import MlflowException
    from mlflow.tracking import MlflowClient

    try:
        return MlflowClient().get_run(run_id).info.lifecycle_stage == "active"
    except MlflowException:
        return False


def _tags(stage: str) -> dict[str, str]:
    tags = {"stage": stage, "git_revision": _revision()}
    for name in ("DVC_EXP_NAME", "DVC_EXP_BASELINE_REV"):
        if os.environ.get(name):
            tags[name.lower()] = os.environ[name]
    return tags


def _revision() -> str:
    git = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    return git.stdout.strip() or "not a git checkout"
