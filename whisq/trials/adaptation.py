"""What a number of ratings of a new generator is worth: a trained model, adapted to it.

A fold holds a family of systems out. The base learns from the others; some clips of the family are
then rated, on whole prompts of which a part chooses the epoch, and the family's other prompts tell
what the ratings have taught. Beside it stands what the same ratings teach from scratch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from pandas import DataFrame

from whisq.corpus.splits import Split, assign
from whisq.evaluation.metrics import AXES, known, measure
from whisq.model.network import Network
from whisq.training.data import Data, make_loader
from whisq.training.loop import predict
from whisq.training.recipe import Recipe

BATCH = 64  # clips that are rated at once
BASE, ADAPTED, SCRATCH = "base", "adapted", "scratch"
PARTS = 5  # of the family's prompts, one is tested; of what is rated, one chooses the epoch


def curve(
    data: Data, scratch: Recipe, adapting: Recipe, counts: Sequence[int], fold: int
) -> list[dict[str, Any]]:
    """Adapt a model to a family of systems that it never heard, by more and more rated clips.

    Args:
        data: Rated clips of all systems, and their sequences.
        scratch: How the base is trained, and the network that starts from nothing.
        adapting: How the base is trained further; its `train.start_from` is set here.
        counts: How many clips are rated, each number with those of the lower ones.
        fold: Which family is new, of `PARTS`; also the draw of clips.

    Returns:
        One record a count and network (`who`): `ratings`, `fold`, `systems`, `test_clips`, of the
        test clips `<axis>_srcc` and `<axis>_mse`, and of an adapted one `kept_base`, whether no
        epoch was better on the clips that choose. A count that the family lacks is left out.
    """
    split = Split(protocol="systems", folds=PARTS, fold=fold)
    assigned = assign(data.ratings, data.clips, split)
    family = assigned[assigned["split"] == "test"].reset_index(drop=True)
    family = assign(family, data.clips, Split(protocol="prompts", folds=PARTS, fold=0, seed=fold))
    test = family[family["split"] == "test"]
    systems = data.clips.set_index("id")["system"].loc[test["id"]].nunique()
    pool = family[family["split"] != "test"]
    order = np.random.default_rng(fold).permutation(len(pool))
    about = {"fold": fold, "systems": systems, "test_clips": len(test)}
    with TemporaryDirectory() as folder:
        base, _ = scratch.fit(replace(data, ratings=assigned), progress=False)
        base.save_pretrained(Path(folder))
        start = adapting.train.model_copy(update={"start_from": folder})
        adapting = replace(adapting, train=start)
        untouched, records = _judged(base, data, test), []
        for count in counts:
            if count > len(pool):
                continue
            ratings = _divided(pool.iloc[order[:count]], data, fold)
            own = replace(data, ratings=ratings)
            row = about | {"ratings": count}
            records.append(row | {"who": BASE} | untouched)
            for who, recipe in {ADAPTED: adapting, SCRATCH: scratch}.items():
                model, history = recipe.fit(own, progress=False)
                told = {"kept_base": not any(history.best_epochs.values())}
                records.append(
                    row
                    | {"who": who}
                    | _judged(model, data, test)
                    | (told if who == ADAPTED else {})
                )
    return records


def _divided(rated: DataFrame, data: Data, seed: int) -> DataFrame:
    # Whole prompts choose the epoch.
    how = Split(protocol="prompts", folds=PARTS, fold=0, seed=seed)
    divided = assign(rated.sort_index().reset_index(drop=True), data.clips, how)
    return divided.assign(split=divided["split"].map({"test": "dev"}).fillna("train"))


def _judged(model: Network, data: Data, test: DataFrame) -> dict[str, float | None]:
    dataset = replace(data, ratings=test).dataset("test")
    loader = make_loader(dataset, BATCH, device=model.device)
    ids = [key for batch in loader for key in batch.ids]
    with torch.no_grad():
        said = DataFrame(predict(model, loader).T.numpy(), ids, AXES)
    rated, found = test.set_index("id").loc[ids], {}
    for axis in AXES:
        scores = measure(*known(rated[axis], said[axis]))
        found |= {f"{axis}_srcc": scores["srcc"], f"{axis}_mse": scores["mse"]}
    return found
