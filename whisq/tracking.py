"""MLflow runs: one a training, shared by what judges its model; one a data stage; one a variant.

A run's params are those that made its metrics: a model that is judged in another way gets a run
more, below that of its training. A run ends as FAILED if its block raises, and as KILLED if its
process is found gone.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from whisq import mlflow_store
from whisq.files import file_digest
from whisq.params import Params, defaults, described, in_words, pipeline

if TYPE_CHECKING:
    from mlflow import entities
    from pandas import DataFrame

MODELS = "whisq"
DATA = "whisq-data"
VARIANTS = "whisq-ablations"
RUN_FILE = Path("data/mlflow_run.txt")
FACTS = ("corpus.name", "corpus.musiceval.source", "split.protocol")  # that go by themselves
VIEW = "whisq"  # what MLflow's pages call the table of runs that `make ui` opens
MODE = "workflowType=machine_learning"  # else they open on language models
PROCESS = "process"  # the tag that says whose run it is: machine, process, and when it began


@dataclass(frozen=True)
class About:
    """What a run of the pipeline is of; each fact is a tag of its own.

    Attributes:
        corpus: Such as `rendered corpus`.
        protocol: How its clips are split.
        variant: The named set of changes that made the params, or `default`.
        changes: Params that are not the defaults, by dotted name.
        besides: Those of them that the variant does not make.
    """

    corpus: str
    protocol: str
    variant: str
    changes: Mapping[str, Any]
    besides: Mapping[str, Any]

    @classmethod
    def of(cls, values: Params, corpus: str) -> About:
        """Return what is told of a run with these params on a corpus of this name."""
        found = described(pipeline(values), defaults(), values.named)
        changed = [{k: v for k, v in part.items() if k not in FACTS} for part in found[1:]]
        return cls(corpus, values.split.protocol, found[0], *changed)

    @property
    def name(self) -> str:
        """A name such as `rendered · ot_weight=0`; many changes go by their variant's."""
        words = in_words(self.variant, self.changes, self.besides)
        split = [self.protocol] if self.protocol != "official" else []
        return " · ".join([self.corpus.removesuffix(" corpus"), *split, *words])

    @property
    def tags(self) -> dict[str, str]:
        """The facts by name."""
        return {"corpus": self.corpus, "protocol": self.protocol, "variant": self.variant}


class Run:
    """An MLflow run.

    Attributes:
        id: MLflow's id of it.
        training: Id of the run with the training's curves, if the store has it: often the same.
    """

    def __init__(self, run_id: str) -> None:
        """Name the run."""
        self.id = self.training = run_id

    @cached_property
    def model(self) -> str | None:
        """MLflow's id of the model that the run's training logged, None where there is none."""
        outputs = _client().get_run(self.training).outputs
        models = outputs.model_outputs if outputs else []
        return models[-1].model_id if models else None

    def metrics(self, values: Mapping[str, float | None], step: int = 0) -> None:
        """Log numbers by name, such as `test/utt/omq/srcc`; undefined ones (None) are left out."""
        self.curves([(step, values)])

    def curves(self, steps: list[tuple[int, Mapping[str, float | None]]]) -> None:
        """Log numbers at many steps in few requests: one by one costs 70 times as much."""
        from mlflow.entities import Metric
        from mlflow.utils.time import get_current_time_millis

        now = get_current_time_millis()
        points = [
            Metric(name, float(value), now, step)
            for step, values in steps
            for name, value in values.items()
            if isinstance(value, int | float)
        ]
        for start in range(0, len(points), 1000):
            _client().log_batch(self.id, metrics=points[start : start + 1000])

    def judged(
        self, values: Mapping[str, float], ratings: DataFrame, name: str, source: str | Path
    ) -> None:
        """Log what the run's model does on a data set, with the model too if it was made here.

        A model that is judged in yet another way keeps the figures of its own run.

        Args:
            values: Figures by name.
            ratings: The clips that they were measured on.
            name: Of the data set, such as `rendered corpus, test`.
            source: The table's file.
        """
        import mlflow

        data = mlflow.data.from_pandas(ratings, source=str(source), name=name)
        mlflow.log_input(data, context="evaluation")
        own = self.model if self.id == self.training else None
        mlflow.log_metrics(dict(values), run_id=self.id, model_id=own, dataset=data)

    def address(self, artifact: str) -> str:
        """Return where MLflow's pages show an artifact of the run."""
        experiment = _client().get_run(self.id).info.experiment_id
        return f"#/experiments/{experiment}/runs/{self.id}/artifacts/{artifact}"

    def note(self, text: str) -> None:
        """Say in Markdown what the run has come to: MLflow shows it at the head of its page."""
        _client().set_tag(self.id, "mlflow.note.content", text)

    def artifacts(self, *paths: str | Path, folder: str | None = None) -> None:
        """Keep files or folders with the run, in a folder of its artifacts or at their root."""
        for path in map(Path, paths):
            keep = _client().log_artifacts if path.is_dir() else _client().log_artifact
            keep(self.id, str(path), folder)

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
    return _open(DATA, params, name=stage, tags={"stage": stage}, watched=True)


@contextmanager
def training_run(params: Mapping[str, Any], about: About) -> Iterator[Run]:
    """Open the run of a training, and leave its id in `RUN_FILE`, an output of that stage.

    Yields:
        The open run.
    """
    with _open(MODELS, params, name=about.name, tags=about.tags, watched=True) as run:
        RUN_FILE.parent.mkdir(parents=True, exist_ok=True)
        RUN_FILE.unlink(missing_ok=True)  # may be a link into DVC's cache
        RUN_FILE.write_text(run.id + "\n")
        yield run


def unseen_run(params: Mapping[str, Any], about: About) -> AbstractContextManager[Run]:
    """Return a run of its own for the folds that hold systems or prompts out."""
    tags = about.tags | {"protocol": "unseen"}
    return _open(MODELS, params, name=f"{about.name} · unseen", tags=tags, watched=True)


@contextmanager
def judging_run(params: Mapping[str, Any], about: About, model: Path) -> Iterator[Run]:
    """Go on with the run of the model's training, or with a run that judges the model likewise.

    Where none has these params and this experiment's name (the model is judged in another way,
    or was trained in another store), a new one is opened. Its tags `judges` and `judges_sha256`
    say which training's model it judges; it lies below that run if the store has it.

    Args:
        params: Values by dotted name, as training logged them.
        about: What the run is of.
        model: The folder with the model's weights.

    Yields:
        The open run.
    """
    trained = RUN_FILE.read_text().strip()
    training = _runs(MODELS, f"attributes.run_id = '{trained}'")
    known = [*training, *_runs(MODELS, f"tags.judges = '{trained}'")]
    same = [run.info.run_id for run in known if _made_by(run, params)]
    parent = trained if training else None
    if same:
        opened = _open(MODELS, params, run_id=same[0])
    else:
        weights = file_digest(model / "model.safetensors")
        tags = about.tags | {"judges": trained, "judges_sha256": weights}
        opened = _open(MODELS, params, name=f"{about.name} · judged", parent=parent, tags=tags)
    with opened as run:
        run.training = parent or run.id
        yield run


def variant_run(
    name: str, params: Mapping[str, Any], table: Mapping[str, str]
) -> AbstractContextManager[Run]:
    """Return a run for a variant's trials, below that of its table.

    Args:
        name: The variant.
        params: Its changes by dotted name.
        table: Tags that make the table: its name as `table`, and what its variants learn from.
    """
    return _open(VARIANTS, params, name=name, parent=table_run(table).id)


def table_run(table: Mapping[str, str]) -> Run:
    """Return the run that holds a table's variants; see `variant_run`."""
    experiment_id = mlflow_store.connect(VARIANTS)
    with mlflow_store.lock(mlflow_store.point()):
        wanted = " and ".join(f"tags.{tag} = '{value}'" for tag, value in table.items())
        known = _client().search_runs([experiment_id], wanted)
        if known:
            return Run(known[0].info.run_id)
        made = _client().create_run(experiment_id, run_name=table["table"], tags=dict(table))
        _client().set_terminated(made.info.run_id)
        return Run(made.info.run_id)


def view() -> str:
    """Tell MLflow which columns its table of runs begins with, the best TA on top.

    MLflow keeps what its button "Share" shares as a tag of the experiment.

    Returns:
        The address of that table, behind the server's own.
    """
    experiment_id = mlflow_store.connect(MODELS)
    metrics = [f"metrics.`test/utt/{axis}/srcc`" for axis in ("ta", "omq")]
    state = {"selectedColumns": [*metrics, "params.`loss.ot_weight`"]}
    state |= {"orderByKey": metrics[0], "orderByAsc": False}
    tag = f"mlflow.sharedViewState.{VIEW}"
    _client().set_experiment_tag(experiment_id, tag, json.dumps(state))
    page = f"?{MODE}#/experiments/{experiment_id}/runs"
    return f"{page}?{MODE}&viewStateShareKey={VIEW}&compareRunsMode=TABLE"


def end_dead(*experiments: str) -> None:
    """End the runs of experiments whose process, of this machine, is there no more: as KILLED."""
    ids = [mlflow_store.connect(name) for name in experiments]
    for run in _client().search_runs(ids, "attributes.status = 'RUNNING'"):
        owner = run.data.tags.get(PROCESS, "").rsplit(" ", 2)
        if owner[0] == socket.gethostname() and not _alive(*owner[1:]):
            _client().set_terminated(run.info.run_id, "KILLED")


@contextmanager
def _open(
    experiment: str,
    params: Mapping[str, Any],
    *,
    run_id: str | None = None,
    name: str | None = None,
    parent: str | None = None,
    tags: Mapping[str, str] | None = None,
    watched: bool = False,
) -> Iterator[Run]:
    import mlflow

    experiment_id = mlflow_store.connect(experiment)
    end_dead(experiment)
    # MLflow continues a run only in the active experiment, which the process may have set before.
    mlflow.set_experiment(experiment_id=experiment_id)
    start = {"run_id": run_id}
    if not run_id:
        start = {"experiment_id": experiment_id, "run_name": name, "parent_run_id": parent}
        start["tags"] = _experiment() | dict(tags or {})
    with mlflow.start_run(**start, log_system_metrics=watched) as active:
        mlflow.set_tag(PROCESS, _process())
        if not run_id:
            mlflow.log_params(params)
        yield Run(active.info.run_id)


def _client() -> Any:
    from mlflow.tracking import MlflowClient

    return MlflowClient()


def _runs(experiment: str, wanted: str) -> list[entities.Run]:
    return _client().search_runs([mlflow_store.connect(experiment)], wanted)


def _made_by(run: entities.Run, params: Mapping[str, Any]) -> bool:
    own = run.data.tags.get("dvc_exp")
    kept = {key: str(value) for key, value in params.items()}
    return own == (os.environ.get("DVC_EXP_NAME") or own) and run.data.params == kept


def _experiment() -> dict[str, str]:
    names = {"dvc_exp": "DVC_EXP_NAME", "dvc_baseline": "DVC_EXP_BASELINE_REV"}
    return {tag: os.environ[name] for tag, name in names.items() if os.environ.get(name)}


def _process() -> str:
    import psutil

    own = psutil.Process()
    return f"{socket.gethostname()} {own.pid} {own.create_time():.0f}"


def _alive(pid: str, began: str) -> bool:
    import psutil

    try:
        return f"{psutil.Process(int(pid)).create_time():.0f}" == began
    except psutil.NoSuchProcess:
        return False
