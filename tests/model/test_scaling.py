import pytest
import torch

from whisq.model.scaling import Moments, Scaling


@pytest.fixture
def states():
    torch.manual_seed(0)
    mixing = torch.eye(5) + 0.3 * torch.randn(2, 5, 5)
    plain = torch.randn(6, 2, 40, 5)
    return (plain @ mixing + torch.randn(2, 1, 5) * 3).transpose(1, 2)


def gathered(states, mask, pairs=True):
    moments = Moments(*states.shape[2:], pairs)
    for start in range(0, len(states), 4):
        moments.add(states[start : start + 4], mask[start : start + 4])
    return moments


@pytest.fixture
def mask():
    return torch.arange(40) < torch.tensor([[40], [10], [25], [40], [40], [3]])


def test_moments_are_those_of_the_real_steps(states, mask):
    moments = gathered(states, mask)
    for group in range(2):
        real = states[:, :, group][mask].double()
        torch.testing.assert_close(moments.mean()[group], real.mean(0))
        torch.testing.assert_close(moments.covariance()[group], torch.cov(real.T, correction=0))


@pytest.mark.parametrize("pairs", [True, False])
def test_variances_need_no_pairs_of_dimensions(states, mask, pairs):
    moments = gathered(states, mask, pairs)
    for group in range(2):
        real = states[:, :, group][mask].double()
        expected = real.var(0, correction=0)
        torch.testing.assert_close(moments.variance()[group], expected)


@pytest.mark.parametrize(("kind", "pairs"), [("standard", False), ("whiten", True)])
def test_pairs_are_gathered_where_whitening_needs_them(kind, pairs):
    assert Scaling(kind, 5, 2).moments().pairs is pairs


def test_standard_states_have_mean_zero_and_variance_one(states, mask):
    scaling = Scaling("standard", 5, 2)
    scaling.fit(gathered(states, mask))
    for group in range(2):
        real = scaling(states)[:, :, group][mask]
        torch.testing.assert_close(real.mean(0), torch.zeros(5), atol=1e-4, rtol=0)
        torch.testing.assert_close(real.std(0, correction=0), torch.ones(5), atol=1e-4, rtol=0)


def test_white_states_are_uncorrelated(states, mask):
    scaling = Scaling("whiten", 5, 2)
    scaling.fit(gathered(states, mask))
    real = scaling(states)[:, :, 0][mask]
    covariance = torch.cov(real.T, correction=0)
    assert torch.cov(states[:, :, 0][mask].T).fill_diagonal_(0).abs().max() > 0.3
    torch.testing.assert_close(covariance, torch.eye(5), atol=0.05, rtol=0)


def test_directions_without_variance_are_not_blown_up():
    flat = torch.zeros(2, 30, 1, 3)
    flat[..., 0] = torch.randn(2, 30, 1)
    scaling = Scaling("whiten", 3)
    scaling.fit(gathered(flat, torch.ones(2, 30, dtype=torch.bool)))
    assert scaling(flat + 1e-3).abs().max() < 5


def test_none_leaves_states_alone_even_when_fitted(states, mask):
    scaling = Scaling("none", 5, 2)
    scaling.fit(gathered(states, mask))
    assert torch.equal(scaling(states), states)


@pytest.mark.parametrize("kind", ["standard", "whiten"])
def test_one_hidden_state_needs_no_axis_of_its_own(states, mask, kind):
    alone, together = Scaling(kind, 5), Scaling(kind, 5)
    for scaling, given in ((alone, states[:, :, 0]), (together, states[:, :, :1])):
        moments = scaling.moments()
        moments.add(given, mask)
        scaling.fit(moments)
    torch.testing.assert_close(alone(states[:, :, 0]), together(states[:, :, :1])[:, :, 0])
