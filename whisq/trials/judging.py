"""A trained network on clips that it has not seen: agreement, and whether it listens at all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from pandas import DataFrame, Series, read_csv

from whisq.evaluation.floors import system_mean
from whisq.evaluation.metrics import evaluate, measure, record_of
from whisq.losses.objective import Objective
from whisq.model.network import Network
from whisq.training.data import ClipDataset, Data, make_loader
from whisq.training.loop import predict


def judge(model: Network, data: Data, objective: Objective) -> dict[str, Any]:
    """Measure a trained network on the test split.

    Args:
        model: The network.
        data: Clips, ratings and sequences.
        objective: Whose transport settings tell the transport cost.

    Returns:
        `utt_<axis>_<metric>`, `sys_<axis>_<metric>`, `ta_shuffled_srcc` (each clip rated against
        another clip's prompt), `floor_<axis>_srcc` (each clip rated by its system's training
        mean; None where all systems are held out) and, in a shared space, `ot_cost_srcc`: what a
        low transport cost alone tells of TA.
    """
    dataset = data.dataset("test")
    truth = data.ratings.set_index("id").loc[dataset.ids, ["omq", "ta"]]
    truth["system"] = data.clips.set_index("id").loc[dataset.ids, "system"]
    answer = rate(model, dataset)
    record = record_of(evaluate(truth, answer))
    others = dict(zip(dataset.ids, dataset.prompts[1:] + dataset.prompts[:1], strict=True))
    shuffled = rate(model, with_prompts(data, others))["ta"].loc[dataset.ids]
    record["ta_shuffled_srcc"] = measure(truth["ta"].to_numpy(), shuffled.to_numpy())["srcc"]
    known = data.ratings[data.ratings["split"] == "train"].merge(data.clips[["id", "system"]])
    floor = system_mean(known, truth)
    for axis in ("omq", "ta"):
        values = (column[axis].to_numpy() for column in (truth, floor))
        record[f"floor_{axis}_srcc"] = measure(*values)["srcc"]
    cost = _transport_costs(model, dataset, objective)
    if cost is not None:
        record["ot_cost_srcc"] = measure(truth["ta"].loc[cost.index], -cost)["srcc"]
    return record | order_metrics(model, data, truth["ta"], answer["ta"])


def order_metrics(model: Network, data: Data, rated: Series, predicted: Series) -> dict[str, Any]:
    """Ask whether order is heard; needs a corpus that knows its own truth.

    Args:
        model: The network.
        data: Clips, ratings and sequences.
        rated: TA by clip.
        predicted: Predicted TA by clip.

    Returns:
        `ta_order_srcc` and `ta_other_srcc` (clips whose prompts do or do not state an order) and
        `swap`: of the clips that play what was asked in the order asked, the share rated higher
        for their prompt than for the same prompt with its order reversed; without it where TA is
        one number for all clips. Empty without truth.
    """
    folder = data.folder / "raw" / "truth"
    if not (folder / "prompts.csv").exists():
        return {}
    reversal = read_csv(folder / "prompts.csv", keep_default_na=False)
    reversal = dict(zip(reversal["prompt"], reversal["reversed"], strict=True))
    prompts = data.clips.set_index("id")["prompt"].loc[rated.index].map(reversal).fillna("")
    ordered = prompts != ""
    faults = read_csv(folder / "faults.csv", keep_default_na=False)
    failed = set(faults["id"][faults["fault"].str.startswith("order_")])
    faithful = [
        key for key, prompt in prompts[ordered].items() if key not in failed and prompt in data.text
    ]
    record = {
        "ta_order_srcc": measure(rated[ordered], predicted[ordered])["srcc"],
        "ta_other_srcc": measure(rated[~ordered], predicted[~ordered])["srcc"],
    }
    if not faithful or predicted.nunique() < 2:
        return record  # who rates no alignment prefers no prompt
    backwards = rate(model, with_prompts(data, prompts.loc[faithful].to_dict()))["ta"]
    own = predicted.loc[faithful]
    return record | {"swap": float((own > backwards.loc[faithful]).mean()), "swap_n": len(faithful)}


def with_prompts(data: Data, prompts: Mapping[str, str]) -> ClipDataset:
    """Pair clips with other prompts.

    Args:
        data: Clips and sequences.
        prompts: Each clip's prompt by id.

    Returns:
        The clips, without ratings.
    """
    clips = DataFrame({"id": list(prompts), "prompt": list(prompts.values())})
    return ClipDataset(clips, None, data.audio, data.text)


def rate(model: Network, dataset: ClipDataset) -> DataFrame:
    """Predict a dataset's ratings.

    Args:
        model: The network.
        dataset: Clips and prompts.

    Returns:
        `omq` and `ta` by clip id.
    """
    loader = make_loader(dataset, 64, device=model.device)
    columns = {axis: values.double().numpy() for axis, values in predict(model, loader).items()}
    ids = [dataset.ids[index] for batch in loader.batch_sampler for index in batch]
    return DataFrame(columns, index=ids).loc[dataset.ids]


@torch.no_grad()
def _transport_costs(model: Network, dataset: ClipDataset, objective: Objective) -> Series | None:
    costs, ids = [], []
    for batch in make_loader(dataset, 64, device=model.device):
        output = model(*batch.inputs)
        if output.audio is None:
            return None
        costs += objective.transport(output).cost.tolist()
        ids += batch.ids
    return DataFrame({"cost": costs}, index=ids)["cost"]
