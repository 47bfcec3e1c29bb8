"""A trained network on clips that it has not seen: the judge's figures, in one row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from pandas import DataFrame, Series

from whisq.batch import Example, collate
from whisq.evaluation import truth
from whisq.evaluation.bench import Bench, Embedded, predict
from whisq.evaluation.floors import pooled_ridge
from whisq.evaluation.judge import Case, figures, floors, join
from whisq.evaluation.metrics import AXES, known, measure, record_of
from whisq.evaluation.prompt_probes import orders
from whisq.losses import Objective
from whisq.model.network import Network
from whisq.scores import Score
from whisq.training import loop
from whisq.training.data import ClipDataset, Data, make_loader

SPLIT = "test"
RIDGE = "pooled_ridge"
BATCH = 64  # clips that are rated at once


class Trained:
    """A network without its encoders, asked of stored sequences alone."""

    def __init__(self, model: Network) -> None:
        """Take the network."""
        self.model = model

    def score_embedded(self, clips: Sequence[Embedded]) -> list[Score]:
        """Return the scores of pairs of sequences, as `whisq.predictor.Predictor` does."""
        examples = [Example("", audio, text[0], None, None) for audio, text in clips]
        batches = (
            collate(examples[start : start + BATCH]).to(self.model.device)
            for start in range(0, len(examples), BATCH)
        )
        return [Score(*pair) for pair in loop.predict(self.model, batches).T.tolist()]


def judge_trial(
    model: Network, data: Data, objective: Objective, answers: bool = False
) -> dict[str, Any]:
    """Measure a trained network on the test split.

    Args:
        model: The network.
        data: Clips, ratings and sequences.
        objective: Whose transport settings tell the transport cost.
        answers: Whether to add `answers`, what everyone said of each test clip.

    Returns:
        `utt_<axis>_<metric>`, `sys_<axis>_<metric>`, `ta_shuffled_srcc` (each clip rated against
        another clip's prompt), `floor_<axis>_srcc` (each clip rated by its system's training
        mean; None where all systems are held out), `ridge_<axis>_srcc` (a ridge on pooled
        sequences) and, in a shared space, `ot_cost_srcc`: what a low transport cost alone tells of
        TA. Where the corpus knows its prompts also `ta_order_srcc` and `ta_other_srcc` (clips whose
        prompts do or do not state an order) and, where TA is not one number for all clips, `swap`
        of `swap_n` clips, the share that prefers the order it plays to the reversed one.
        `answers` is indexed by clip id: the ratings' own columns, `<party>_<axis>` of the model and
        each floor, and `swap`, 1 where the order was preferred, NaN where it was not asked.
    """
    dataset, raw, scorer = data.dataset(SPLIT), data.folder / "raw", Trained(model)
    rated = join(data.clips, data.ratings)
    clips, prompts = rated.loc[dataset.ids], _askable(truth.read_prompts(raw), data)
    bench = Bench(scorer, clips, data.audio, data.text, None, 0, prompts, truth.read_clips(raw))
    predictions = predict(scorer, clips, data.audio, data.text)
    about = truth.about_order(prompts, rated)
    ridge = pooled_ridge(rated, data.audio, data.text)
    case = Case(rated, predictions, {RIDGE: ridge}, order=about)
    found = figures(case, SPLIT)
    record = record_of(found) | {"ta_shuffled_srcc": _shuffled_srcc(bench)}
    for name, party in {"floor": "system_mean", "ridge": RIDGE}.items():
        levels = found["floors"][party]["utt"]
        record |= {f"{name}_{axis}_srcc": levels[axis]["srcc"] for axis in AXES if axis in levels}
    cost = _transport_costs(model, dataset, objective)
    if cost is not None:
        record["ot_cost_srcc"] = measure(*known(clips["ta"].loc[cost.index], -cost))["srcc"]
    for name, part in found["subsets"].items():
        record[f"ta_{name.removesuffix('_prompts')}_srcc"] = part["utt"]["ta"]["srcc"]
    won = _orders_won(bench, predictions)
    if len(won):
        record |= {"swap": won.mean(), "swap_n": len(won)}
    if answers:
        said = {name: table.add_prefix(f"{name}_") for name, table in floors(case, SPLIT).items()}
        own = predictions[list(AXES)].add_prefix("model_")
        record["answers"] = clips.join([*said.values(), own, won.rename("swap")])
    return record


def _orders_won(bench: Bench, predictions: DataFrame) -> Series:
    # 1 where the model prefers the order that a clip plays. Who rates no alignment prefers none.
    rows = orders(bench) if predictions["ta"].nunique() > 1 else None
    if rows is None:
        return Series(dtype=float)
    return rows.loc[rows["played"] == "asked", "won"]


def _askable(prompts: DataFrame | None, data: Data) -> DataFrame | None:
    # A reversed prompt that was not embedded can't be asked without its encoder.
    if prompts is None:
        return None
    embedded = prompts["reversed"].isin(data.text.keys)
    return prompts.assign(reversed=prompts["reversed"].where(embedded, ""))


def _shuffled_srcc(bench: Bench) -> float | None:
    # Each clip is given the next one's prompt.
    others = np.roll(bench.clips["prompt"], -1)
    shuffled = bench.alignment(zip(bench.clips.index, others, strict=True))
    return measure(*known(bench.clips["ta"], Series(shuffled)))["srcc"]


@torch.no_grad()
def _transport_costs(model: Network, dataset: ClipDataset, objective: Objective) -> Series | None:
    costs, ids = [], []
    for batch in make_loader(dataset, BATCH, device=model.device):
        output = model(*batch.inputs)
        if output.audio is None:
            return None
        costs += objective.transport(output).cost.tolist()
        ids += batch.ids
    return Series(costs, ids)
