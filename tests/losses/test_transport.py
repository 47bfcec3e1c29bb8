import math

import numpy as np
import ot
import pytest
import torch

from whisq.losses import pairwise_cost, solve, transport_cost, uniform


def random(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


@pytest.fixture
def problem():
    audio_mask = torch.ones(3, 7, dtype=torch.bool)
    text_mask = torch.ones(3, 5, dtype=torch.bool)
    audio_mask[1, 4:] = False
    audio_mask[2, 5:] = False
    text_mask[2, 2:] = False
    return random(3, 7, 4), audio_mask, random(3, 5, 4, seed=1), text_mask


def exact(problem, **options):
    return transport_cost(*problem, **{"iterations": 5000, "tolerance": 1e-12} | options)


@pytest.mark.parametrize("epsilon", [0.5, 0.1, 0.05])
@pytest.mark.parametrize("cost", ["cosine", "squared"])
def test_plan_and_values_equal_pot_pair_by_pair(problem, epsilon, cost):
    audio, audio_mask, text, text_mask = problem
    solved = exact(problem, epsilon=epsilon, cost=cost)
    costs = pairwise_cost(audio, text, cost)
    for clip in range(3):
        frames, tokens = audio_mask[clip], text_mask[clip]
        price = costs[clip][frames][:, tokens].numpy()
        a, b = ot.unif(price.shape[0]), ot.unif(price.shape[1])
        plan = ot.sinkhorn(a, b, price, epsilon, method="sinkhorn_log", stopThr=1e-13)
        entropy = -np.sum(plan * np.log(plan))
        ours = solved.plan[clip][frames][:, tokens].numpy()
        np.testing.assert_allclose(ours, plan, atol=1e-6)
        np.testing.assert_allclose(solved.cost[clip], np.sum(plan * price), atol=1e-6)
        np.testing.assert_allclose(
            solved.value[clip], np.sum(plan * price) - epsilon * entropy, atol=1e-6
        )


def test_the_batched_solver_of_pot_agrees(problem):
    audio, audio_mask, text, text_mask = problem
    costs = pairwise_cost(audio, text, "cosine")
    a, b = uniform(audio_mask, torch.float64), uniform(text_mask, torch.float64)
    reference = ot.batch.solve_batch(costs, reg=0.1, a=a, b=b, max_iter=3000, tol=1e-13)
    torch.testing.assert_close(exact(problem).plan, reference.plan, atol=1e-6, rtol=0)


@pytest.mark.parametrize("epsilon", [0.1, 0.01])
def test_the_plan_meets_its_marginals_and_leaves_padding_empty(problem, epsilon):
    _, audio_mask, _, text_mask = problem
    solved = exact(problem, epsilon=epsilon, tolerance=1e-9)
    assert solved.marginal_error <= 1e-9
    torch.testing.assert_close(solved.plan.sum(2), uniform(audio_mask, torch.float64))
    torch.testing.assert_close(solved.plan.sum(1), uniform(text_mask, torch.float64))
    assert solved.plan[1, 4:].abs().max() == 0
    assert solved.plan[2, :, 2:].abs().max() == 0


def test_padding_changes_no_value(problem):
    audio, audio_mask, text, text_mask = problem
    longer = (
        torch.cat([audio, random(3, 9, 4, seed=5) * 10], 1),
        torch.cat([audio_mask, torch.zeros(3, 9, dtype=torch.bool)], 1),
        torch.cat([text, random(3, 4, 4, seed=6) * 10], 1),
        torch.cat([text_mask, torch.zeros(3, 4, dtype=torch.bool)], 1),
    )
    torch.testing.assert_close(exact(longer).value, exact(problem).value)


def test_the_kernel_and_the_logarithms_are_one_road(problem):
    audio, audio_mask, text, text_mask = problem
    cost = pairwise_cost(audio, text, "cosine")
    a, b = uniform(audio_mask, torch.float64), uniform(text_mask, torch.float64)
    settings = {"iterations": 5000, "tolerance": 1e-12}
    plain = solve(cost, a, b, epsilon=0.1, **settings)
    # One padded pair at a price beyond the kernel's range sends the batch the other way.
    cost[1, 6, 0] = 100
    logs = solve(cost, a, b, epsilon=0.1, **settings)
    torch.testing.assert_close(logs.plan, plain.plan)


def test_a_tiny_epsilon_in_float32_gives_the_exact_assignment():
    points = torch.eye(4).unsqueeze(0)
    shuffled = points[:, [2, 0, 3, 1]]
    mask = torch.ones(1, 4, dtype=torch.bool)
    solved = transport_cost(points, mask, shuffled, mask, epsilon=1e-3, tolerance=1e-5)
    torch.testing.assert_close(solved.cost, torch.zeros(1), atol=1e-5, rtol=0)
    assert solved.plan[0, 0, 1] == pytest.approx(0.25, abs=1e-5)


def test_a_large_epsilon_moves_everything_everywhere(problem):
    solved = exact(problem, epsilon=1e6)
    torch.testing.assert_close(
        solved.plan[0], torch.full((7, 5), 1 / 35, dtype=torch.float64), atol=1e-6, rtol=0
    )


def test_transport_is_symmetric(problem):
    audio, audio_mask, text, text_mask = problem
    back = exact((text, text_mask, audio, audio_mask))
    torch.testing.assert_close(back.value, exact(problem).value)


def test_one_step_to_one_step_costs_their_distance():
    audio, text = torch.tensor([[[1.0, 0.0]]]), torch.tensor([[[1.0, 1.0]]])
    mask = torch.ones(1, 1, dtype=torch.bool)
    solved = transport_cost(audio, mask, text, mask)
    assert solved.cost.item() == pytest.approx(1 - math.sqrt(0.5))
    assert transport_cost(audio, mask, text, mask, cost="squared").cost.item() == 0.5


@pytest.mark.parametrize("epsilon", [0.3, 0.1])
def test_the_values_gradient_is_that_of_finite_differences(epsilon):
    audio_mask = torch.tensor([[True, True, True], [True, True, False]])
    text_mask = torch.tensor([[True, False], [True, True]])

    def value(audio, text):
        return exact((audio, audio_mask, text, text_mask), epsilon=epsilon).value

    sides = random(2, 3, 2).requires_grad_(), random(2, 2, 2, seed=1).requires_grad_()
    assert torch.autograd.gradcheck(value, sides, eps=1e-6, atol=1e-6)


def test_too_few_rounds_are_told():
    mask = torch.ones(1, 30, dtype=torch.bool)
    sides = random(1, 30, 3, dtype=torch.float32), mask, random(1, 30, 3, seed=1).float(), mask
    hasty = transport_cost(*sides, epsilon=0.05, iterations=1, tolerance=1e-6)
    assert hasty.marginal_error > 1e-6
    patient = transport_cost(*sides, epsilon=0.05, iterations=2000, tolerance=1e-4)
    assert patient.marginal_error <= 1e-4


def test_rounds_stop_at_the_tolerance(problem):
    early, late = (exact(problem, tolerance=tolerance) for tolerance in (1e-2, 1e-6))
    assert 1e-6 < early.marginal_error <= 1e-2
    assert late.marginal_error <= 1e-6
