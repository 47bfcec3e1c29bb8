import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from whisq.model.whisq import Output
from whisq.scores import interval, scores_of

CENTRES = np.linspace(1, 5, 41)
MASK = torch.ones(1, 1, dtype=torch.bool)


def _output(omq, ta, logits=None):
    bins = None if logits is None else torch.tensor(logits)
    centres = None if logits is None else torch.linspace(1, 5, bins.shape[1])
    return Output(
        omq=torch.tensor(omq),
        ta=torch.tensor(ta),
        audio_mask=MASK,
        text_mask=MASK,
        omq_logits=bins,
        ta_logits=bins,
        centres=centres,
    )


def test_the_interval_of_a_normal_distribution_is_its_quantiles():
    shares = np.exp(-((CENTRES - 3) ** 2) / (2 * 0.4**2))
    low, high = interval(shares / shares.sum(), CENTRES)
    assert (low, high) == pytest.approx((3 - 1.645 * 0.4, 3 + 1.645 * 0.4), abs=0.01)


def test_the_interval_of_an_even_distribution_is_most_of_the_scale():
    low, high = interval(np.full(5, 0.2), np.arange(1.0, 6.0))
    assert (low, high) == (1.0, 5.0)
    assert interval(np.full(5, 0.2), np.arange(1.0, 6.0), 0.2) == pytest.approx((1.5, 4.5))


@given(st.lists(st.floats(0, 1), min_size=41, max_size=41).filter(lambda shares: sum(shares) > 0))
def test_intervals_lie_on_the_scale_and_inside_wider_ones(shares):
    shares = np.array(shares) / sum(shares)
    low, high = interval(shares, CENTRES)
    wide_low, wide_high = interval(shares, CENTRES, 0.01)
    assert 1 <= wide_low <= low <= high <= wide_high <= 5


def test_only_a_distribution_has_an_interval_and_only_a_prompt_an_alignment():
    plain = scores_of(_output([2.0, 3.0], [4.0, 5.0]), [True, False])
    assert [(score.omq, score.ta) for score in plain] == [(2.0, 4.0), (3.0, None)]
    assert plain[0].omq_interval is None
    sure = [[0.0] * 20 + [50.0] + [0.0] * 20] * 2
    scores = scores_of(_output([3.0, 3.0], [3.0, 3.0], sure), [True, False])
    assert scores[0].ta_interval == pytest.approx((2.955, 3.045), abs=1e-3)
    assert scores[1].ta_interval is None


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_no_number_is_an_error(bad):
    with pytest.raises(ValueError, match="damaged"):
        scores_of(_output([bad], [3.0]), [False])
    with pytest.raises(ValueError, match="damaged"):
        scores_of(_output([3.0], [bad]), [True])
