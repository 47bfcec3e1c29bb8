import numpy as np
import pytest

from whisq.evaluation.within import agreement, grouped, within


def test_a_system_mean_is_worth_nothing_inside_a_system(rated):
    floor = rated.groupby("system")[["omq", "ta"]].transform("mean")
    found = within(rated, floor)
    assert found["system"]["omq"] == {"lcc": None, "srcc": None, "ktau": None, "groups": 0}
    assert found["prompt"]["omq"]["srcc"] > 0.7
    assert found["pairs"]["omq"]["agreement"] > 0.7


def test_perfect_predictions_are_perfect_inside_every_group(rated):
    found = within(rated, rated[["omq", "ta"]])
    for group, count in (("system", 12), ("prompt", 10)):
        assert found[group]["ta"]["srcc"] == pytest.approx(1)
        assert found[group]["ta"]["groups"] == count
    assert found["pairs"]["ta"]["agreement"] == 1


def test_groups_count_by_their_clips_and_small_ones_not_at_all():
    group = np.array(list("aaaa") + list("bbbbbbbb") + list("cc"))
    rating = np.r_[np.arange(4), np.arange(8), 0, 1].astype(float)
    prediction = np.r_[np.arange(4), -np.arange(8), 1, 0].astype(float)
    found = grouped(rating, prediction, group)
    assert found["srcc"] == pytest.approx((4 * 1 - 8 * 1) / 12)
    assert found["groups"] == 2


def test_pairs_of_one_prompt_by_hand():
    """In p: 1<2 agreed, 1<3 tied, 2<3 not. In q equal ratings ask nothing. r has one clip."""
    rating = np.array([1.0, 2, 3, 4, 4, 5])
    prediction = np.array([2.0, 3, 2, 1, 5, 1])
    prompt = np.array(list("pppqqr"))
    assert agreement(rating, prediction, prompt) == {"agreement": 0.5, "pairs": 3}
    assert agreement(rating[3:], prediction[3:], prompt[3:]) == {"agreement": None, "pairs": 0}
