"""What raters' preferences teach, beside their means: metrics/preferences.csv and .json.

    python -m stages.preferences

Trains on the embeddings that are there, whole prompts held out, once from mean ratings, once from
pairs alone (two clips of one prompt that one rater has rated both) and once from both, seed by
seed. Each is asked which of two test clips their raters preferred.
"""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from typing import Any

from pandas import DataFrame
from rich.console import Console

from whisq import params, stage
from whisq.corpus.card import identify
from whisq.evaluation.judge import rounded
from whisq.show.preferences import taught
from whisq.training.pairs import Words, from_raters
from whisq.training.recipe import Recipe
from whisq.trials.comparison import compare
from whisq.trials.trial import Trial, run

DATA, METRICS = Path("data"), Path("metrics")
PROTOCOL, SEEDS = "prompts", 5
# Contrast asks more of a clip the better its mean says that it follows its prompt.
MEANS = {"loss.contrast_weight": 0.0}
PAIRS = {**MEANS, "loss.preference_weight": 1.0, "train.pairs": "raters"}
FROM: dict[str, params.Changes] = {
    "means": MEANS,
    "pairs": {**PAIRS, "loss.mse_weight": 0.0},
    "both": PAIRS,
}
FIGURES = [f"{axis}_{figure}" for axis in ("omq", "ta") for figure in ("accuracy", "srcc")]


def main() -> None:
    """Run the trainings and print what came out.

    Raises:
        RuntimeError: A training failed.
    """
    values = {name: params.load(overrides=changes) for name, changes in FROM.items()}
    trials = [
        Trial(
            Recipe(of.model, of.loss, of.train, seed),
            *(PROTOCOL, of.trials.folds, DATA),
            answers=True,
        )
        for of, seed in product(values.values(), range(SEEDS))
    ]
    records = run(trials, values["means"].trials.workers)
    failed = [record["error"] for record in records if "error" in record]
    if failed:
        raise RuntimeError(f"{len(failed)} trainings failed, the first by {failed[0]}")
    rows = [
        {"from": name, "protocol": PROTOCOL, "seed": seed, **judged(record)}
        for (name, seed), record in zip(product(FROM, range(SEEDS)), records, strict=True)
    ]
    table = DataFrame(rows)
    table.to_csv(METRICS / "preferences.csv", index=False, float_format="%.4f")
    arms = {name: part for name, part in table.groupby("from", sort=False)}
    found = identify(DATA) | {"compared": compare(arms, ["means"], FIGURES)}
    (METRICS / "preferences.json").write_text(json.dumps(rounded(found), indent=1) + "\n")
    Console().print(taught(found))


def judged(record: dict[str, Any]) -> dict[str, Any]:
    """Return a trained model's figures on its test clips.

    Args:
        record: Of a trial, with what it said of each clip under `answers`.

    Returns:
        By axis `<axis>_accuracy` by raters' words, `<axis>_srcc` by their means; `words` and
        `seconds`.
    """
    clips = record["answers"].rename_axis("id").reset_index()
    words = Words(from_raters(clips[["id", "prompt"]], clips.drop(columns="prompt")), clips["id"])
    said = {axis: clips[f"model_{axis}"].to_numpy() for axis in ("omq", "ta")}
    accuracy = {f"{axis}_accuracy": share for axis, share in words.accuracy(said).items()}
    srcc = {f"{axis}_srcc": record[f"utt_{axis}_srcc"] for axis in ("omq", "ta")}
    return {**accuracy, **srcc, "words": len(words), "seconds": record["seconds"]}


if __name__ == "__main__":
    stage.quieten()
    main()
