"""Time the transport loss against its peers at equal marginal error; prints JSON.

Each solver runs the rounds that it needs to bring the marginal error of one batch under the
tolerance, then value and gradient to the cost are timed. `times_faster` is a peer's time over ours.
"""

import json
import time

import ot
import torch
from torch import Tensor

from whisq.losses import pairwise_cost, solve, uniform

TOLERANCE, REPEATS = 1e-3, 7
SHAPES = {
    "paper: 16 clips x 500 frames x 32 tokens": (16, 500, 32, 0.1),
    "default: 32 clips x 17 frames x 16 tokens": (32, 17, 16, 0.1),
    "small epsilon: 16 clips x 100 frames x 32 tokens": (16, 100, 32, 0.01),
}


def ours(cost: Tensor, a: Tensor, b: Tensor, epsilon: float, rounds: int) -> Tensor:
    """This project's solver."""
    return solve(cost, a, b, epsilon=epsilon, iterations=rounds, tolerance=0.0).value


def pot_batch(cost: Tensor, a: Tensor, b: Tensor, epsilon: float, rounds: int) -> Tensor:
    """POT's batched Sinkhorn on the kernel."""
    return ot.batch.solve_batch(
        cost, epsilon, a, b, rounds, 0.0, method="sinkhorn", grad="envelope"
    ).value


def pot_batch_log(cost: Tensor, a: Tensor, b: Tensor, epsilon: float, rounds: int) -> Tensor:
    """POT's batched Sinkhorn on logarithms."""
    return ot.batch.solve_batch(
        cost, epsilon, a, b, rounds, 0.0, method="log_sinkhorn", grad="envelope"
    ).value


def pot_pairs(cost: Tensor, a: Tensor, b: Tensor, epsilon: float, rounds: int) -> Tensor:
    """POT's Sinkhorn, clip by clip; the gradient is the plan."""
    values = []
    for price, frames, tokens in zip(cost, a, b, strict=True):
        method = "sinkhorn" if epsilon > 0.03 else "sinkhorn_log"
        plan = ot.sinkhorn(
            frames, tokens, price.detach(), epsilon, method, rounds, stopThr=0.0, warn=False
        )
        values.append((plan * price).sum() + epsilon * torch.xlogy(plan, plan).sum())
    return torch.stack(values)


def geomloss(cost: Tensor, a: Tensor, b: Tensor, epsilon: float, rounds: int) -> Tensor:
    """Geomloss's Sinkhorn loop without debiasing, its cost handed over."""
    from geomloss.sinkhorn_divergence import log_weights, sinkhorn_cost, sinkhorn_loop

    def soft_minimum(epsilon: float, price: Tensor, potential: Tensor) -> Tensor:
        scores = potential.unsqueeze(1) - price / epsilon
        return -epsilon * scores.logsumexp(2)

    back = cost.transpose(1, 2)
    f_aa, g_bb, g_ab, f_ba = sinkhorn_loop(
        soft_minimum, log_weights(a), log_weights(b), None, None, cost, back,
        [epsilon] * rounds, rho=None, debias=False,
    )  # fmt: skip
    return sinkhorn_cost(epsilon, None, a, b, f_aa, g_bb, g_ab, f_ba, batch=True, debias=False)


PEERS = (ours, pot_batch, pot_batch_log, pot_pairs, geomloss)


def marginal_error(
    solver, cost: Tensor, a: Tensor, b: Tensor, epsilon: float, rounds: int
) -> float:
    """Tell how far the plan of so many rounds, the value's gradient, is from its marginals."""
    cost = cost.detach().clone().requires_grad_()
    solver(cost, a, b, epsilon, rounds).sum().backward()
    rows, columns = cost.grad.sum(2) - a, cost.grad.sum(1) - b
    return float(rows.abs().sum(1).max() + columns.abs().sum(1).max())


def rounds_needed(solver, problem: tuple) -> int | None:
    """Find the fewest rounds, in steps of ten, that bring the error under the tolerance."""
    for rounds in (10, 20, 30, 50, 80, 120, 200, 400, 800, 1600):
        if marginal_error(solver, *problem, rounds) <= TOLERANCE:
            return rounds
    return None


def seconds(solver, problem: tuple, rounds: int) -> float:
    """Time value and gradient, the best of several."""
    found = []
    for _ in range(REPEATS):
        cost = problem[0].detach().clone().requires_grad_()
        started = time.perf_counter()
        solver(cost, *problem[1:], rounds).sum().backward()
        found.append(time.perf_counter() - started)
    return min(found)


def compare(clips: int, frames: int, tokens: int, epsilon: float) -> dict:
    """Time all solvers on one batch of random unit vectors, padded as a batch is."""
    torch.manual_seed(0)
    cost = pairwise_cost(torch.randn(clips, frames, 64), torch.randn(clips, tokens, 64), "cosine")
    full = torch.ones(clips, 1, dtype=torch.bool)
    a = uniform(full.expand(clips, frames), cost.dtype)
    b = uniform(full.expand(clips, tokens), cost.dtype)
    problem, report = (cost, a, b, epsilon), {}
    for solver in PEERS:
        try:
            rounds = rounds_needed(solver, problem)
        except ImportError:
            report[solver.__name__] = "not installed"
            continue
        if rounds is None:
            report[solver.__name__] = "does not reach the tolerance"
            continue
        report[solver.__name__] = {
            "rounds": rounds,
            "marginal_error": marginal_error(solver, *problem, rounds),
            "milliseconds": 1e3 * seconds(solver, problem, rounds),
        }
    base = report["ours"]["milliseconds"]
    for figures in report.values():
        if isinstance(figures, dict):
            figures["times_faster"] = figures["milliseconds"] / base
    return report


if __name__ == "__main__":
    report = {name: compare(*shape) for name, shape in SHAPES.items()}
    about = {"threads": torch.get_num_threads(), "tolerance": TOLERANCE, "dtype": "float32"}
    print(json.dumps(about | report, indent=1))
