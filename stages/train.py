"""Train the network on cached embeddings: data/model, metrics/train.json, metrics/epochs.csv."""

import json
from pathlib import Path

import torch

from whisq import params, tracking
from whisq.corpus.card import read_card
from whisq.corpus.clips import read_ratings
from whisq.files import file_digest
from whisq.serving.publish import publish
from whisq.training.data import Data
from whisq.training.recipe import Recipe

MODEL, METRICS, RATINGS = Path("data/model"), Path("metrics"), Path("data/ratings.csv")
CHECKPOINTS = Path(".dvc/tmp/whisq-checkpoints")


def main() -> None:
    """Run the stage."""
    values = params.load()
    recipe = Recipe(values.model, values.loss, values.train, values.seed)
    torch.set_num_threads(values.train.threads)
    with tracking.training_run(params.pipeline(values)) as run:
        model, history = recipe.fit(
            Data.open("data"),
            checkpoints=CHECKPOINTS,
            on_epoch=lambda record: run.metrics(record, record["epoch"]),
        )
        model.save_pretrained(MODEL)
        epochs, steps = history.tables()
        METRICS.mkdir(exist_ok=True)
        # Seconds differ from run to run, and a metric that does is no metric of the model.
        epochs.drop(columns="seconds").to_csv(METRICS / "epochs.csv", index=False)
        (METRICS / "train.json").write_text(json.dumps(history.kept(), indent=2) + "\n")
        records = steps.add_prefix("step/").to_dict("records")
        run.curves(list(enumerate(records, start=1)))
        run.artifacts(METRICS / "epochs.csv", METRICS / "train.json")
        run.dataset(read_ratings(RATINGS), read_card("data/raw")["name"], RATINGS)
        digest = file_digest(RATINGS)
        print(publish(MODEL, history.best_score, digest))


if __name__ == "__main__":
    main()
