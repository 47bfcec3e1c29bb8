"""The training loop: seeded, stopped early, best epoch kept, resumed after an interruption."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import asdict, replace
from typing import Any, Literal

import torch
from pandas import DataFrame
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from tqdm import tqdm

from whisq.batch import Batch
from whisq.devices import AUTO
from whisq.evaluation.metrics import AXES, measure
from whisq.losses import TOLERANCE, Objective
from whisq.model.network import Network
from whisq.model.whisq import Output
from whisq.section import Above0, Device, Positive, Precision, Section, Share, Weight
from whisq.training.data import Mismatches
from whisq.training.history import ACCURACY, SRCC, Checkpoint, History, keep
from whisq.training.pairs import Words


class Schedule(Section):
    """The section `train` of params.yaml: how long and how fast to learn.

    Chosen: AdamW and all its settings; the paper names none.

    Attributes:
        start_from: A trained model's folder, a relative one in the project: its weights are where
            to start, its scaling stays, and what no epoch betters on dev is kept of it. None: from
            scratch.
        epochs: At most so many passes over the training set.
        patience: Epochs without a better dev score after which training ends.
        batch_size: Clips a step.
        learning_rate: AdamW's step size.
        weight_decay: AdamW's.
        gradient_clip: Largest norm of a step's gradient.
        warmup: Epochs over which the step size rises from zero.
        decay: constant, or cosine: the step size falls to zero over all the epochs.
        averaging: Share that a running mean of the weights keeps at each step; the mean is what is
            measured on dev and kept. 0 keeps the weights themselves.
        keep: The weights of the best epoch on dev, of either axis, or of the last, which no chance
            of a small dev set chooses; then patience is never lost.
        rewordings: Whether prompts are read in other words too, where the corpus has them.
        pairs: Whose preferences `loss.preference_weight` learns from: the corpus's own table of
            pairs, or those that follow from its raters' rows.
        threads: Of the CPU; fixed, so that the weights do not depend on the machine's load.
        device: Where to learn, as `whisq.devices` names it; what is trained is evaluated there too.
        precision: What the network multiplies in while it learns, float32 or bfloat16. Inputs are
            scaled, transport and losses computed, and the network measured and used in float32.
    """

    start_from: str | None = None
    epochs: Positive = 10
    patience: Positive = 8
    batch_size: Positive = 64
    learning_rate: Above0 = 1.5e-3
    weight_decay: Weight = 0.01
    gradient_clip: Above0 = 1.0
    warmup: Weight = 1.0
    decay: Literal["constant", "cosine"] = "cosine"
    averaging: Share = 0.98
    keep: Literal["best", "last"] = "best"
    rewordings: bool = False
    pairs: Literal["corpus", "raters"] = "corpus"
    threads: Positive = 1
    device: Device = AUTO
    precision: Precision = "float32"

    def factor(self, epoch: float) -> float:
        """Return what the step size is scaled by, 0..1, after so many epochs, with fractions."""
        rise = min(1.0, epoch / self.warmup) if self.warmup else 1.0
        if self.decay == "constant":
            return rise
        return rise * 0.5 * (1 + math.cos(math.pi * epoch / self.epochs))


def train(
    model: Network,
    objective: Objective,
    batches: Callable[[int], Collection[Batch]],
    dev: Sequence[Batch],
    schedule: Schedule,
    *,
    seed: int = 0,
    mismatches: Mismatches | None = None,
    words: Words | None = None,
    on_epoch: Callable[[dict[str, Any]], None] | None = None,
    checkpoint: Checkpoint | None = None,
    progress: bool = True,
) -> History:
    """Train until dev no longer improves; the model ends with the weights that were best on dev.

    Args:
        model: A network with its scaling fitted, on the device to compute on.
        objective: What to minimise.
        batches: The training set's batches of an epoch, from 0, on that device.
        dev: Batches to choose the epoch by, on that device.
        schedule: How long and how fast.
        seed: Of dropout and draws.
        mismatches: Draws other prompts, where the objective needs them.
        words: Preferences between dev's clips, where these and not ratings choose the epoch.
        on_epoch: Told each epoch's record as soon as it is known.
        checkpoint: Where to go on from and to save after each epoch.
        progress: Whether to show a bar.

    Returns:
        The history, that of before an interruption included.
    """
    optimizer = torch.optim.AdamW(
        model.parameters(), schedule.learning_rate, weight_decay=schedule.weight_decay, fused=True
    )
    # What is judged is a running mean of the weights; an averaging of 0 copies them at every step.
    judged = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(schedule.averaging))
    history, best = History(criterion=SRCC if words is None else ACCURACY), {}
    if schedule.start_from:
        better = history.begin(dev_metrics(model, dev, words), model.branches())
        keep(best, model.state_dict(), model.branches(), better)
    if checkpoint and (saved := checkpoint.load(optimizer)):
        weights, records = saved
        model.load_state_dict(weights["now"])
        judged.load_state_dict(weights["judged"])
        history, best = History(**records), weights["best"]

    def step(batch: Batch, learning_rate: float) -> dict[str, Tensor]:
        for group in optimizer.param_groups:
            group["lr"] = learning_rate
        optimizer.zero_grad()
        with torch.autocast(model.device.type, torch.bfloat16, schedule.precision == "bfloat16"):
            others = other = None
            if mismatches is not None:
                batch, others = mismatches.draw(batch, objective.other_prompts)
            output = model(*batch.inputs)
            if others is not None and objective.against_others:
                other = model.against(batch, output, others).float().T
        loss, terms = objective(_in_float32(output), batch, other)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), schedule.gradient_clip)
        optimizer.step()
        judged.update_parameters(model)
        return {name: term.detach() for name, term in {"loss": loss, **terms}.items()}

    first, hidden = len(history.epochs), None if progress else True  # None: where nobody looks
    bar = tqdm(
        range(first, schedule.epochs), "train", schedule.epochs, initial=first, disable=hidden
    )
    for epoch in bar:
        if history.idle >= schedule.patience:
            break
        started = time.perf_counter()
        # Seeding by epoch makes dropout the same whether or not training was interrupted before.
        torch.manual_seed(seed * 10_007 + epoch)
        model.train()
        learning_rates, terms, clips = [], [], batches(epoch)
        for number, batch in enumerate(clips, start=1):
            factor = schedule.factor(epoch + number / len(clips))
            learning_rates.append(schedule.learning_rate * factor)
            terms.append(step(batch, learning_rates[-1]))
        steps = _read(terms, epoch + 1)
        means = {f"train_{name}": float(mean) for name, mean in DataFrame(steps).mean().items()}
        record = {"epoch": epoch + 1, **means, **dev_metrics(judged.module, dev, words)}
        record["seconds"] = time.perf_counter() - started
        history.steps += [
            {"epoch": epoch + 1, "learning_rate": learning_rate, **values}
            for learning_rate, values in zip(learning_rates, steps, strict=True)
        ]
        better = history.improved(record, model.branches(), schedule.keep == "last")
        keep(best, judged.module.state_dict(), model.branches(), better)
        if checkpoint:
            weights = {"now": model.state_dict(), "judged": judged.state_dict(), "best": best}
            checkpoint.save(weights, optimizer, asdict(history))
        if on_epoch:
            on_epoch(record)
        bar.set_postfix(dev=f"{record['dev_score']:.3f}", best=history.best_epochs)
    _warn_if_stuck(history.epochs)
    model.load_state_dict(best)
    return history


def dev_metrics(
    model: nn.Module, dev: Iterable[Batch], words: Words | None = None
) -> dict[str, float | None]:
    """Measure a model on rated batches.

    Args:
        model: The network.
        dev: Batches with ratings; read once, since what is read is whole sequences.
        words: Preferences between their clips, if these are to be measured by.

    Returns:
        `dev_<axis>_utt_<metric>` for both axes and all metrics, None where not defined, and
        `dev_score`: the mean of the two SRCC, not defined counted as 0, an axis that no clip is
        rated on left out. With preferences also `dev_<axis>_pair_accuracy`, whose mean then is
        the score.
    """
    ids, pairs = [], []
    for batch in dev:
        ids += batch.ids
        pairs.append((_ratings(batch), predict(model, [batch])))
    rated, predicted = (torch.cat(parts, 1).double() for parts in zip(*pairs, strict=True))
    metrics: dict[str, float | None] = {}
    srcc = []
    for axis, rating, prediction in zip(AXES, rated, predicted, strict=True):
        known = ~rating.isnan()
        scores = measure(rating[known].numpy(), prediction[known].numpy())
        scores.pop("undefined", None)
        metrics |= {f"dev_{axis}_utt_{name}": value for name, value in scores.items()}
        srcc += [scores["srcc"] or 0.0] if known.any() else []
    if words is None:
        return metrics | {"dev_score": sum(srcc) / max(len(srcc), 1)}
    place = {key: number for number, key in enumerate(ids)}
    said = predicted[:, [place[key] for key in words.ids]].numpy()
    accuracy = words.accuracy(dict(zip(AXES, said, strict=True)))
    known = [share for share in accuracy.values() if share is not None]
    return (
        metrics
        | {f"dev_{axis}_{ACCURACY}": share for axis, share in accuracy.items()}
        | {"dev_score": sum(known) / max(len(known), 1)}
    )


@torch.no_grad()
def predict(model: nn.Module, batches: Iterable[Batch]) -> Tensor:
    """Return OMQ and TA of batches of clips, (2, clips), by a model in evaluation mode."""
    model.eval()
    # The rest of the output, whole sequences and maps, is let go.
    return torch.cat([_ratings(model(*batch.inputs)) for batch in batches], 1)


def _ratings(source: Batch | Output) -> Tensor:
    return torch.stack([getattr(source, axis) for axis in AXES]).cpu()


def _in_float32(output: Output) -> Output:
    computed = {name: value for name, value in vars(output).items() if value is not None}
    floats = {name: value for name, value in computed.items() if value.is_floating_point()}
    return replace(output, **{name: value.float() for name, value in floats.items()})


def _read(terms: list[dict[str, Tensor]], epoch: int) -> list[dict[str, float]]:
    # Read once an epoch: a GPU stands still while the CPU waits for a number.
    table = torch.stack([torch.stack(list(values.values())) for values in terms]).tolist()
    steps = [dict(zip(terms[0], row, strict=True)) for row in table]
    for number, step in enumerate(steps, start=1):
        if not math.isfinite(step["loss"]):
            raise ValueError(
                f"The loss must be finite; it is {step['loss']} in epoch {epoch}, step {number}. "
                "Lower train.learning_rate or raise loss.ot_epsilon"
            )
    return steps


def _warn_if_stuck(epochs: list[dict[str, Any]]) -> None:
    errors = [record.get("train_ot_marginal_error", 0.0) for record in epochs]
    stuck = [error for error in errors if error > TOLERANCE]
    if stuck:
        warnings.warn(
            f"Sinkhorn missed its tolerance in {len(stuck)} of {len(epochs)} epochs: mean marginal "
            f"error {max(stuck):.2g} in the worst, wanted {TOLERANCE:.2g}; raise "
            "loss.ot_iterations or ot_epsilon",
            stacklevel=3,
        )
