"""What a training step does not see of a sequence."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class SequenceDropout(nn.Dropout1d):
    """Drop dimensions of a sequence at all of its steps: no step can stand in for another."""

    def forward(self, sequence: Tensor) -> Tensor:
        """Drop in training.

        Args:
            sequence: (batch, steps, dim).

        Returns:
            The same shape.
        """
        return super().forward(sequence.transpose(1, 2)).transpose(1, 2)


class FrameDropout(nn.Module):
    """Hide frames from pooling: a clip is not to be known by one moment of it."""

    def __init__(self, share: float) -> None:
        """Take the share.

        Args:
            share: Of a clip's real frames, hidden on average in training, 0..1.
        """
        super().__init__()
        self.share = share

    def forward(self, mask: Tensor) -> Tensor:
        """Hide in training; a clip's luckiest real frame always stays.

        Args:
            mask: (clips, frames), True where real.

        Returns:
            The same shape, True where real and seen.
        """
        if not self.training or not self.share:
            return mask
        luck = torch.rand(mask.shape, device=mask.device).masked_fill(~mask, -1.0)
        return mask & ((luck >= self.share) | (luck == luck.amax(1, keepdim=True)))
