"""All variants side by side: metrics/ablations.json and metrics/ablations.csv."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pandas import DataFrame, read_csv

from whisq import params, stage, tracking
from whisq.corpus.card import identify
from whisq.model.variants import ALIGNMENT
from whisq.trials.comparison import compare, table

FOLDER, TABLE = Path("metrics/ablations"), Path("metrics/ablations.csv")
REFERENCES = ("default", "no_coattention", "challenge_baseline", "best_pooled", "best_thirds")
METRICS = (
    *(f"{level}_{axis}_srcc" for level in ("utt", "sys") for axis in ("omq", "ta")),
    *(f"utt_{axis}_{metric}" for axis in ("omq", "ta") for metric in ("mse", "lcc", "ktau")),
    *("ta_order_srcc", "ta_other_srcc", "swap", "ta_shuffled_srcc", "ot_cost_srcc"),
    *(f"{party}_{axis}_srcc" for party in ("floor", "ridge") for axis in ("omq", "ta")),
    *("dev_score", "epochs", "weights", "seconds"),
)


def main() -> None:
    """Run the stage."""
    named = {name: one.changes for name, one in params.load().ablations.items()}
    variants = dict(trials(named))
    compared = compare(variants, REFERENCES, METRICS)
    short = json.loads(json.dumps(compared), parse_float=lambda text: round(float(text), 6))
    Path("metrics/ablations.json").write_text(json.dumps(short) + "\n")
    rows = table(compared)
    learnt = identify("data")
    for place, (name, value) in enumerate(learnt.items()):
        rows.insert(place, name, value)
    rows.to_csv(TABLE, index=False, float_format="%.4f")
    tracking.table_run({"table": FOLDER.name, **learnt}).artifacts(TABLE)
    shown = rows.pivot_table("mean", ["protocol", "variant"], "metric", sort=False).round(3)
    wanted = [name for name in METRICS if name in shown and not name.endswith(("mse", "lcc"))]
    print(shown[wanted].to_string())
    for name in (name for name, changes in named.items() if not params.is_trained(changes)):
        print(f"{name}: not trained here, see `make variant NAME={name}`")


def trials(variants: Mapping[str, params.Changes]) -> Iterator[tuple[str, DataFrame]]:
    """Read the variants' trials, OMQ's figures only where a variant says something of it.

    Args:
        variants: Changes by the variant's name.

    Yields:
        Name and trials of each variant that was trained.
    """
    known = []
    for name, changes in variants.items():
        if not params.is_trained(changes) or not (FOLDER / f"{name}.csv").exists():
            continue
        found = read_csv(FOLDER / f"{name}.csv")
        quality = quality_of(params.load(overrides=changes))
        if quality in known:
            found = found.drop(columns=found.filter(regex="^(utt|sys)_omq_").columns)
        known.append(quality)
        yield name, found


def quality_of(values: params.Params) -> list[dict[str, Any]]:
    """Take the choices that OMQ is learnt by.

    Where OMQ has a projection of its own, only chance parts the OMQ of two variants that agree in
    these: other random numbers, the norm that all weights' gradients are clipped by, and the end of
    training.

    Args:
        values: With a variant's changes.

    Returns:
        Choices of `model`, `loss` and `train`.
    """
    model, loss, apart = values.model, values.loss, values.model.splits
    return [
        model.model_dump(exclude=set(ALIGNMENT) if apart else set()),
        loss.model_dump(exclude=loss.of_alignment() if apart else set()),
        values.train.model_dump(),
    ]


if __name__ == "__main__":
    stage.quieten()
    main()
