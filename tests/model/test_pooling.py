import pytest
import torch

from whisq.model.variants import pool_segments
from whisq.model.whisq import Pooling, masked_mean, masked_std, pool_time

SEQUENCE = torch.tensor([[[1.0, 10.0], [3.0, 20.0]], [[5.0, -1.0], [99.0, 99.0]]])
MASK = torch.tensor([[True, True], [True, False]])


def test_statistics_of_real_steps_by_hand():
    assert masked_mean(SEQUENCE, MASK).tolist() == [[2, 15], [5, -1]]
    torch.testing.assert_close(
        masked_std(SEQUENCE, MASK), torch.tensor([[1.0, 5], [0, 0]]), atol=4e-3, rtol=0
    )


def test_a_single_step_has_a_gradient_for_its_spread():
    step = torch.ones(1, 1, 2, requires_grad=True)
    masked_std(step, torch.ones(1, 1, dtype=torch.bool)).sum().backward()
    assert step.grad.isfinite().all()


def test_time_pooling_averages_runs_and_what_is_left():
    sequence = torch.arange(5.0).view(1, 5, 1)
    pooled, mask = pool_time(sequence, torch.ones(1, 5, dtype=torch.bool), 2)
    assert pooled.flatten().tolist() == [0.5, 2.5, 4]
    assert mask.all()


def test_time_pooling_leaves_padding_out_of_the_last_run():
    sequence = torch.tensor([1.0, 2, 3, 50, 50, 50]).view(1, 6, 1)
    mask = torch.tensor([[True, True, True, False, False, False]])
    pooled, shorter = pool_time(sequence, mask, 2)
    assert pooled.flatten().tolist() == [1.5, 3, 0]
    assert shorter.tolist() == [[True, True, False]]


def test_segments_split_a_clips_own_length():
    sequence = torch.tensor([[1.0, 2, 3, 4, 5, 6], [1, 2, 3, 70, 70, 70]]).unsqueeze(2)
    mask = torch.arange(6) < torch.tensor([[6], [3]])
    parts = pool_segments(sequence, mask, 3).squeeze(2)
    torch.testing.assert_close(parts, torch.tensor([[1.5, 3.5, 5.5], [1, 2, 3]]))


def test_a_step_across_a_border_counts_for_both_parts():
    sequence = torch.tensor([0.0, 1, 2]).view(1, 3, 1)
    parts = pool_segments(sequence, torch.ones(1, 3, dtype=torch.bool), 2).flatten()
    torch.testing.assert_close(parts, torch.tensor([1 / 3, 5 / 3]))


def test_one_step_fills_every_segment():
    parts = pool_segments(torch.full((1, 1, 2), 7.0), torch.ones(1, 1, dtype=torch.bool), 3)
    torch.testing.assert_close(parts, torch.full((1, 3, 2), 7.0))


def test_one_segment_is_the_mean():
    sequence = torch.randn(3, 9, 4)
    mask = torch.arange(9) < torch.tensor([[9], [4], [1]])
    torch.testing.assert_close(
        pool_segments(sequence, mask, 1).squeeze(1), masked_mean(sequence, mask)
    )


@pytest.mark.parametrize("kind", ["mean", "attention", "mean_std"])
def test_padding_changes_no_pooled_vector(kind):
    torch.manual_seed(0)
    pooling = Pooling(kind, 4)
    sequence, mask = torch.randn(2, 5, 4), torch.ones(2, 5, dtype=torch.bool)
    longer = torch.cat([sequence, torch.full((2, 3, 4), 1e3)], 1)
    longer_mask = torch.cat([mask, torch.zeros(2, 3, dtype=torch.bool)], 1)
    vector, weights = pooling(longer, longer_mask)
    torch.testing.assert_close(vector, pooling(sequence, mask)[0])
    assert vector.shape == (2, pooling.out_dim)
    if weights is not None:
        torch.testing.assert_close(weights.sum(1), torch.ones(2))
        assert weights[:, 5:].abs().max() == 0
