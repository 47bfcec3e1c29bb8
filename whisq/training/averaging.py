"""The mean of a network's weights over its training's steps."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import torch
from torch import nn
from torch.optim.swa_utils import get_ema_multi_avg_fn


class Averaged:
    """A network whose weights are the exponential mean of another's, the first step's taken whole.

    Source: torch's AveragedModel, which finds both networks' weights anew at each step; in small
    networks that costs more than the mean itself.

    Attributes:
        module: The network with the mean weights.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        """Copy the network.

        Args:
            model: The network in training.
            decay: Share of the mean that a step keeps, 0..1; 0 copies the weights at every step.
        """
        self.module = deepcopy(model)
        self.begun = False
        self._means = [weight.detach() for weight in self.module.parameters()]
        self._weights = [weight.detach() for weight in model.parameters()]
        self._average = get_ema_multi_avg_fn(decay)

    @torch.no_grad()
    def update(self) -> None:
        """Take in the weights of a step."""
        if self.begun:
            self._average(self._means, self._weights, None)
        else:
            for mean, weight in zip(self._means, self._weights, strict=True):
                mean.copy_(weight)
        self.begun = True

    def state_dict(self) -> dict[str, Any]:
        """Give what a checkpoint keeps.

        Returns:
            The mean weights by name.
        """
        return self.module.state_dict()

    def load_state_dict(self, weights: Mapping[str, Any]) -> None:
        """Go on from a checkpoint.

        Args:
            weights: The mean weights by name.
        """
        self.module.load_state_dict(weights)
        self.begun = True
