"""A search by Optuna over `search.space` of params.yaml: `make search`.

Each point is trained once a fold and judged on that fold's dev clips; test clips are not looked at.
Stopped in whatever way, the same command goes on: the point that was not finished is drawn again.
"""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import optuna
from filelock import FileLock, Timeout
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial, TrialState
from pandas import DataFrame

from stages.recipe import overrides
from whisq import params, stage, tracking
from whisq.corpus.card import identify
from whisq.exits import WRONG_CALL
from whisq.files import digest_of
from whisq.params import Changes, Params
from whisq.training.data import Data
from whisq.training.recipe import Recipe
from whisq.trials.trial import Trial, get_ready, run

DATA, TABLE, STORE = Path("data"), Path("metrics/search.csv"), Path("optuna.db")
FIGURES = ["dev_score", "dev_omq_srcc", "dev_ta_srcc"]
DONE = (TrialState.COMPLETE, TrialState.PRUNED)  # the latter could not be trained


def main() -> str:
    """Return a line about the best point, once `search.trials` points were tried."""
    get_ready()
    try:
        values = params.load_search()
        with FileLock(f"{STORE}.lock", timeout=0):
            return search(values)
    except Timeout:
        print("a search is running in this folder: let it end, or end it", file=sys.stderr)
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
    sys.exit(WRONG_CALL)


def search(values: Params) -> str:
    """Try the points that are still to be tried, and write the table of all.

    Args:
        values: With the search's space.

    Returns:
        A line about the best point.

    Raises:
        ValueError: No point could be trained.
    """
    study = opened(values)
    parent = {"table": "search", "study": study.study_name, **identify(DATA)}
    while (number := len(done := study.get_trials(states=DONE))) < values.search.trials:
        point = draw(study, values)
        changes = changes_of(point)
        same = [other.user_attrs for other in done if other.params == point.params]
        figures = same[0] if same else train(f"trial {number}", changes, parent)
        for name, figure in figures.items():
            point.set_user_attr(name, figure)
        # Of one that could not be trained the sampler learns to keep away.
        state = TrialState.COMPLETE if figures else TrialState.PRUNED
        study.tell(point, figures.get("dev_score"), state)
        if figures:
            best = f"best {study.best_value:.3f} of trial {study.best_trial.number}"
            print(f"trial {number}: dev score {figures['dev_score']:.3f}, {best}", flush=True)
    if not any(point.user_attrs for point in done):
        raise ValueError("no point of search.space could be trained; why is told above")
    rows = [point.user_attrs | changes_of(point) for point in done]
    table = DataFrame(rows, columns=[*FIGURES, *values.search.space])
    table.rename_axis("trial").to_csv(TABLE, float_format="%.6g")
    best, logged = study.best_trial, tracking.table_run(parent)
    logged.artifacts(TABLE)
    logged.metrics(best.user_attrs)
    words = [word for change in overrides(changes_of(best)) for word in ("-S", change)]
    print(shlex.join(["dvc", "exp", "run", *words]))
    return f"{TABLE}: {len(rows)} points, the best, above, with a dev score of {best.value:.3f}"


def opened(values: Params) -> optuna.Study:
    """Return the study of this search, which goes on if it was begun.

    Other data, code or values of params.yaml are another study; how many points are tried is not.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    base, data = Recipe(values.model, values.loss, values.train, values.seed), Data.open(DATA)
    wanted = values.search.model_dump(exclude={"trials"}) | {"folds": values.unseen.folds}
    name = digest_of(json.dumps(wanted, sort_keys=True), base.key(base.config(data), data))[:12]
    study = optuna.create_study(
        storage=f"sqlite:///{STORE}", study_name=name, direction="maximize", load_if_exists=True
    )
    for left in study.get_trials(states=(TrialState.RUNNING,)):  # by a search that was killed
        study.tell(left.number, state=TrialState.FAIL)
    return study


def draw(study: optuna.Study, values: Params) -> optuna.Trial:
    """Return the next point; the first is params.yaml's own values, those that the space holds."""
    space, own, flat = {}, {}, params.pipeline(values)
    for name, drawn in values.search.space.items():
        if isinstance(drawn, list):  # as JSON: Optuna has no lists
            space[name] = CategoricalDistribution([json.dumps(value) for value in drawn])
            own |= {name: json.dumps(flat[name])} if flat[name] in drawn else {}
        else:
            whole = isinstance(drawn.low, int) and isinstance(drawn.high, int)
            space[name] = (IntDistribution if whole else FloatDistribution)(**drawn.model_dump())
            own |= {name: flat[name]} if drawn.low <= flat[name] <= drawn.high else {}
    if not study.get_trials(states=(*DONE, TrialState.WAITING)):
        study.enqueue_trial(own)
    # Seeded by how far it has come, a search that goes on draws what it would have drawn.
    done = len(study.get_trials(states=DONE))
    study.sampler = optuna.samplers.TPESampler(seed=values.seed + done)
    return study.ask(space)


def changes_of(point: optuna.Trial | FrozenTrial) -> Changes:
    """Return a point as changes to params.yaml, by dotted name."""
    drawn = point.params.items()
    return {name: json.loads(v) if isinstance(v, str) else v for name, v in drawn}


def train(name: str, changes: Changes, parent: Mapping[str, str]) -> dict[str, float]:
    """Train a point, logged by that name below the search's run.

    Returns:
        What `means` returns; nothing if it could not be trained, which is told.
    """
    try:
        with tracking.variant_run(name, changes, parent) as logged:
            figures = means(params.load(overrides=changes))
            logged.metrics(figures)
            return figures
    except ValueError as error:
        print(f"FAILED {name}: {error}", file=sys.stderr)
        return {}


def means(values: Params) -> dict[str, float]:
    """Train once a fold.

    Returns:
        The means of `FIGURES` over the folds; an axis without ratings is left out.

    Raises:
        ValueError: A training failed.
    """
    records = DataFrame(run(trainings(values), values.trials.workers))
    if "error" in records:
        raise ValueError(records["error"].dropna().iloc[0].strip().splitlines()[-1])
    return records[FIGURES].astype(float).mean().dropna().to_dict()


def trainings(values: Params) -> Iterator[Trial]:
    """Yield a training a fold, none of whose dev clips is a test clip of the stage `unseen`.

    That holds where systems and prompts are held out both: it tests other pairs of their parts.
    """
    folds, search = values.unseen.folds, values.search
    for seed in range((values.seed + 1) * folds, (values.seed + 2) * folds):
        recipe = Recipe(values.model, values.loss, values.train, seed)
        yield Trial(recipe, search.protocol, folds, DATA, judged=False)


if __name__ == "__main__":
    stage.run(main)
