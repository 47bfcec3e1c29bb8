"""How far a training has come: its records and best epochs, and the file from which it goes on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from pandas import DataFrame
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from whisq.files import whole

BOTH = "both"
SRCC, ACCURACY = "utt_srcc", "pair_accuracy"  # of an axis, on dev
Weights = dict[str, Tensor]


@dataclass
class History:
    """Records of a training.

    A network whose two axes share no weight keeps the best epoch of each; any other keeps the best
    epoch of both. OMQ is learnt, and learnt by heart, in a few epochs, TA in many more.

    Attributes:
        epochs: One record an epoch: training terms, dev metrics, seconds.
        steps: One record a step: the loss and its terms.
        start: The dev metrics of the model that training started from, if it started from one.
        best_epochs: By branch (`omq` and `ta`, or `both`) the epoch whose weights are kept, from 1;
            0 where those that training started from are.
        best_scores: By branch its dev score then: an axis's criterion, or the two's mean.
        criterion: By which of an axis's dev metrics an epoch is the best.
    """

    epochs: list[dict[str, Any]] = field(default_factory=list)
    steps: list[dict[str, Any]] = field(default_factory=list)
    start: dict[str, Any] | None = None
    best_epochs: dict[str, int] = field(default_factory=dict)
    best_scores: dict[str, float] = field(default_factory=dict)
    criterion: str = SRCC

    @property
    def best_score(self) -> float:
        """The kept weights' dev score: the mean of the two axes' criterion."""
        return sum(self.best_scores.values()) / len(self.best_scores)

    @property
    def idle(self) -> int:
        """Epochs since any branch was last at its best; 0 before the first."""
        return len(self.epochs) - max(self.best_epochs.values(), default=len(self.epochs))

    def improved(
        self, record: Mapping[str, Any], branches: Mapping[str, Any], last: bool = False
    ) -> list[str]:
        """Return the branches that are to be kept of an epoch, which is recorded.

        Those at their best on dev, or, where it is the last epoch that is kept, all.
        """
        self.epochs.append(dict(record))
        return self._better(record, branches, last)

    def begin(self, record: Mapping[str, Any], branches: Mapping[str, Any]) -> list[str]:
        """Return the branches, all of which are at their best before the first epoch."""
        self.start = dict(record)
        return self._better(record, branches)

    def _better(
        self, record: Mapping[str, Any], branches: Mapping[str, Any], last: bool = False
    ) -> list[str]:
        better = []
        for branch in branches:
            key = "dev_score" if branch == BOTH else f"dev_{branch}_{self.criterion}"
            score = record[key] if record[key] is not None else 0.0
            if last or score > self.best_scores.get(branch, float("-inf")):
                self.best_scores[branch] = score
                self.best_epochs[branch] = len(self.epochs)
                better.append(branch)
        return better

    def kept(self) -> dict[str, Any]:
        """Return `dev_score`, and by branch `best_epoch_<branch>` and the dev metrics then."""
        found: dict[str, Any] = {"dev_score": self.best_score}
        for branch, epoch in self.best_epochs.items():
            starts = ("dev_omq", "dev_ta") if branch == BOTH else f"dev_{branch}"
            record = self.epochs[epoch - 1] if epoch else self.start
            found |= {f"best_epoch_{branch}": epoch}
            found |= {key: value for key, value in record.items() if key.startswith(starts)}
        return found

    def tables(self) -> tuple[DataFrame, DataFrame]:
        """Return the records as two tables: a row an epoch, and a row a step."""
        return DataFrame(self.epochs), DataFrame(self.steps)


def keep(
    best: Weights,
    weights: Mapping[str, Tensor],
    branches: Mapping[str, tuple[str, ...]],
    better: list[str],
) -> None:
    """Copy the weights of the branches that are at their best from `weights` into `best`.

    Branches are told by the beginnings of their weights' names; what none claims is the last's.
    """
    last = list(branches)[-1]
    for name, value in weights.items():
        owners = [branch for branch, starts in branches.items() if name.startswith(starts)]
        if (owners[0] if owners else last) in better:
            best[name] = value.clone()


class Checkpoint:
    """A training's state on disk, replaced as a whole after each epoch; never a pickle."""

    def __init__(self, folder: Path, key: str) -> None:
        """Point at the file of one training in a folder; its key names all that makes it."""
        self.path = folder / f"{key}.safetensors"

    def save(
        self,
        weights: Mapping[str, Mapping[str, Tensor]],
        optimizer: torch.optim.Optimizer,
        progress: Mapping[str, Any],
    ) -> None:
        """Write sets of weights by name, the optimiser, and what is ready for JSON."""
        sets = {f"weights/{name}": values for name, values in weights.items()}
        states = optimizer.state_dict()["state"].items()
        sets |= {f"optimizer/{index}": state for index, state in states}
        tensors = {
            f"{name}/{part}": value.detach().cpu().contiguous().clone()
            for name, values in sets.items()
            for part, value in values.items()
        }
        with whole(self.path) as unfinished:
            save_file(tensors, unfinished, metadata={"progress": json.dumps(progress)})

    def load(
        self, optimizer: torch.optim.Optimizer
    ) -> tuple[dict[str, Weights], dict[str, Any]] | None:
        """Return weights and progress, and put the optimiser back; None if nothing was saved."""
        if not self.path.exists():
            return None
        found: dict[str, dict[str, Weights]] = {"weights": {}, "optimizer": {}}
        with safe_open(self.path, "pt") as file:
            progress = json.loads(file.metadata()["progress"])
            for name in file.keys():  # noqa: SIM118 - it is no mapping
                kind, owner, part = name.split("/", 2)
                found[kind].setdefault(owner, {})[part] = file.get_tensor(name)
        state = {int(index): values for index, values in found["optimizer"].items()}
        optimizer.load_state_dict(optimizer.state_dict() | {"state": state})
        return found["weights"], progress

    def remove(self) -> None:
        """Forget the training: it has ended."""
        self.path.unlink(missing_ok=True)
