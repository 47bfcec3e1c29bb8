"""What happened in training, step by step and epoch by epoch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pandas import DataFrame


@dataclass
class History:
    """What happened, as records.

    Attributes:
        epochs: One record an epoch: training terms, dev metrics, seconds.
        steps: One record a step: the loss and its terms.
        best_epoch: The epoch whose weights the model has, from 1.
        best_score: Its dev score: the mean of OMQ's and TA's utterance SRCC.
    """

    epochs: list[dict[str, Any]] = field(default_factory=list)
    steps: list[dict[str, Any]] = field(default_factory=list)
    best_epoch: int = 0
    best_score: float = float("-inf")

    def tables(self) -> tuple[DataFrame, DataFrame]:
        """Lay the records out.

        Returns:
            A row an epoch, and a row a step.
        """
        return DataFrame(self.epochs), DataFrame(self.steps)
