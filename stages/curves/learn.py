"""Train at every point of the learning curves: metrics/curves.json and metrics/curves.csv."""

from __future__ import annotations

import json
from pathlib import Path

from rich.console import Console

from whisq import params, stage
from whisq.corpus.card import read_card
from whisq.show.curves import standings
from whisq.training.recipe import Recipe
from whisq.trials.curves import judge_points, learn, table
from whisq.trials.trial import get_ready

DATA, METRICS = Path("data/curves"), Path("metrics")


def main() -> str:
    """Return a line about the curves, once all points are trained and judged."""
    get_ready()
    values = params.load()
    recipe = Recipe(values.model, values.loss, values.train, values.seed)
    points = learn(recipe, values.curves, DATA)
    drawn = values.evaluate.resamples, values.evaluate.seed
    found = {"corpus": read_card(DATA / "raw")["name"]}
    found |= judge_points(values.curves.points, points, *drawn)
    text = json.dumps(found, indent=2, allow_nan=False) + "\n"
    (METRICS / "curves.json").write_text(text, encoding="utf-8")
    table(found).to_csv(METRICS / "curves.csv", index=False, float_format="%.4f")
    Console().print(standings(found))
    return f"{METRICS}/curves.json: {len(points) * values.curves.draws} trainings"


if __name__ == "__main__":
    stage.run(main)
