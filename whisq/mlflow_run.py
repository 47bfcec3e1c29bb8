"""What a stage tells MLflow while it runs: numbers, curves, files and data."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pandas import DataFrame


class Run:
    """An open MLflow run.

    Attributes:
        id: MLflow's id of it.
        training: Id of the run with the training's curves, if the store has it: often the same.
    """

    def __init__(self, run_id: str) -> None:
        """Name the run.

        Args:
            run_id: MLflow's id of it.
        """
        self.id = self.training = run_id

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
