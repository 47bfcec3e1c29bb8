"""Sinusoidal positions: without them attention cannot tell what came first."""

from __future__ import annotations

import math

import torch
from torch import Tensor

LONGEST = 10_000.0  # steps of the slowest wave, over 2 pi
SHARE_STEPS = 64.0  # a whole sequence, in the unit of the waves, when positions are shares


def positions(mask: Tensor, dim: int, unit: str = "steps") -> Tensor:
    """Describe where each step stands.

    Source: Vaswani et al. 2017, section 3.5, for the waves. Chosen: the paper names no positions;
    without them co-attention followed by pooling gives a clip and its reversal one score.

    Args:
        mask: (batch, steps), True where real; real steps come first.
        dim: Width of the sequence, even.
        unit: steps (from the start) or share (0 at the start, 1 at the last real step's end).

    Returns:
        Waves in -1..1, (batch, steps, dim); sines first, then cosines.
    """
    steps = torch.arange(mask.shape[1], device=mask.device, dtype=torch.float32)
    if unit == "share":
        place = (steps + 0.5) / mask.sum(1, keepdim=True) * SHARE_STEPS
    else:
        place = steps.expand(mask.shape)
    half = torch.arange(dim // 2, device=mask.device, dtype=torch.float32) / (dim // 2)
    angles = place.unsqueeze(2) * torch.exp(-math.log(LONGEST) * half)
    return torch.cat([angles.sin(), angles.cos()], 2)
