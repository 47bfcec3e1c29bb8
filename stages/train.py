"""Train the network on cached embeddings: data/model, metrics/train.json, metrics/epochs.csv."""

import json
import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch
from pandas import read_csv
from tqdm import tqdm

from whisq import params, stage, tracking
from whisq.corpus.card import identify
from whisq.corpus.clips import read_ratings
from whisq.evaluation.metrics import AXES
from whisq.files import digest_of
from whisq.serving.promote import promote, standing
from whisq.serving.publish import publish
from whisq.training.data import Data
from whisq.training.history import ACCURACY, SRCC
from whisq.training.recipe import Recipe

DATA, MODEL, METRICS = Path("data"), Path("data/model"), Path("metrics")
RATINGS, SOUND = DATA / "ratings.csv", DATA / "embeddings/audio/index.csv"
CHECKPOINTS = Path(".dvc/tmp/whisq-checkpoints")
STEPS = "WHISQ_LOG_STEPS"  # in the environment: MLflow also gets the loss of every step
TOLD = 3  # times in a training that its progress is printed


def main() -> str:
    """Return a line about the weights that were kept, once the model is logged and registered."""
    values, learnt = params.load(), identify(DATA)
    recipe = Recipe(values.model, values.loss, values.train, values.seed)
    torch.set_num_threads(values.train.threads)
    about = tracking.About.of(values, learnt["corpus"])
    with tracking.training_run(params.pipeline(values), about) as run:
        model, history = recipe.fit(
            Data.open(DATA),
            checkpoints=CHECKPOINTS,
            on_epoch=partial(tell, run, values.train.epochs),
        )
        model.save_pretrained(MODEL)
        epochs, steps = history.tables()
        METRICS.mkdir(exist_ok=True)
        # Seconds differ from run to run, and a metric that does is no metric of the model.
        epochs.drop(columns="seconds").to_csv(METRICS / "epochs.csv", index=False)
        (METRICS / "train.json").write_text(json.dumps(history.kept(), indent=2) + "\n")
        if os.environ.get(STEPS):
            records = steps.add_prefix("step/").to_dict("records")
            run.curves(list(enumerate(records, start=1)))
        run.artifacts(METRICS / "epochs.csv", METRICS / "train.json")
        run.dataset(read_ratings(RATINGS), learnt["corpus"], RATINGS)
        facts = about.tags | {"dev_score": repr(history.best_score), "data": heard(learnt["data"])}
        address = publish(MODEL, facts, about.name)
        number = address.rpartition("/")[2]
        promote(number)
    best = ", ".join(f"{epoch} ({branch})" for branch, epoch in history.best_epochs.items())
    made = f"{MODEL}, {address} ({standing(number)})"
    return f"{made}: epoch {best} of {len(epochs)} kept; {scores(history.kept())}"


def tell(run: tracking.Run, epochs: int, record: dict[str, Any]) -> None:
    """Log an epoch, and now and then print it."""
    run.metrics(record, record["epoch"])
    if record["epoch"] % max(1, round(epochs / TOLD)) == 0 or record["epoch"] == 1:
        place = f"epoch {record['epoch']} of at most {epochs}"
        tqdm.write(f"{place}: loss {record['train_loss']:.3f}, {scores(record)}")


def scores(record: Mapping[str, Any]) -> str:
    """Return an epoch's dev scores in words."""
    by_pairs = f"dev_{AXES[0]}_{ACCURACY}" in record
    what, criterion = ("agreement with preferences", ACCURACY) if by_pairs else ("SRCC", SRCC)
    found = {axis: record[f"dev_{axis}_{criterion}"] for axis in AXES}
    told = (f"{axis.upper()} {0 if score is None else score:.2f}" for axis, score in found.items())
    return f"dev {what} {', '.join(told)}"


def heard(tables: str) -> str:
    """Return a hash of the corpus's tables, given theirs, and of every clip's sound."""
    return digest_of(tables, read_csv(SOUND, usecols=["key", "content"]).to_csv())[:12]


if __name__ == "__main__":
    stage.run(main)
