"""How long and how fast a network learns."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Schedule:
    """How long and how fast to learn.

    Chosen: AdamW and all its settings; the paper names none.

    Attributes:
        epochs: At most so many passes over the training set.
        patience: Epochs without a better dev score after which training ends.
        learning_rate: AdamW's step size.
        weight_decay: AdamW's.
        gradient_clip: Largest norm of a step's gradient.
        warmup: Epochs over which the step size rises from zero.
        decay: constant, or cosine down to zero over all the epochs.
        averaging: Share that a running mean of the weights keeps at each step; the mean is what is
            measured on dev and kept. 0 keeps the weights themselves.
        seed: Of weights, dropout and order.
        precision: What the network multiplies in while it learns, float32 or bfloat16. Inputs are
            scaled, transport and losses computed, and the network measured and used in float32.
    """

    epochs: int = 40
    patience: int = 8
    learning_rate: float = 1e-3
    weight_decay: float = 0.01
    gradient_clip: float = 1.0
    warmup: float = 1.0
    decay: str = "cosine"
    averaging: float = 0.0
    seed: int = 0
    precision: str = "float32"

    def factor(self, epoch: float) -> float:
        """Scale the step size.

        Args:
            epoch: Passes done, with fractions.

        Returns:
            0..1.
        """
        rise = min(1.0, epoch / self.warmup) if self.warmup else 1.0
        if self.decay == "constant":
            return rise
        return rise * 0.5 * (1 + math.cos(math.pi * epoch / self.epochs))
