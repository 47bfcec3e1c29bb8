"""Search for `best` on dev: random draws, then more seeds for the finalists.

    python -m stages.ablations.search

Reads stages/ablations/search.yaml, writes every draw to metrics/search.csv and the winner to
metrics/search.json; put it into params.yaml as `ablations.best` and judge it by its own stage.
Test clips are not looked at.
"""

import json
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from pandas import DataFrame

from whisq import params
from whisq.training.recipe import Recipe
from whisq.trials.trial import Trial, run


def main() -> None:
    """Run the search."""
    settings = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text())
    drawn = draw(settings["space"], settings["draws"], settings["seed"])
    first = score([{}, *drawn], settings["protocols"], seeds=1)
    order = first["dev_score"].sort_values(ascending=False).index[: settings["finalists"]]
    finalists = [first["changes"][number] for number in order]
    second = score(finalists, settings["protocols"], settings["seeds"])
    best = second.loc[second["dev_score"].idxmax()]
    table = DataFrame([*first.to_dict("records"), *second.to_dict("records")])
    table["changes"] = table["changes"].map(json.dumps)
    table.to_csv("metrics/search.csv", index=False, float_format="%.4f")
    found = {"dev_score": best["dev_score"], "changes": best["changes"]}
    Path("metrics/search.json").write_text(json.dumps(found, indent=1) + "\n")
    print(json.dumps(found, indent=1))


def draw(space: dict[str, list[Any]], draws: int, seed: int) -> list[dict[str, Any]]:
    """Return random points of a space of values by dotted name: changes to params.yaml."""
    random = np.random.default_rng(seed)
    return [
        {name: values[random.integers(len(values))] for name, values in space.items()}
        for _ in range(draws)
    ]


def score(changes: list[dict[str, Any]], protocols: list[str], seeds: int) -> DataFrame:
    """Train each point with all protocols and seeds, and average its dev scores.

    Returns:
        One row a point: `changes, seeds, dev_score, dev_omq_srcc, dev_ta_srcc`, NaN if all failed.
    """
    points = []
    for change in changes:
        values = params.load(overrides=change)
        data = values.trials.folds, Path("data"), "audio_layers"
        for protocol, seed in product(protocols, range(seeds)):
            recipe = Recipe(values.model, values.loss, values.train, seed)
            points.append(Trial(recipe, protocol, *data, judged=False))
    records = DataFrame(run(points, values.trials.workers))
    records["point"] = np.repeat(np.arange(len(changes)), len(protocols) * seeds)
    means = records.groupby("point")[["dev_score", "dev_omq_srcc", "dev_ta_srcc"]].mean()
    return means.assign(changes=changes, seeds=seeds)


if __name__ == "__main__":
    main()
