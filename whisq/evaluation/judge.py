"""The judge: a model's predictions beside floors, ceilings, intervals, and what they leave out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from whisq.evaluation.floors import FLOORS
from whisq.evaluation.intervals import intervals, share_intervals, shares
from whisq.evaluation.metrics import AXES, calibration, evaluate, known, within
from whisq.evaluation.raters import ceilings, worth

if TYPE_CHECKING:
    from pandas import DataFrame, Series

JUDGED = ("dev", "test")
PLACES = 6  # decimals that are written


@dataclass(frozen=True)
class Case:
    """What is judged.

    Attributes:
        rated: Ratings indexed by clip id: `split, system, prompt, omq, ta` (NaN where unrated) and
            raters' rows.
        predictions: The model's, of the same ids: `omq`, `ta`.
        floors: Further floors by name: predictions of the same ids.
        latent: What the listeners would agree on, where the corpus knows: `omq`, `ta`.
        order: Whether each clip's prompt is about order, where the corpus knows.
    """

    rated: DataFrame
    predictions: DataFrame
    floors: dict[str, DataFrame] = field(default_factory=dict)
    latent: DataFrame | None = None
    order: Series | None = None


def join(clips: DataFrame, ratings: DataFrame) -> DataFrame:
    """Return one row a labelled clip, in the order of `ratings`, by id, with both's columns."""
    return ratings.merge(clips, on="id", how="left", validate="1:1").set_index("id")


def judge(case: Case, corpus: str, protocol: str, resamples: int, seed: int) -> dict[str, Any]:
    """Judge a model on every held-out split.

    Args:
        case: What is judged.
        corpus: The corpus's name, so that no figure goes by another's.
        protocol: How the clips were split.
        resamples: For the intervals.
        seed: Of all draws.

    Returns:
        `corpus`, `protocol`, and for each split what `figures` gives, `ceilings` of the same form
        by name, `intervals`, `share` of the way from floor to ceiling, `within` systems and
        prompts, `calibration` and `raters_worth`.
    """
    splits = [split for split in JUDGED if (case.rated["split"] == split).any()]
    found = {split: _judge_split(case, split, resamples, seed) for split in splits}
    return {"corpus": corpus, "protocol": protocol, **rounded(found)}


def _judge_split(case: Case, split: str, resamples: int, seed: int) -> dict[str, Any]:
    result = figures(case, split)
    subsets = result.pop("subsets")
    rated, own, others = _parties(case, split)
    result["ceilings"] = {"raters": ceilings(rated, seed=seed)}
    if case.latent is not None:
        result["ceilings"]["latent_truth"] = levels(rated, case.latent.loc[rated.index])
    result["intervals"] = intervals(rated, own, resamples, seed)
    result["share"] = shares(result)
    share_intervals(result["share"], rated, own, others, resamples, seed)
    result["within"] = {"model": within(rated, own)} | {
        name: within(rated, other) for name, other in others.items()
    }
    result["subsets"] = subsets
    result["calibration"] = {axis: calibration(*known(rated[axis], own[axis])) for axis in AXES}
    result["raters_worth"] = worth(rated, own)
    return result


def figures(case: Case, split: str) -> dict[str, Any]:
    """Compare a model and the floors with the ratings of one split: what a trial's record tells.

    Args:
        case: What is judged; only this split's clips need predictions.
        split: Such as test.

    Returns:
        The model's `utt` and `sys`, `n_clips, n_systems`; `floors` of the same form by name; and
        both of the `subsets` of clips whose prompts do or do not state an order.
    """
    rated, own, others = _parties(case, split)
    subsets = {}
    if case.order is not None:
        about = case.order.loc[rated.index].astype(bool)
        subsets = {"order_prompts": about, "other_prompts": ~about}
    return _beside_floors(rated, own, others) | {
        "subsets": {
            name: _beside_floors(rated[chosen], own[chosen], others)
            for name, chosen in subsets.items()
        }
    }


def floors(case: Case, split: str) -> dict[str, DataFrame]:
    """Return a split's predictions by each floor's name, fitted on the training clips alone."""
    rated = case.rated[case.rated["split"] == split]
    train = case.rated[case.rated["split"] == "train"]
    simple = {name: floor(train, rated) for name, floor in FLOORS.items()}
    return simple | {name: table.loc[rated.index] for name, table in case.floors.items()}


def levels(
    rated: DataFrame, predictions: DataFrame, system_truth: DataFrame | None = None
) -> dict[str, Any]:
    """Return `utt` and `sys` of what `evaluate` gives."""
    result = evaluate(rated, predictions, system_truth)
    return {level: result[level] for level in ("utt", "sys")}


def rounded(value: Any) -> Any:
    """Return a nested result with plain numbers of PLACES decimals, as JSON can hold it.

    Raises:
        ValueError: A number is NaN or infinite: undefined figures must be None.
    """
    if isinstance(value, dict):
        return {key: rounded(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(part) for part in value]
    if isinstance(value, float | np.floating):
        if not np.isfinite(value):
            raise ValueError(f"a figure must be a number or None, given {value}")
        return round(float(value), PLACES)
    return int(value) if isinstance(value, np.integer) else value


def _parties(case: Case, split: str) -> tuple[DataFrame, DataFrame, dict[str, DataFrame]]:
    rated = case.rated[case.rated["split"] == split]
    return rated, case.predictions.loc[rated.index], floors(case, split)


def _beside_floors(rated: DataFrame, own: DataFrame, others: dict[str, DataFrame]) -> dict:
    found = {name: levels(rated, other.loc[rated.index]) for name, other in others.items()}
    return evaluate(rated, own) | {"floors": found}
