"""Stage unseen: what the model is worth on systems, on prompts and on both that it never met."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from pandas import DataFrame

import whisq.params
from whisq import stage, tracking
from whisq.corpus.card import read_card
from whisq.corpus.clips import read_ratings
from whisq.evaluation.metrics import AXES
from whisq.files import tell
from whisq.show import unseen as shown
from whisq.training.recipe import Recipe
from whisq.trials.trial import Trial, get_ready, run
from whisq.trials.unseen import unseen

DATA, METRICS = Path("data"), Path("metrics")


def main() -> str:
    """Return a line about the figures, once each fold's model is trained and judged."""
    get_ready()
    params, corpus = whisq.params.load(), read_card(DATA / "raw")["name"]
    about = tracking.About.of(params, corpus)
    with tracking.unseen_run(whisq.params.pipeline(params), about) as logged:
        rated = read_ratings(DATA / "ratings.csv")[list(AXES)].notna().any(axis=None)
        if not rated:
            tell("No clip is rated: nothing to judge unseen systems and prompts by.")
        protocols = params.unseen.protocols if rated else []
        folds = answers(params, protocols)
        judged = unseen(folds, params.evaluate.resamples, params.evaluate.seed)
        found = {"unseen": {"corpus": corpus, "protocols": judged}}
        found["unseen_headline"] = numbers = shown.headline(found["unseen"])
        for name, value in found.items():
            text = json.dumps(value, indent=2, allow_nan=False) + "\n"
            (METRICS / f"{name}.json").write_text(text, encoding="utf-8")
        logged.metrics(numbers)
        logged.artifacts(*(METRICS / f"{name}.json" for name in found))
        if judged:
            logged.note(shown.note(found["unseen"]))
            print(shown.said(found["unseen"]))
    return f"{METRICS}/unseen.json: {sum(map(len, folds.values()))} trainings"


def answers(params: whisq.params.Params, protocols: Sequence[str]) -> dict[str, list[DataFrame]]:
    """Train a model for each fold of each protocol.

    Returns:
        By protocol what everyone said of each fold's test clips, as `judge_trial` of
        `whisq.trials.judging` tells it.

    Raises:
        RuntimeError: A training failed.
    """
    count = params.unseen.folds
    # The seed also chooses the fold: from a multiple of the folds on, each is tested once.
    seeds = range(params.seed * count, (params.seed + 1) * count)
    trials = [
        Trial(recipe, protocol, count, DATA, answers=True)
        for protocol in protocols
        for recipe in (Recipe(params.model, params.loss, params.train, seed) for seed in seeds)
    ]
    records = run(trials, params.unseen.workers) if trials else []
    failed = [record["error"] for record in records if "error" in record]
    if failed:
        raise RuntimeError(
            f"{len(failed)} of {len(trials)} trainings failed, the first by {failed[0]}"
        )
    found: dict[str, list[DataFrame]] = {protocol: [] for protocol in protocols}
    for record in records:
        found[record["protocol"]].append(record["answers"])
    return found


if __name__ == "__main__":
    stage.run(main)
