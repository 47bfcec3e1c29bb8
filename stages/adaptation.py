"""What ratings of a new generator are worth: metrics/adaptation.csv, .json and .png.

    python -m stages.adaptation

Holds a family of systems out, trains a base on the others and adapts it to the family by
`train.start_from`, with more and more rated clips, on the embeddings that are there; each fold's
family in turn. Some minutes on two cores.
"""

from __future__ import annotations

import json
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch
from pandas import DataFrame
from rich.console import Console

from whisq import params, stage
from whisq.corpus.card import identify
from whisq.evaluation.judge import rounded
from whisq.evaluation.metrics import AXES
from whisq.processes import side_by_side
from whisq.show import adaptation as shown
from whisq.show.plot import png
from whisq.training.data import Data
from whisq.training.recipe import Recipe
from whisq.trials.adaptation import ADAPTED, BASE, PARTS, curve
from whisq.trials.comparison import compare

DATA, METRICS = Path("data"), Path("metrics")
COUNTS = (25, 50, 100, 200, 400)  # rated clips
# Few clips are few steps: a running mean of the weights would hardly leave where it began.
ADAPTING: params.Changes = {
    "train.learning_rate": 0.0003,
    "train.epochs": 20,
    "train.averaging": 0.0,
    "train.batch_size": 16,
}
FIGURES = [f"{axis}_{figure}" for axis in AXES for figure in ("srcc", "mse")]


def main() -> None:
    """Run the trainings and print what came out."""
    workers = side_by_side(params.load().trials.workers)
    with ProcessPoolExecutor(workers, get_context("forkserver")) as pool:
        records = [record for part in pool.map(fold, range(PARTS)) for record in part]
    table = DataFrame(records)
    table.to_csv(METRICS / "adaptation.csv", index=False, float_format="%.4f")
    found = rounded(summary(table))
    (METRICS / "adaptation.json").write_text(json.dumps(found, indent=1) + "\n")
    sheet = png(shown.plots(found), f"A model on systems new to it ({found['corpus']})")
    (METRICS / "adaptation.png").write_bytes(sheet)
    Console().print(shown.table(found))
    for count, told in found["told"].items():
        if worse := [axis.upper() for axis in AXES if told[f"{axis}_worse"] * 2 > told["runs"]]:
            print(f"{count} rated clips made {' and '.join(worse)} worse more often than not.")


def fold(number: int) -> list[dict[str, Any]]:
    """Return the records of one family of systems."""
    torch.set_num_threads(1)
    scratch, adapting = params.load(), params.load(overrides=ADAPTING)
    recipes = [Recipe(of.model, of.loss, of.train, number) for of in (scratch, adapting)]
    layers = scratch.model.audio_layers
    data = Data.open(DATA)
    return curve(replace(data, audio=data.audio.only(layers)), *recipes, COUNTS, number)


def summary(table: DataFrame) -> dict[str, Any]:
    """Return means and differences by network and count, and how often ratings did harm.

    Args:
        table: Records of `curve`.

    Returns:
        `corpus`, `data`, `folds`; `compared`, by network and count what `compare` gives; `told`, by
        count in how many of the `runs` the base was kept (`kept_base`), and in how many SRCC on the
        test clips fell (`omq_worse`, `ta_worse`).
    """
    trials = table.rename(columns={"fold": "seed"}).assign(protocol=table["ratings"].astype(str))
    arms = {who: part for who, part in trials.groupby("who", sort=False)}
    told = {}
    for count, rows in table.groupby("ratings"):
        by = {who: part.set_index("fold") for who, part in rows.groupby("who")}
        told[str(count)] = {
            "runs": len(by[ADAPTED]),
            "kept_base": int(by[ADAPTED]["kept_base"].sum()),
            **{
                f"{axis}_worse": int((by[ADAPTED][f"{axis}_srcc"] < by[BASE][f"{axis}_srcc"]).sum())
                for axis in AXES
            },
        }
    about = {**identify(DATA), "folds": int(table["fold"].nunique())}
    return about | {"compared": compare(arms, [BASE], FIGURES), "told": told}


if __name__ == "__main__":
    stage.quieten()
    main()
