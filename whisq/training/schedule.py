"""How long and how fast a network learns."""

from __future__ import annotations

import math
from typing import Literal

from whisq.devices import AUTO
from whisq.section import Above0, Device, Positive, Precision, Section, Share, Weight


class Schedule(Section):
    """The section `train` of params.yaml: how long and how fast to learn.

    Chosen: AdamW and all its settings; the paper names none.

    Attributes:
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
        threads: Of the CPU; fixed, so that the weights do not depend on the machine's load.
        device: Where to learn, as `whisq.devices` names it; what is trained is evaluated there too.
        precision: What the network multiplies in while it learns, float32 or bfloat16. Inputs are
            scaled, transport and losses computed, and the network measured and used in float32.
    """

    epochs: Positive = 30
    patience: Positive = 8
    batch_size: Positive = 32
    learning_rate: Above0 = 1e-3
    weight_decay: Weight = 0.01
    gradient_clip: Above0 = 1.0
    warmup: Weight = 1.0
    decay: Literal["constant", "cosine"] = "cosine"
    averaging: Share = 0.98
    threads: Positive = 1
    device: Device = AUTO
    precision: Precision = "float32"

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
