"""The training loop: seeded, stopped early, best epoch kept, resumed after an interruption."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from typing import Any

import torch
from pandas import DataFrame
from torch import nn
from tqdm import tqdm

from whisq.losses.objective import Objective
from whisq.training.checkpoints import Checkpoint
from whisq.training.history import History
from whisq.training.measuring import dev_metrics, inputs
from whisq.training.mismatches import Mismatches
from whisq.training.schedule import Schedule


def train(
    model: nn.Module,
    objective: Objective,
    batches: Callable[[int], Iterable[Any]],
    dev: Sequence[Any],
    schedule: Schedule,
    *,
    on_epoch: Callable[[dict[str, Any]], None] | None = None,
    mismatches: Mismatches | None = None,
    checkpoint: Checkpoint | None = None,
    progress: bool = True,
) -> History:
    """Train until dev no longer improves; the model ends with its best epoch's weights.

    Args:
        model: A network with its scaling fitted.
        objective: What to minimise.
        batches: The training set's batches in the order of an epoch, which it is given.
        dev: Batches to choose the epoch by.
        schedule: How long and how fast.
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
    history, best = History(), {}
    resumed = checkpoint.load(model, optimizer) if checkpoint else None
    if resumed:
        best, records = resumed
        history = History(**records)
    first = len(history.epochs)
    bar = tqdm(
        range(first, schedule.epochs), "train", schedule.epochs, initial=first, disable=not progress
    )
    for epoch in bar:
        if epoch - history.best_epoch >= schedule.patience and history.best_epoch:
            break
        started = time.perf_counter()
        steps = _one_epoch(model, objective, batches(epoch), optimizer, schedule, epoch, mismatches)
        record = _record(epoch, steps, dev_metrics(model, dev))
        record["seconds"] = time.perf_counter() - started
        _warn_if_stuck(record, objective.ot_tolerance)
        history.epochs.append(record)
        history.steps += steps
        if record["dev_score"] > history.best_score:
            history.best_score, history.best_epoch = record["dev_score"], epoch + 1
            best = {name: value.clone() for name, value in model.state_dict().items()}
        if checkpoint:
            checkpoint.save(model, best, optimizer, asdict(history))
        if on_epoch:
            on_epoch(record)
        bar.set_postfix(dev=f"{record['dev_score']:.3f}", best=history.best_epoch)
    model.load_state_dict(best)
    return history


def _one_epoch(
    model: nn.Module,
    objective: Objective,
    batches: Iterable[Any],
    optimizer: torch.optim.Optimizer,
    schedule: Schedule,
    epoch: int,
    mismatches: Mismatches | None,
) -> list[dict[str, Any]]:
    # Seeding by epoch makes dropout the same whether or not training was interrupted before it.
    torch.manual_seed(schedule.seed * 10_007 + epoch)
    model.train()
    batches, steps = list(batches), []
    for number, batch in enumerate(batches):
        rate = schedule.learning_rate * schedule.factor(epoch + (number + 1) / len(batches))
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.zero_grad()
        other = None
        if mismatches is not None:
            other = model(batch.audio, batch.audio_mask, *mismatches.draw(batch))
        loss, terms = objective(model(*inputs(batch)), batch, other)
        if not torch.isfinite(loss):
            raise ValueError(
                f"The loss must be finite; it is {loss.item()} in epoch {epoch + 1}, step "
                f"{number + 1}. Lower train.learning_rate or raise loss.ot_epsilon"
            )
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), schedule.gradient_clip)
        optimizer.step()
        values = {name: term.item() for name, term in terms.items()}
        steps.append({"epoch": epoch + 1, "learning_rate": rate, "loss": loss.item(), **values})
    return steps


def _record(
    epoch: int, steps: list[dict[str, Any]], dev: dict[str, float | None]
) -> dict[str, Any]:
    table = DataFrame(steps).drop(columns=["epoch", "learning_rate"])
    means = {f"train_{name}": float(value) for name, value in table.mean().items()}
    return {"epoch": epoch + 1, **means, **dev}


def _warn_if_stuck(record: dict[str, Any], tolerance: float) -> None:
    error = record.get("train_ot_marginal_error", 0.0)
    if error > tolerance:
        warnings.warn(
            f"Sinkhorn missed its tolerance: marginal error {error:.2g} on average in epoch "
            f"{record['epoch']}, wanted {tolerance:.2g}; raise loss.ot_iterations or ot_epsilon",
            stacklevel=3,
        )
