"""Optimal transport between a clip's frames and its prompt's tokens.

Source: WhisQ (arXiv 2506.05899) trains with a Sinkhorn transport loss between the two sequences;
its cost, epsilon, iterations and weight are not published.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import normalize

from whisq.losses.sinkhorn import Transport, solve


def transport_cost(
    audio: Tensor,
    audio_mask: Tensor,
    text: Tensor,
    text_mask: Tensor,
    *,
    cost: str = "cosine",
    epsilon: float = 0.1,
    iterations: int = 100,
    tolerance: float = 1e-3,
) -> Transport:
    """Transport each clip's frames to its prompt's tokens.

    Chosen: cosine cost (0..2, so that epsilon means the same at any width), uniform weights.

    Args:
        audio: Projected frames, (batch, frames, dim).
        audio_mask: (batch, frames), True where real.
        text: Projected tokens, (batch, tokens, dim).
        text_mask: (batch, tokens), True where real.
        cost: cosine (1 - cosine) or squared (squared distance over the dimension).
        epsilon: Entropic blur in units of cost, above 0.
        iterations: Most rounds.
        tolerance: Marginal error at which to stop, 0..2 as a share of the mass.

    Returns:
        The solved problems.
    """
    costs = pairwise_cost(audio, text, cost)
    return solve(
        costs,
        uniform(audio_mask, costs.dtype),
        uniform(text_mask, costs.dtype),
        epsilon=epsilon,
        iterations=iterations,
        tolerance=tolerance,
    )


def pairwise_cost(audio: Tensor, text: Tensor, cost: str) -> Tensor:
    """Price every frame against every token.

    Args:
        audio: (batch, frames, dim).
        text: (batch, tokens, dim).
        cost: cosine (0..2) or squared (0 and above; the mean over dimensions).

    Returns:
        Costs, (batch, frames, tokens).

    Raises:
        ValueError: The cost is not one of the two.
    """
    if cost == "cosine":
        return 1 - normalize(audio, dim=2) @ normalize(text, dim=2).transpose(1, 2)
    if cost == "squared":
        squares = audio.square().sum(2).unsqueeze(2) + text.square().sum(2).unsqueeze(1)
        return (squares - 2 * audio @ text.transpose(1, 2)).clamp(min=0) / audio.shape[2]
    raise ValueError(f"cost must be cosine or squared, given {cost!r}")


def uniform(mask: Tensor, dtype: torch.dtype) -> Tensor:
    """Share one unit of mass evenly over the real steps.

    Args:
        mask: (batch, steps), True where real.
        dtype: The weights' type.

    Returns:
        Weights, (batch, steps), zero on padding.
    """
    weights = mask.to(dtype)
    return weights / weights.sum(1, keepdim=True)
