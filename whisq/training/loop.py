"""The training loop: seeded, stopped early, best epoch kept, resumed after an interruption."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from pandas import DataFrame
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from tqdm import tqdm

from whisq.losses.objective import Objective
from whisq.losses.transport import TOLERANCE
from whisq.model.network import Network
from whisq.training.checkpoints import Checkpoint
from whisq.training.history import History, keep
from whisq.training.measuring import dev_metrics, inputs
from whisq.training.mismatches import Mismatches
from whisq.training.schedule import Schedule


def train(
    model: Network,
    objective: Objective,
    batches: Callable[[int], Collection[Any]],
    dev: Sequence[Any],
    schedule: Schedule,
    *,
    seed: int = 0,
    on_epoch: Callable[[dict[str, Any]], None] | None = None,
    mismatches: Mismatches | None = None,
    checkpoint: Checkpoint | None = None,
    progress: bool = True,
) -> History:
    """Train until dev no longer improves; the model ends with the weights that were best on dev.

    Args:
        model: A network with its scaling fitted, on the device to compute on.
        objective: What to minimise.
        batches: The training set's batches, on that device, in the order of an epoch, which it is
            given.
        dev: Batches to choose the epoch by, on that device.
        schedule: How long and how fast.
        seed: Of dropout and draws.
        mismatches: Draws other prompts, where the objective needs them.
        on_epoch: Told each epoch's record as soon as it is known.
        checkpoint: Where to go on from and to save after each epoch.
        progress: Whether to show a bar.

    Returns:
        The history, that of before an interruption included.
    """
    optimizer = torch.optim.AdamW(
        model.parameters(), schedule.learning_rate, weight_decay=schedule.weight_decay, fused=True
    )
    judged = _averaged(model, schedule.averaging)
    history, best = History(), {}
    resumed = checkpoint.load(optimizer) if checkpoint else None
    if resumed:
        weights, records = resumed
        model.load_state_dict(weights["now"])
        judged.load_state_dict(weights["judged"])
        history, best = History(**records), weights["best"]
    learner = _Learner(model, judged, objective, optimizer, schedule, seed, mismatches)
    first = len(history.epochs)
    branches = model.branches()
    epochs, hidden = schedule.epochs, None if progress else True  # None: where nobody looks
    bar = tqdm(range(first, epochs), "train", epochs, initial=first, disable=hidden)
    for epoch in bar:
        if history.idle >= schedule.patience:
            break
        started = time.perf_counter()
        steps = learner.epoch(epoch, batches(epoch))
        record = _record(epoch, steps, dev_metrics(judged.module, dev))
        record["seconds"] = time.perf_counter() - started
        _warn_if_stuck(record)
        history.steps += steps
        better = history.improved(record, branches)
        keep(best, judged.module.state_dict(), branches, better)
        if checkpoint:
            weights = {"now": model.state_dict(), "judged": judged.state_dict(), "best": best}
            checkpoint.save(weights, optimizer, asdict(history))
        if on_epoch:
            on_epoch(record)
        bar.set_postfix(dev=f"{record['dev_score']:.3f}", best=history.best_epochs)
    model.load_state_dict(best)
    return history


@dataclass(frozen=True)
class _Learner:
    model: Network
    judged: AveragedModel
    objective: Objective
    optimizer: torch.optim.Optimizer
    schedule: Schedule
    seed: int
    mismatches: Mismatches | None

    def epoch(self, epoch: int, batches: Collection[Any]) -> list[dict[str, Any]]:
        # Seeding by epoch makes dropout the same whether or not training was interrupted before.
        torch.manual_seed(self.seed * 10_007 + epoch)
        self.model.train()
        rates, values = [], []
        for number, batch in enumerate(batches, start=1):
            factor = self.schedule.factor(epoch + number / len(batches))
            rate = self.schedule.learning_rate * factor
            for group in self.optimizer.param_groups:
                group["lr"] = rate
            rates.append(rate)
            values.append(self.step(batch))
        return _steps(epoch + 1, rates, values)

    def step(self, batch: Any) -> dict[str, Tensor]:
        self.optimizer.zero_grad()
        half = self.schedule.precision == "bfloat16"
        with torch.autocast(self.model.device.type, torch.bfloat16, half):
            output, other = self.model(*inputs(batch)), None
            if self.mismatches is not None:
                other = self.model.against(batch, output, *self.mismatches.draw(batch)).float()
        loss, terms = self.objective(output.float(), batch, other)
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), self.schedule.gradient_clip)
        self.optimizer.step()
        self.judged.update_parameters(self.model)
        return {name: term.detach() for name, term in {"loss": loss, **terms}.items()}


def _steps(
    epoch: int, rates: list[float], values: list[dict[str, Tensor]]
) -> list[dict[str, float]]:
    # Read once an epoch: a GPU stands still while the CPU waits for a number.
    table = torch.stack([torch.stack(list(terms.values())) for terms in values]).tolist()
    steps = [dict(zip(values[0], row, strict=True)) for row in table]
    for number, step in enumerate(steps, start=1):
        if not math.isfinite(step["loss"]):
            raise ValueError(
                f"The loss must be finite; it is {step['loss']} in epoch {epoch}, step {number}. "
                "Lower train.learning_rate or raise loss.ot_epsilon"
            )
    return [
        {"epoch": epoch, "learning_rate": rate, **step}
        for rate, step in zip(rates, steps, strict=True)
    ]


def _averaged(model: nn.Module, decay: float) -> AveragedModel:
    # A decay of 0 copies the weights at every step: what is judged is then the network itself.
    return AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(decay))


def _record(
    epoch: int, steps: list[dict[str, Any]], dev: dict[str, float | None]
) -> dict[str, Any]:
    table = DataFrame(steps).drop(columns=["epoch", "learning_rate"])
    means = {f"train_{name}": float(value) for name, value in table.mean().items()}
    return {"epoch": epoch + 1, **means, **dev}


def _warn_if_stuck(record: dict[str, Any]) -> None:
    error = record.get("train_ot_marginal_error", 0.0)
    if error > TOLERANCE:
        warnings.warn(
            f"Sinkhorn missed its tolerance: marginal error {error:.2g} on average in epoch "
            f"{record['epoch']}, wanted {TOLERANCE:.2g}; raise loss.ot_iterations or ot_epsilon",
            stacklevel=3,
        )
