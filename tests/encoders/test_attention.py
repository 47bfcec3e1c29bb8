"""Attention head by head, against torch's own."""

import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention

from whisq.encoders.whisper import attend_by_head


def states(seed, frames, dtype=torch.float64):
    return torch.randn(3, frames, 8, generator=torch.Generator().manual_seed(seed)).to(dtype)


def reference(query, key, value, scale):
    mixed = scaled_dot_product_attention(query, key, value, scale=scale)
    return mixed.transpose(0, 1).flatten(1)


@pytest.mark.parametrize("scale", [0.3, 30.0, 1000.0])
def test_attention_is_torchs_whether_exponentials_stay_in_range_or_not(scale):
    query, key, value = states(0, 5), states(1, 7), states(2, 7)
    ours, theirs = (f(query, key, value, scale) for f in (attend_by_head, reference))
    assert ours.shape == (5, 24)
    torch.testing.assert_close(ours, theirs)


def test_rows_of_scores_that_are_all_far_below_zero_are_not_lost():
    # exp(-200) is zero in bfloat16: without a shift such a row would be 0 / 0.
    query, key = torch.full((1, 2, 4), 10.0), torch.full((1, 6, 4), -5.0)
    value = states(3, 6)[:1]
    rounded = (states.to(torch.bfloat16) for states in (query, key, value))
    ours = attend_by_head(*rounded, 1.0).double()
    torch.testing.assert_close(ours, value.mean(1).expand(2, 8), atol=0.01, rtol=0.01)


def test_in_bfloat16_attention_stays_near_the_exact_one():
    exact = [states(seed, 40) for seed in range(3)]
    ours = attend_by_head(*(s.to(torch.bfloat16) for s in exact), 0.35).double()
    theirs = reference(*exact, 0.35)
    assert torch.linalg.norm(ours - theirs) < 0.01 * torch.linalg.norm(theirs)


def test_what_is_not_a_number_stays_so():
    query = states(0, 5)
    query[0, 0, 0] = torch.nan
    assert attend_by_head(query, states(1, 7), states(2, 7), 1.0)[0].isnan().any()
