"""What each choice is worth: one variant trained over several seeds and ways of splitting.

Under `official` the split stays and the seed changes; under the other protocols the seed also
chooses the fold that is held out, so that the trials of a variant together test every clip, and two
variants meet in the same fold.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import forkserver, get_context
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from whisq.corpus.splits import Split, assign, nth_fold
from whisq.devices import resolve
from whisq.processes import end_with_parent, side_by_side
from whisq.training.data import Data
from whisq.training.recipe import Recipe
from whisq.trials.judging import judge_trial
from whisq.trials.part import Part


@dataclass(frozen=True)
class Trial:
    """One training of a variant."""

    recipe: Recipe  # its seed also chooses the fold
    protocol: str  # how clips are split
    folds: int  # into how many parts systems or prompts are divided
    data: Path  # the pipeline's data folder
    audio: str = "audio"  # which of its embeddings of the clips
    judged: bool = True  # a search does not look at the test clips
    part: Part | None = None  # of the training clips; None: all
    answers: bool = False  # whether its record holds what everyone said of each test clip


def run(trials: Iterable[Trial], workers: int | str) -> list[dict[str, Any]]:
    """Train and judge; a trial that fails leaves a record with `error` and stops no other.

    Args:
        trials: What to train.
        workers: Processes at a time, each with one thread, or auto; 1 trains in this one.

    Returns:
        One record a trial, in their order.
    """
    trials, workers = list(trials), side_by_side(workers)
    for name in {trial.recipe.train.device for trial in trials}:
        resolve(name)  # one error now, not one a trial
    if workers == 1:
        return [attempt(trial) for trial in tqdm(trials, "trials", disable=None)]
    get_ready()
    with ProcessPoolExecutor(workers, get_context("forkserver"), end_with_parent) as pool:
        return list(tqdm(pool.map(attempt, trials), "trials", len(trials), disable=None))


def get_ready() -> None:
    """Begin the imports of the process that `run` forks its workers from; returns at once."""
    # torch._dynamo is imported by the first optimizer, which takes seconds in every worker.
    get_context("forkserver").set_forkserver_preload([__name__, "torch._dynamo"])
    forkserver.ensure_running()


def attempt(trial: Trial) -> dict[str, Any]:
    """Return a trial's `protocol`, `seed`, and what `judge_trial` measured or the `error`."""
    torch.set_num_threads(1)
    known = {"protocol": trial.protocol, "seed": trial.recipe.seed}
    started = time.perf_counter()
    try:
        measured = _train_and_judge(trial)
    except Exception:
        return known | {"error": traceback.format_exc(limit=-3)}
    return known | measured | {"seconds": round(time.perf_counter() - started, 1)}


def _train_and_judge(trial: Trial) -> dict[str, Any]:
    data, recipe = Data.open(trial.data, trial.audio), trial.recipe
    fold = nth_fold(trial.protocol, trial.folds, recipe.seed)
    split = Split(protocol=trial.protocol, folds=trial.folds, fold=fold)
    ratings = assign(data.ratings, data.clips, split)
    data = replace(
        data,
        ratings=trial.part.of(ratings, data.clips) if trial.part else ratings,
        audio=data.audio.only(recipe.model.audio_layers),
    )
    model, history = recipe.fit(data, progress=False)
    kept = history.kept()
    measured = {
        **{key: value for key, value in kept.items() if key.startswith("best_epoch")},
        "epochs": len(history.epochs),
        "weights": sum(weight.numel() for weight in model.parameters()),
        "dev_score": history.best_score,
        "dev_omq_srcc": kept["dev_omq_utt_srcc"],
        "dev_ta_srcc": kept["dev_ta_utt_srcc"],
    }
    if not trial.judged:
        return measured
    return measured | judge_trial(model, data, recipe.loss, trial.answers)
