import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whisq.rendered.listeners import BIAS, PANEL, RATERS, damage, omq, panel, rate, ta


@given(st.floats(0, 30), st.floats(0, 30))
def test_more_damage_never_sounds_better(one, other):
    low, high = sorted((one, other))
    assert 1 < omq(high) <= omq(low) <= 4.65


@given(st.floats(1.3, 4.65))
def test_damage_inverts_the_rating(rating):
    assert omq(damage(rating)) == pytest.approx(rating)


def test_a_rating_out_of_reach_asks_for_the_nearest_damage():
    assert damage(5.0) == damage(9.0) == 0
    assert damage(-3.0) == damage(1.0) > damage(1.3)


@given(st.floats(0, 10), st.floats(0, 10), st.floats(1.05, 4.65))
def test_more_failures_never_align_better_and_quality_never_hurts(one, other, quality):
    low, high = sorted((one, other))
    assert ta(high, quality) <= ta(low, quality)
    assert ta(low, quality) <= ta(low, 4.65)


def test_the_panel_leans_alike_whatever_the_seed():
    panels = [panel(np.random.default_rng(seed)) for seed in range(2)]
    assert not np.array_equal(*panels)
    assert np.array_equal(np.sort(panels[0], axis=0), np.sort(panels[1], axis=0))
    assert panels[0].std(axis=0) == pytest.approx([BIAS, BIAS])
    assert panels[0].mean(axis=0) == pytest.approx([0, 0], abs=1e-9)


def test_five_different_listeners_give_whole_numbers_from_one_to_five():
    rng = np.random.default_rng(0)
    leanings = panel(rng)
    for latent in ((0.5, 6.0), (3.0, 3.0)):
        rows = rate(leanings, latent, rng)
        assert rows.shape == (RATERS, 3)
        assert len(set(rows[:, 0])) == RATERS
        assert set(rows[:, 0]) <= set(range(PANEL))
        assert set(rows[:, 1:].ravel()) <= {1, 2, 3, 4, 5}


def test_many_ratings_average_to_the_latent_away_from_the_ends():
    rng = np.random.default_rng(0)
    leanings = panel(rng)
    rows = np.concatenate([rate(leanings, (3.2, 2.8), rng) for _ in range(3000)])
    assert rows[:, 1:].mean(axis=0) == pytest.approx([3.2, 2.8], abs=0.05)
