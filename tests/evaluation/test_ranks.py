import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from whisq.evaluation.ranks import inversions, mid_ranks, tau_b

SIDES = st.lists(st.tuples(st.integers(0, 6), st.integers(-3, 3)), min_size=2, max_size=40)


@given(SIDES)
def test_ranks_and_tau_are_scipys_to_the_last_bit(pairs):
    one, two = np.array(pairs, dtype=float).T / 5
    assert np.array_equal(mid_ranks(one), stats.rankdata(one))
    if np.ptp(one) and np.ptp(two):
        assert tau_b(one, two) == stats.kendalltau(one, two).statistic


def test_tau_of_values_without_ties_is_scipys_to_the_last_bit():
    one, two = np.random.default_rng(0).normal(size=(2, 5000))
    assert tau_b(one, one + two) == stats.kendalltau(one, one + two).statistic


@given(st.lists(st.integers(0, 20), max_size=30))
def test_inversions_are_the_pairs_of_which_the_larger_stands_first(codes):
    expected = sum(codes[i] > codes[j] for j in range(len(codes)) for i in range(j))
    assert inversions(np.array(codes, dtype=int)) == expected


@pytest.mark.parametrize(
    ("codes", "expected"), [([], 0), ([0], 0), ([0, 1, 2, 3], 0), ([3, 2, 1, 0], 6), ([1, 1], 0)]
)
def test_inversions_by_hand(codes, expected):
    assert inversions(np.array(codes, dtype=int)) == expected
