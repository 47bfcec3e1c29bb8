"""What happened in training: step by step, epoch by epoch, and which epochs were best."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pandas import DataFrame
from torch import Tensor

BOTH = "both"


@dataclass
class History:
    """Records of a training.

    A network whose two axes share no weight keeps the best epoch of each; any other keeps the best
    epoch of both. OMQ is learnt, and learnt by heart, in a few epochs, TA in many more.

    Attributes:
        epochs: One record an epoch: training terms, dev metrics, seconds.
        steps: One record a step: the loss and its terms.
        best_epochs: By branch (`omq` and `ta`, or `both`) the epoch whose weights are kept, from 1.
        best_scores: By branch its dev score then: an axis's utterance SRCC, or the two's mean.
    """

    epochs: list[dict[str, Any]] = field(default_factory=list)
    steps: list[dict[str, Any]] = field(default_factory=list)
    best_epochs: dict[str, int] = field(default_factory=dict)
    best_scores: dict[str, float] = field(default_factory=dict)

    @property
    def best_score(self) -> float:
        """The kept weights' dev score: the mean of the two axes' utterance SRCC."""
        return sum(self.best_scores.values()) / len(self.best_scores)

    @property
    def idle(self) -> int:
        """Epochs since any branch was last at its best; 0 before the first."""
        return len(self.epochs) - max(self.best_epochs.values(), default=len(self.epochs))

    def improved(self, record: Mapping[str, Any], branches: Mapping[str, Any]) -> list[str]:
        """Take an epoch's record and tell which branches are at their best.

        Args:
            record: The epoch's record.
            branches: The network's branches by name.

        Returns:
            Names of the branches whose weights are to be kept.
        """
        self.epochs.append(dict(record))
        better = []
        for branch in branches:
            key = "dev_score" if branch == BOTH else f"dev_{branch}_utt_srcc"
            score = record[key] if record[key] is not None else 0.0
            if score > self.best_scores.get(branch, float("-inf")):
                self.best_scores[branch] = score
                self.best_epochs[branch] = len(self.epochs)
                better.append(branch)
        return better

    def kept(self) -> dict[str, Any]:
        """Describe the kept weights.

        Returns:
            `best_epoch_<branch>`, `dev_score`, and of each axis the dev metrics of its best epoch.
        """
        found: dict[str, Any] = {"dev_score": self.best_score}
        for branch, epoch in self.best_epochs.items():
            starts = ("dev_omq", "dev_ta") if branch == BOTH else f"dev_{branch}"
            record = self.epochs[epoch - 1]
            found |= {f"best_epoch_{branch}": epoch}
            found |= {key: value for key, value in record.items() if key.startswith(starts)}
        return found

    def tables(self) -> tuple[DataFrame, DataFrame]:
        """Lay the records out.

        Returns:
            A row an epoch, and a row a step.
        """
        return DataFrame(self.epochs), DataFrame(self.steps)


def keep(
    best: dict[str, Tensor],
    weights: Mapping[str, Tensor],
    branches: Mapping[str, tuple[str, ...]],
    better: list[str],
) -> None:
    """Copy the weights of the branches that are at their best.

    Args:
        best: The kept weights by name; changed.
        weights: The weights of now by name.
        branches: Beginnings of the weights' names by branch; what no branch claims belongs to the
            last.
        better: The branches to copy.
    """
    last = list(branches)[-1]
    for name, value in weights.items():
        owners = [branch for branch, starts in branches.items() if name.startswith(starts)]
        if (owners[0] if owners else last) in better:
            best[name] = value.clone()
