"""Train one variant of params.yaml's `ablations` over seeds and splits: its trials as a table."""

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pandas import DataFrame

from whisq import params, stage, tracking
from whisq.corpus.card import identify
from whisq.training.recipe import Recipe
from whisq.trials.trial import Trial, get_ready, run

FOLDER = Path("metrics/ablations")


def main(name: str) -> None:
    """Train the variant of that name; one of other sections has no trials, and an empty table."""
    changes = params.changes_of(name)
    if not params.is_trained(changes):
        FOLDER.mkdir(parents=True, exist_ok=True)
        DataFrame(columns=["protocol", "seed"]).to_csv(FOLDER / f"{name}.csv", index=False)
        print(f"{name} changes what is embedded or judged: left to `make variant NAME={name}`")
        return
    get_ready()
    values = params.load(overrides=changes)
    trials = [
        Trial(
            Recipe(values.model, values.loss, values.train, seed),
            *(protocol, values.trials.folds, Path("data"), "audio_layers"),
        )
        for protocol, seeds in values.trials.seeds.items()
        for seed in range(seeds)
    ]
    train(name, changes, trials, values.trials.workers, FOLDER)


def train(
    name: str,
    changes: Mapping[str, Any],
    trials: Iterable[Trial],
    workers: int | str,
    folder: Path,
) -> None:
    """Train the trials of a network, log their means and write them as `name`.csv in a folder."""
    table = {"table": folder.name, **identify("data")}
    with tracking.variant_run(name, changes, table) as logged:
        records = DataFrame(run(trials, workers))
        means = records.groupby("protocol").mean(numeric_only=True)
        for protocol, row in means.drop(columns="seed").iterrows():
            logged.metrics({f"{protocol}/{key}": value for key, value in row.dropna().items()})
    folder.mkdir(parents=True, exist_ok=True)
    records.to_csv(folder / f"{name}.csv", index=False)
    for error in records.get("error", DataFrame()).dropna():
        print(f"FAILED {name}: {error}", file=sys.stderr)
    print(json.dumps({"variant": name, **records.mean(numeric_only=True).round(3).to_dict()}))


if __name__ == "__main__":
    stage.quieten()
    main(sys.argv[1])
