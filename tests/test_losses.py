import math
from types import SimpleNamespace

import numpy as np
import ot
import pytest
import torch
from scipy.stats import entropy

from whisq.losses import (
    SIGMA,
    Objective,
    contrast,
    mismatch,
    pairwise_cost,
    preference,
    ranking,
    rater_distribution,
    soft_labels,
    solve,
    transport_cost,
    transport_term,
    uniform,
)


@pytest.fixture
def output():
    torch.manual_seed(0)
    centres = torch.linspace(1, 5, 9)
    return SimpleNamespace(
        omq=torch.rand(4) * 4 + 1,
        ta=torch.rand(4) * 4 + 1,
        omq_logits=torch.randn(4, 9),
        ta_logits=torch.randn(4, 9),
        centres=centres,
        audio=torch.randn(4, 6, 8, requires_grad=True),
        audio_mask=torch.ones(4, 6, dtype=torch.bool),
        text=torch.randn(4, 5, 8, requires_grad=True),
        text_mask=torch.ones(4, 5, dtype=torch.bool),
    )


@pytest.fixture
def batch():
    shares = torch.eye(5)[:4]
    return SimpleNamespace(
        omq=torch.tensor([1.0, 2.0, 3.0, 4.0]),
        ta=torch.tensor([4.0, 1.0, 2.0, 5.0]),
        omq_raters=shares,
        ta_raters=shares,
        pairs=torch.tensor([[0, 1], [2, 1], [3, 0], [1, 3]]),
        omq_preferred=torch.tensor([1.0, 0.0, 0.5, 1.0]),
        ta_preferred=torch.tensor([0.0, torch.nan, 1.0, 1.0]),
    )


NOTHING = dict.fromkeys(("mse_weight", "contrast_weight", "ot_weight"), 0.0)


def only(**weights):
    return Objective(**NOTHING | weights)


@pytest.mark.parametrize(
    "term", ["mse", "mae", "soft_label", "rater", "ranking", "preference", "ot"]
)
def test_a_weight_scales_its_term_and_no_other_is_computed(output, batch, term):
    total, terms = only(**{f"{term}_weight": 3.0})(output, batch)
    assert [name for name in terms if name in Objective().weights()] == [term]
    torch.testing.assert_close(total, 3 * terms[term])


def test_the_total_is_the_sum_of_weighted_terms(output, batch):
    total, terms = only(mse_weight=2.0, ot_weight=0.5)(output, batch)
    torch.testing.assert_close(total, 2 * terms["mse"] + 0.5 * terms["ot"])
    assert terms["ot_marginal_error"].item() <= 1e-3


def test_both_axes_count(output, batch):
    _, terms = only(mse_weight=1.0)(output, batch)
    expected = (output.omq - batch.omq).square().mean() + (output.ta - batch.ta).square().mean()
    torch.testing.assert_close(terms["mse"], expected)


def test_plain_transport_pulls_both_sides_together(output, batch):
    total, _ = only(ot_weight=1.0, ot_form="plain")(output, batch)
    total.backward()
    with torch.no_grad():
        output.audio -= 0.5 * output.audio.grad
        output.text -= 0.5 * output.text.grad
    assert only(ot_weight=1.0)(output, batch)[0] < total


def test_rated_transport_wants_the_cost_that_the_rating_says():
    solved = SimpleNamespace(cost=torch.tensor([0.0, 1.0, 0.5]))
    assert transport_term(solved, torch.tensor([5.0, 1.0, 3.0]), "rated").item() == 0
    assert transport_term(solved, torch.tensor([1.0, 1.0, 3.0]), "rated").item() > 0


def test_ranked_transport_wants_better_pairs_cheaper():
    ta = torch.tensor([5.0, 1.0])
    right = transport_term(SimpleNamespace(cost=torch.tensor([0.1, 0.9])), ta, "ranked")
    wrong = transport_term(SimpleNamespace(cost=torch.tensor([0.9, 0.1])), ta, "ranked")
    assert right < wrong


def test_a_better_own_prompt_lowers_the_mismatch(output, batch):
    term = only(mismatch_weight=1.0)
    other, lower = (output.ta.unsqueeze(1) - fall for fall in (0.5, 2.0))
    assert term(output, batch, other)[0].item() == pytest.approx(0.5)
    assert term(output, batch, lower)[0].item() == 0


@pytest.mark.parametrize("lead", [-3.0, 0.0, 0.5, 2.0])
def test_a_preference_costs_what_bradley_and_terry_give_it(lead):
    prediction, pair = torch.tensor([3.0 + lead, 3.0]), torch.tensor([[0, 1]])
    won, lost, tied = (
        preference(prediction, pair, torch.tensor([share])).item() for share in (1.0, 0.0, 0.5)
    )
    assert won == pytest.approx(math.log(1 + math.exp(-lead)), abs=1e-6)
    assert lost == pytest.approx(math.log(1 + math.exp(lead)), abs=1e-6)
    assert tied == pytest.approx((won + lost) / 2, abs=1e-6)


def test_preferences_have_the_gradient_of_finite_differences():
    prediction = torch.tensor([2.0, 3.5, 4.0], dtype=torch.float64, requires_grad=True)
    pairs = torch.tensor([[0, 1], [1, 2], [2, 0], [0, 2]])
    preferred = torch.tensor([1.0, 0.0, 0.5, torch.nan], dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda each: preference(each, pairs, preferred), prediction)


def test_the_level_of_predictions_is_none_of_a_preferences_business(output, batch):
    term = only(preference_weight=1.0)
    before, _ = term(output, batch)
    output.omq += 1
    torch.testing.assert_close(term(output, batch)[0], before)


@pytest.mark.parametrize("term", ["mismatch", "contrast"])
def test_a_term_against_other_prompts_without_them_says_what_it_is_given(output, batch, term):
    with pytest.raises(ValueError, match=rf"loss\.{term}_weight.*against other prompts"):
        only(**{f"{term}_weight": 1.0})(output, batch)


def test_words_on_another_axis_or_none_teach_nothing(output, batch):
    output.omq.requires_grad_()
    batch.omq_preferred = torch.full((4,), torch.nan)
    batch.ta_preferred = batch.ta_preferred[:0]
    assert preference(output.omq, batch.pairs, batch.omq_preferred).item() == 0
    assert preference(output.omq, batch.pairs[:0], batch.ta_preferred).item() == 0


def test_transport_without_a_shared_space_says_what_to_set(output, batch):
    output.audio = None
    with pytest.raises(ValueError, match=r"set loss\.ot_weight to 0"):
        only(ot_weight=1.0)(output, batch)


def test_an_axis_that_is_not_rated_adds_nothing(output, batch):
    _, both = only(soft_label_weight=1.0)(output, batch)
    output.ta_logits = None
    _, one = only(soft_label_weight=1.0)(output, batch)
    assert 0 < one["soft_label"] < both["soft_label"]


@pytest.mark.parametrize("name", ["soft_label", "rater"])
def test_a_distribution_loss_without_bins_says_what_to_set(output, batch, name):
    output.omq_logits = output.ta_logits = output.centres = None
    with pytest.raises(ValueError, match=r"set model\.bins"):
        only(**{f"{name}_weight": 1.0})(output, batch)


WRONG = [{"mse_weight": -1.0}, NOTHING, {"ot_form": "odd"}]
WRONG += [{"ot_epsilon": 0.0}, {"ot_iterations": 0}, {"ot_cost": "manhattan"}]


@pytest.mark.parametrize("wrong", WRONG)
def test_impossible_settings_are_refused(wrong):
    with pytest.raises(ValueError, match=r"above 0|greater than|'plain'|'cosine'"):
        Objective(**wrong)


CENTRES = torch.linspace(1, 5, 9)


def test_soft_labels_ask_for_a_gaussian_around_the_rating():
    gaussian = torch.exp(-((CENTRES - 3.2) ** 2) / (2 * SIGMA**2)).log().unsqueeze(0)
    loss = soft_labels(gaussian, CENTRES, torch.tensor([3.2]))
    assert loss.item() == pytest.approx(0, abs=1e-6)


def test_soft_labels_are_a_divergence_from_target_to_prediction():
    logits = torch.arange(9.0).unsqueeze(0) / 4
    target = torch.exp(-((CENTRES - 2.0) ** 2) / (2 * SIGMA**2))
    loss = soft_labels(logits, CENTRES, torch.tensor([2.0]))
    assert loss.item() == pytest.approx(entropy(target, logits.softmax(1)[0]), rel=1e-5)


def test_raters_distribution_falls_on_the_nearest_bins():
    shares = torch.tensor([[0.2, 0.0, 0.6, 0.0, 0.2]])
    target = torch.zeros(9)
    target[[0, 4, 8]] = torch.tensor([0.2, 0.6, 0.2])
    logits = (target + 1e-9).log().unsqueeze(0)
    loss = rater_distribution(logits, CENTRES, shares)
    assert loss.item() == pytest.approx(0, abs=1e-5)


def test_a_mark_between_two_bins_keeps_the_raters_mean():
    centres = torch.linspace(1, 5, 4)
    shares = torch.tensor([[0.0, 0.4, 0.4, 0.2, 0.0]])
    logits = torch.zeros(1, 4, requires_grad=True)
    rater_distribution(logits, centres, shares).backward()
    # The divergence's gradient is the prediction, even here, less the target.
    target = 0.25 - logits.grad[0]
    assert (target @ centres).item() == pytest.approx(2.8)


def test_clips_without_raters_are_left_out():
    logits = torch.randn(2, 9)
    shares = torch.tensor([[0.0, 0, 1, 0, 0], [math.nan] * 5])
    both = rater_distribution(logits, CENTRES, shares)
    torch.testing.assert_close(both, rater_distribution(logits[:1], CENTRES, shares[:1]))
    assert rater_distribution(logits, CENTRES, shares[[1, 1]]).item() == 0


def test_ranking_counts_each_pair_once_and_only_those_far_enough_apart():
    prediction, rating = torch.tensor([1.0, 2.0, 5.0]), torch.tensor([3.0, 4.0, 4.1])
    expected = (math.log1p(math.exp(-1)) + math.log1p(math.exp(-4))) / 2
    assert ranking(prediction, rating).item() == pytest.approx(expected)


def test_a_clip_counts_for_mismatch_by_how_well_it_follows_its_own_prompt():
    own, other = torch.tensor([4.0, 4.0, 2.0]), torch.tensor([[3.5], [2.0], [5.0]])
    rating = torch.tensor([5.0, 4.0, 2.0])
    # The first lacks 0.5 of the margin at full weight, the second nothing at half; the third is
    # not asked.
    loss = mismatch(own, other, rating)
    assert loss.item() == pytest.approx(0.5 / 1.5)


def test_a_prompt_that_is_no_better_than_its_others_is_told_by_chance_alone():
    own, other = torch.full((2,), 4.0), torch.full((2, 3), 4.0)
    assert contrast(own, other, torch.tensor([5.0, 5.0])).item() == pytest.approx(math.log(4))


def test_contrast_still_asks_beyond_the_margin_of_mismatch():
    own, rating = torch.tensor([4.5]), torch.tensor([5.0])
    near, far = torch.tensor([[3.0, 3.0]]), torch.tensor([[2.0, 2.0]])
    assert mismatch(own, near, rating).item() == 0
    assert contrast(own, near, rating) > contrast(own, far, rating) > 0


def test_a_clip_that_does_not_follow_its_prompt_is_not_asked_about_others():
    own, other = torch.tensor([4.0, 1.0]), torch.tensor([[3.0, 2.0], [5.0, 5.0]])
    both = contrast(own, other, torch.tensor([5.0, 3.0]))
    assert both.item() == pytest.approx(contrast(own[:1], other[:1], torch.tensor([5.0])).item())


def test_ranking_of_equals_is_zero_and_still_has_a_gradient():
    prediction = torch.zeros(3, requires_grad=True)
    loss = ranking(prediction, torch.full((3,), 2.0))
    loss.backward()
    assert loss.item() == 0
    assert prediction.grad.abs().max() == 0


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


@pytest.mark.parametrize("term", ["mse", "mae", "soft_label", "rater", "ranking", "mismatch"])
def test_clips_without_a_rating_count_for_nothing(output, batch, term):
    objective, other = only(**{f"{term}_weight": 1.0}), torch.zeros(4)
    known = torch.tensor([True, False, True, True])
    batch.ta = torch.where(known, batch.ta, torch.nan)
    batch.ta_known = known
    rest = {
        name: value[known] if len(value) == 4 else value for name, value in vars(output).items()
    }
    left = {name: value[known] for name, value in vars(batch).items() if name.startswith("ta")}
    left["ta_known"] = None
    total, _ = objective(output, batch, other)
    quality, _ = objective(
        output, SimpleNamespace(**vars(batch) | {"ta_known": known & False}), other
    )
    alone, _ = objective(
        SimpleNamespace(**rest),
        SimpleNamespace(
            omq=batch.omq[known],
            omq_raters=batch.omq_raters[known],
            omq_known=known[known] & False,
            **left,
        ),
        other[known],
    )
    if term == "mismatch":  # of alignment alone
        torch.testing.assert_close(total, alone)
    else:
        torch.testing.assert_close(total, quality + alone)


def test_rated_transport_leaves_out_what_is_not_rated(output):
    solved = transport_cost(output.audio, output.audio_mask, output.text, output.text_mask)
    ta = torch.tensor([4.0, torch.nan, 2.0, torch.nan])
    expected = (solved.cost[[0, 2]] - (5 - ta[[0, 2]]) / 4).square().mean()
    torch.testing.assert_close(transport_term(solved, ta, "rated"), expected)
    assert transport_term(solved, ta * torch.nan, "rated") == 0
    assert transport_term(solved, ta * torch.nan, "ranked") == 0
