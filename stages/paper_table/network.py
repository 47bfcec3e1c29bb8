"""Train one network of the paper's table on the embeddings that are there, over seeds."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from stages.ablations.variant import train
from whisq import params
from whisq.store.sequences import Sequences
from whisq.training.recipe import Recipe
from whisq.trials.trial import Trial, get_ready

DATA, FOLDER = Path("data"), Path("metrics/paper_table")


def main(name: str) -> None:
    """Run the stage for a network."""
    get_ready()
    values = params.load()
    layers = Sequences.open(DATA / "embeddings/audio").layers
    changes = network(values.recipes["paper"].changes, values.paper_table.networks[name], layers)
    new = params.load(overrides=changes)
    recipes = [
        Recipe(new.model, new.loss, new.train, seed) for seed in range(values.paper_table.seeds)
    ]
    place = values.split.protocol, values.split.folds, DATA
    trials = [Trial(recipe, *place) for recipe in recipes]
    train(name, changes, trials, values.trials.workers, FOLDER)


def network(
    recipe: Mapping[str, Any], changes: Mapping[str, Any], layers: Sequence[int]
) -> dict[str, Any]:
    """Return the recipe's values of `model`, `loss` and `train`, changed, by dotted name.

    Where the recipe's audio layer is not among those that are stored, the last of them is read.
    """
    trained = {key: value for key, value in recipe.items() if key.split(".")[0] in params.TRAINED}
    if trained["model.audio_layer"] not in layers:
        trained["model.audio_layer"] = max(layers)
    return trained | dict(changes)


if __name__ == "__main__":
    main(sys.argv[1])
