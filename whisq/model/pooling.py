"""Sequences to fewer steps or to one vector, blind to padding.

Conventions: a sequence is (batch, steps, dim) with a mask (batch, steps) that is True where the
step is real; every sequence has at least one real step.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

TINY = 1e-5


def masked_mean(sequence: Tensor, mask: Tensor) -> Tensor:
    """Average the real steps.

    Args:
        sequence: (batch, steps, dim).
        mask: (batch, steps), True where real.

    Returns:
        The means, (batch, dim).
    """
    weights = mask.to(sequence.dtype)
    total = torch.einsum("bs,bsd->bd", weights, sequence)
    return total / weights.sum(1, keepdim=True)


def masked_std(sequence: Tensor, mask: Tensor) -> Tensor:
    """Measure how far the real steps spread around their mean.

    Args:
        sequence: (batch, steps, dim).
        mask: (batch, steps), True where real.

    Returns:
        Standard deviations, (batch, dim), never quite zero, so that they have a gradient.
    """
    centred = sequence - masked_mean(sequence, mask).unsqueeze(1)
    return torch.sqrt(masked_mean(centred.square(), mask) + TINY)


def masked_max(sequence: Tensor, mask: Tensor) -> Tensor:
    """Take the largest value of each dimension over the real steps.

    Args:
        sequence: (batch, steps, dim).
        mask: (batch, steps), True where real.

    Returns:
        The maxima, (batch, dim).
    """
    return sequence.masked_fill(~mask.unsqueeze(2), -torch.inf).amax(1)


def pool_time(sequence: Tensor, mask: Tensor, factor: int) -> tuple[Tensor, Tensor]:
    """Average runs of consecutive steps; the last run averages what is left of the clip.

    Args:
        sequence: (batch, steps, dim).
        mask: (batch, steps), True where real.
        factor: Steps a run, at least 1.

    Returns:
        The shorter sequence, (batch, runs, dim), and its mask.
    """
    if factor == 1:
        return sequence, mask
    batch, steps, dim = sequence.shape
    missing = -steps % factor
    weights = nn.functional.pad(mask, (0, missing)).view(batch, -1, factor).to(sequence.dtype)
    runs = nn.functional.pad(sequence, (0, 0, 0, missing)).view(batch, -1, factor, dim)
    counts = weights.sum(2)
    means = torch.einsum("brf,brfd->brd", weights, runs) / counts.clamp(min=1).unsqueeze(2)
    return means, counts > 0


def pool_segments(sequence: Tensor, mask: Tensor, segments: int) -> Tensor:
    """Average each of so many equal parts of the real steps.

    A step that lies across a border counts for both parts by its share in each, so that a
    sequence shorter than the number of parts still fills every one.

    Args:
        sequence: (batch, steps, dim); real steps come first.
        mask: (batch, steps), True where real.
        segments: Number of parts, at least 1.

    Returns:
        The parts' means, (batch, segments, dim).
    """
    length = mask.sum(1).to(sequence.dtype).view(-1, 1, 1)
    edges = torch.arange(segments + 1, device=sequence.device) / segments
    starts = edges[:-1].view(1, -1, 1) * length
    ends = edges[1:].view(1, -1, 1) * length
    step = torch.arange(sequence.shape[1], device=sequence.device).view(1, 1, -1)
    overlap = (torch.minimum(ends, step + 1) - torch.maximum(starts, step)).clamp(min=0)
    weights = overlap / (length / segments)
    return weights @ (sequence * mask.unsqueeze(2))


class AttentionPooling(nn.Module):
    """A learnt weighted mean: each step is scored on its own, a softmax shares out the weight."""

    def __init__(self, dim: int) -> None:
        """Make the scorer.

        Args:
            dim: Width of the sequence.
        """
        super().__init__()
        self.score = nn.Sequential(nn.Linear(dim, dim), nn.Tanh(), nn.Linear(dim, 1))

    def forward(self, sequence: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Weigh and average.

        Args:
            sequence: (batch, steps, dim).
            mask: (batch, steps), True where real.

        Returns:
            The mean, (batch, dim), and the weights, (batch, steps), zero on padding.
        """
        scores = self.score(sequence).squeeze(2).masked_fill(~mask, -torch.inf)
        weights = scores.softmax(1)
        return torch.einsum("bs,bsd->bd", weights, sequence), weights


class Pooling(nn.Module):
    """One vector for a sequence, by the way that a config names.

    Chosen: the paper pools audio and does not say how.
    """

    def __init__(self, kind: str, dim: int) -> None:
        """Make the pooling.

        Args:
            kind: mean, max, attention or mean_std (twice as wide).
            dim: Width of the sequence.
        """
        super().__init__()
        self.kind = kind
        self.out_dim = 2 * dim if kind == "mean_std" else dim
        self.attention = AttentionPooling(dim) if kind == "attention" else None

    def forward(self, sequence: Tensor, mask: Tensor) -> tuple[Tensor, Tensor | None]:
        """Pool the real steps.

        Args:
            sequence: (batch, steps, dim).
            mask: (batch, steps), True where real.

        Returns:
            The vector, (batch, out_dim), and the steps' weights where the kind has any.
        """
        if self.attention is not None:
            return self.attention(sequence, mask)
        if self.kind == "max":
            return masked_max(sequence, mask), None
        mean = masked_mean(sequence, mask)
        if self.kind == "mean_std":
            return torch.cat([mean, masked_std(sequence, mask)], 1), None
        return mean, mask / mask.sum(1, keepdim=True)
