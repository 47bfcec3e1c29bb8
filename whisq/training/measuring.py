"""A network's predictions for batches, and how well they agree with the ratings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from whisq.evaluation.metrics import AXES, measure


def dev_metrics(model: nn.Module, dev: Iterable[Any]) -> dict[str, float | None]:
    """Measure a model on rated batches.

    Args:
        model: The network.
        dev: Batches with ratings.

    Returns:
        `dev_<axis>_utt_<metric>` for both axes and all metrics, None where not defined, and
        `dev_score`: the mean of the two SRCC, not defined counted as 0.
    """
    rated, predicted = [], []
    for batch in dev:  # once: what is read is whole sequences
        rated.append(torch.stack([getattr(batch, axis) for axis in AXES]).cpu())
        predicted.append(torch.stack(list(predict(model, [batch]).values())))
    pairs = zip(AXES, torch.cat(rated, 1).double(), torch.cat(predicted, 1).double(), strict=True)
    metrics: dict[str, float | None] = {}
    for axis, rating, prediction in pairs:
        scores = measure(rating.numpy(), prediction.numpy())
        scores.pop("undefined", None)
        metrics |= {f"dev_{axis}_utt_{name}": value for name, value in scores.items()}
    srcc = [metrics[f"dev_{axis}_utt_srcc"] or 0.0 for axis in AXES]
    return metrics | {"dev_score": sum(srcc) / len(srcc)}


@torch.no_grad()
def predict(model: nn.Module, batches: Iterable[Any]) -> dict[str, Tensor]:
    """Rate batches of clips.

    Args:
        model: The network; it is put into evaluation mode.
        batches: What to rate.

    Returns:
        `omq` and `ta`, each (clips,), in the batches' order.
    """
    model.eval()
    ratings = []
    for batch in batches:
        output = model(*inputs(batch))
        # The rest of the output, whole sequences and maps, is let go.
        ratings.append(torch.stack([getattr(output, axis) for axis in AXES]).cpu())
    return dict(zip(AXES, torch.cat(ratings, 1), strict=True))


def inputs(batch: Any) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Name what a network reads of a batch.

    Args:
        batch: Sequences and ratings.

    Returns:
        Audio, its mask, text, its mask.
    """
    return batch.audio, batch.audio_mask, batch.text, batch.text_mask
