"""Entropic optimal transport between a clip's frames and its prompt's tokens.

Symbols, as geomloss and OTT use them: `a, b` weigh the two sides, `cost` prices a unit moved from
one to the other, `epsilon` is the entropic blur in units of cost, `plan` what is moved, `f, g` the
dual potentials over epsilon.

Source: WhisQ (arXiv 2506.05899), which publishes no setting of it; Cuturi 2013; Schmitzer 2019,
section 3, for small epsilon. Tests hold it against POT (tests/benchmarks/transport.py: 1 to 2 times
slower).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import normalize, threshold

EPSILON, ROUNDS = 0.1, 100  # what is taken where nothing else is chosen
TOLERANCE = 1e-3  # marginal error at which rounds stop, as a share of the mass
KERNEL_RANGE = 60.0  # exp(-60) and the scalings that undo it are far inside float32
BETWEEN_CHECKS = 5


@dataclass(frozen=True)
class Transport:
    """Solved problems of a batch.

    Attributes:
        value: The entropic objective <plan, cost> - epsilon * entropy(plan), (batch,), with the
            exact gradient to the cost (the plan, by the envelope theorem).
        cost: The cost of what is moved, <plan, cost>, (batch,); its gradient, too, is the plan.
        plan: What is moved, (batch, frames, tokens), zero on padding; no gradient.
        marginal_error: By how much the worst plan's rows miss the frames' weights, absolute
            differences summed; columns are met exactly.
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
    epsilon: float = EPSILON,
    iterations: int = ROUNDS,
    tolerance: float = TOLERANCE,
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
    a, b = (uniform(mask, costs.dtype) for mask in (audio_mask, text_mask))
    return solve(costs, a, b, epsilon=epsilon, iterations=iterations, tolerance=tolerance)


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
    return mask.to(dtype) / mask.to(dtype).sum(1, keepdim=True)


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
        plan, dual, error, rounds = _sinkhorn(cost / -epsilon, a, b, iterations, tolerance)
    moved = (plan * cost).sum((1, 2))
    return Transport(
        value=moved - moved.detach() + epsilon * dual,
        cost=moved,
        plan=plan,
        marginal_error=error,
        iterations=rounds,
        converged=error <= tolerance,
    )


def _sinkhorn(
    scaled: Tensor, a: Tensor, b: Tensor, iterations: int, tolerance: float
) -> tuple[Tensor, Tensor, float, int]:
    # Where costs range widely, the scalings u, v are absorbed into the potentials f, g every few
    # rounds (Schmitzer 2019, section 3): no epsilon is too small then. The first round moves a
    # potential by the logarithm of some hundred steps and no later one by more, so that the rounds
    # between two absorptions stay inside float32.
    a, b, f, g = a.unsqueeze(1), b.unsqueeze(1), torch.zeros_like(a), torch.zeros_like(b)
    low, high = scaled.aminmax()
    narrow = float(high - low) < KERNEL_RANGE
    padded = ((a > 0).transpose(1, 2) & (b > 0)).logical_not()
    if not narrow:
        f = -_largest(scaled, padded, 2)
        g = -_largest(scaled + f.unsqueeze(2), padded, 1)
    error, rounds, kernel = math.inf, 0, None
    while rounds < iterations and error > tolerance:
        if kernel is None:
            kernel = scaled.exp() if narrow else _kernel(scaled, f, g, padded)
            kernel_t, v = kernel.transpose(1, 2).contiguous(), (b > 0).to(b.dtype)
        for _ in range(min(BETWEEN_CHECKS, iterations - rounds)):
            u = a / torch.bmm(v, kernel_t)
            v = b / torch.bmm(u, kernel)
            rounds += 1
        rows = u * torch.bmm(v, kernel_t)
        error = float((rows - a).abs().sum(2).max())
        if not narrow or rounds >= iterations or error <= tolerance:
            plan = u.transpose(1, 2) * kernel * v
            f, g = f + _log(u), g + _log(v)
            kernel = None
    dual = (rows.squeeze(1) * f).sum(1) + (b.squeeze(1) * g).sum(1)
    return plan, dual, error, rounds


def _kernel(scaled: Tensor, f: Tensor, g: Tensor, padded: Tensor) -> Tensor:
    # Entries too small to change any sum are zero: arithmetic on subnormal numbers is slow. Padding
    # has no mass, whatever its kernel; ones keep it from dividing zero by zero.
    logs = (scaled + (f.unsqueeze(2) + g.unsqueeze(1))).masked_fill(padded, 0)
    least = 0.7 * math.log(torch.finfo(logs.dtype).tiny)
    return threshold(logs, least, -torch.inf).exp()


def _largest(scaled: Tensor, padded: Tensor, dim: int) -> Tensor:
    largest = scaled.masked_fill(padded, -torch.inf).amax(dim)
    return torch.where(largest > -torch.inf, largest, 0)


def _log(scaling: Tensor) -> Tensor:
    return torch.where(scaling > 0, scaling.log(), 0).squeeze(1)
