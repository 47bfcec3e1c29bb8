"""Optimal transport between a clip's frames and its prompt's tokens.

Symbols, as geomloss and OTT use them: `a, b` are the weights of frames and tokens (uniform over
the real steps, zero on padding), `cost` is the price of moving a unit from a frame to a token,
`epsilon` the entropic blur in units of cost, `plan` what is moved, `f, g` the dual potentials over
epsilon.

Source: Cuturi 2013 for the iterations. WhisQ (arXiv 2506.05899) trains with a Sinkhorn transport
loss between the two sequences; its cost, epsilon, iterations and weight are not published.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import normalize

KERNEL_RANGE = 60.0  # exp(-60) and the scalings that undo it are far inside float32
CHECK_EVERY = 10


@dataclass(frozen=True)
class Transport:
    """Solved problems of a batch.

    Attributes:
        value: The entropic objective <plan, cost> - epsilon * entropy(plan), (batch,), with the
            exact gradient to the cost (the plan, by the envelope theorem).
        cost: The cost of what is moved, <plan, cost>, (batch,); its gradient, too, is the plan.
        plan: What is moved, (batch, frames, tokens), zero on padding; no gradient.
        marginal_error: The most by which the plan's rows, summed over absolute differences, miss
            the frames' weights in the worst problem; columns are met exactly.
        iterations: Rounds done.
        converged: Whether the error is within the tolerance.
    """

    value: Tensor
    cost: Tensor
    plan: Tensor
    marginal_error: float
    iterations: int
    converged: bool


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


def solve(
    cost: Tensor, a: Tensor, b: Tensor, *, epsilon: float, iterations: int, tolerance: float
) -> Transport:
    """Solve a batch of entropic transport problems.

    Args:
        cost: (batch, frames, tokens), finite on padding too.
        a: Weights of the frames, (batch, frames), each row summing to one; zero on padding.
        b: Weights of the tokens, (batch, tokens), likewise.
        epsilon: Entropic blur in units of cost, above 0.
        iterations: Most rounds.
        tolerance: Marginal error at which to stop.

    Returns:
        The solved problems.

    Raises:
        ValueError: Epsilon or the iterations are not positive.
    """
    if not epsilon > 0 or iterations < 1:
        raise ValueError(
            f"epsilon and iterations must be positive, given {epsilon} and {iterations}"
        )
    with torch.no_grad():
        scaled = cost / -epsilon
        narrow = float(scaled.aminmax().min) > -KERNEL_RANGE
        sinkhorn = _in_kernel if narrow else _in_logs
        plan, error, rounds = sinkhorn(scaled, a, b, iterations, tolerance)
        entropy = -torch.xlogy(plan, plan).sum((1, 2))
    moved = (plan * cost).sum((1, 2))
    return Transport(
        value=moved - epsilon * entropy,
        cost=moved,
        plan=plan,
        marginal_error=error,
        iterations=rounds,
        converged=error <= tolerance,
    )


def _in_kernel(
    scaled: Tensor, a: Tensor, b: Tensor, iterations: int, tolerance: float
) -> tuple[Tensor, float, int]:
    # Two matrix-vector products a round on exp(-cost / epsilon): the fast road.
    kernel = scaled.exp()
    kernel_t = kernel.transpose(1, 2)
    a, b = a.unsqueeze(2), b.unsqueeze(2)
    v = torch.ones_like(b)
    error, rounds = math.inf, 0
    heard = kernel @ v
    while rounds < iterations and error > tolerance:
        for _ in range(min(CHECK_EVERY, iterations - rounds)):
            u = a / heard
            v = b / (kernel_t @ u)
            heard = kernel @ v
            rounds += 1
        error = float((u * heard - a).abs().sum(1).max())
    return u * kernel * v.transpose(1, 2), error, rounds


def _in_logs(
    scaled: Tensor, a: Tensor, b: Tensor, iterations: int, tolerance: float
) -> tuple[Tensor, float, int]:
    # The same rounds on logarithms: slower, but no epsilon is too small for it. Log of a zero
    # weight is -inf, which keeps padding at zero mass and never meets another infinity.
    log_a, log_b = a.log(), b.log()
    g = torch.where(b > 0, 0.0, -torch.inf).to(scaled.dtype)
    error, rounds = math.inf, 0
    heard = torch.logsumexp(scaled + g.unsqueeze(1), 2)
    while rounds < iterations and error > tolerance:
        for _ in range(min(CHECK_EVERY, iterations - rounds)):
            f = log_a - heard
            g = log_b - torch.logsumexp(scaled + f.unsqueeze(2), 1)
            heard = torch.logsumexp(scaled + g.unsqueeze(1), 2)
            rounds += 1
        error = float(((f + heard).exp() - a).abs().sum(1).max())
    return (f.unsqueeze(2) + scaled + g.unsqueeze(1)).exp(), error, rounds
