import math

import pytest
import torch
from scipy.stats import entropy

from whisq.losses import SIGMA, mismatch, ranking, rater_distribution, soft_labels

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
    own, other = torch.tensor([4.0, 4.0, 2.0]), torch.tensor([3.5, 2.0, 5.0])
    rating = torch.tensor([5.0, 4.0, 2.0])
    # The first lacks 0.5 of the margin at full weight, the second nothing at half; the third is
    # not asked.
    loss = mismatch(own, other, rating)
    assert loss.item() == pytest.approx(0.5 / 1.5)


def test_ranking_of_equals_is_zero_and_still_has_a_gradient():
    prediction = torch.zeros(3, requires_grad=True)
    loss = ranking(prediction, torch.full((3,), 2.0))
    loss.backward()
    assert loss.item() == 0
    assert prediction.grad.abs().max() == 0
