"""Floors: what a predictor scores that never listens. A model is worth what it adds to them.

Source: MusicEval's official split is random by clip, so that every test system is in train; its
systems' training means alone reach a system-level SRCC of 0.976 (OMQ) and 0.936 (TA) on test.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from whisq.evaluation.metrics import AXES

if TYPE_CHECKING:
    from pandas import DataFrame


def global_mean(train: DataFrame, truth: DataFrame) -> DataFrame:
    """Predict every clip by the mean of all training clips.

    Args:
        train: Training ratings indexed by clip id: `omq`, `ta`, MOS units.
        truth: The clips to predict, indexed by clip id.

    Returns:
        Predictions indexed as `truth`, one column an axis.
    """
    axes = _axes(train)
    return truth[[]].assign(**train[axes].mean().to_dict())


def system_mean(train: DataFrame, truth: DataFrame) -> DataFrame:
    """Predict each clip by its system's training mean; an unseen system by the global mean.

    Args:
        train: Training ratings indexed by clip id: `system`, `omq`, `ta`, MOS units.
        truth: The clips to predict, indexed by clip id: `system`.

    Returns:
        Predictions indexed as `truth`, one column an axis.
    """
    return _group_mean(train, truth, "system")


def prompt_mean(train: DataFrame, truth: DataFrame) -> DataFrame:
    """Predict each clip by its prompt's training mean; an unseen prompt by the global mean.

    Args:
        train: Training ratings indexed by clip id: `prompt`, `omq`, `ta`, MOS units.
        truth: The clips to predict, indexed by clip id: `prompt`.

    Returns:
        Predictions indexed as `truth`, one column an axis.
    """
    return _group_mean(train, truth, "prompt")


def gold_omq(train: DataFrame, truth: DataFrame) -> DataFrame:
    """Predict TA by the clip's own OMQ rating: what TA says that quality does not is above this.

    Args:
        train: Training ratings; not looked at.
        truth: The clips to predict, indexed by clip id, with their `omq` ratings.

    Returns:
        Predictions of `ta`, indexed as `truth`.
    """
    return truth[["omq"]].rename(columns={"omq": "ta"})


FLOORS: dict[str, Callable[[DataFrame, DataFrame], DataFrame]] = {
    "global_mean": global_mean,
    "system_mean": system_mean,
    "prompt_mean": prompt_mean,
    "gold_omq": gold_omq,
}


def _group_mean(train: DataFrame, truth: DataFrame, group: str) -> DataFrame:
    axes = _axes(train)
    means = train.groupby(group)[axes].mean().reindex(truth[group]).set_axis(truth.index)
    return means.fillna(train[axes].mean())


def _axes(table: DataFrame) -> list[str]:
    return [axis for axis in AXES if axis in table]
