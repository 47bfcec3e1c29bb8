import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from whisq.evaluation import metrics

LEVELS = np.arange(1, 5.01, 0.2)


def tied(seed: int, clips: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw ratings of 21 levels and predictions that share many values."""
    draw = np.random.default_rng(seed)
    rating = draw.choice(LEVELS, clips)
    return rating, np.round((rating + draw.normal(0, 1, clips)) * 4) / 4


@pytest.mark.parametrize("seed", range(20))
def test_equals_scipy_on_tables_with_heavy_ties(seed):
    rating, prediction = tied(seed, clips=10 + 20 * seed)
    scores = metrics.measure(rating, prediction)
    expected = {
        "lcc": stats.pearsonr(rating, prediction).statistic,
        "srcc": stats.spearmanr(rating, prediction).statistic,
        "ktau": stats.kendalltau(rating, prediction).statistic,
        "mse": np.square(np.subtract(rating, prediction)).mean(),
    }
    assert scores == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_ktau_equals_a_count_of_pairs(seed):
    rating, prediction = tied(seed, clips=25)
    signs = [
        (np.sign(rating[i] - rating[j]), np.sign(prediction[i] - prediction[j]))
        for i in range(25)
        for j in range(i)
    ]
    agreement = sum(one * two for one, two in signs)
    untied = [sum(pair[side] != 0 for pair in signs) for side in (0, 1)]
    expected = agreement / np.sqrt(untied[0] * untied[1])
    assert metrics.ktau(rating, prediction) == pytest.approx(expected, abs=1e-12)


@pytest.fixture
def six_clips() -> tuple[pd.DataFrame, pd.DataFrame]:
    ids = ["a1", "a2", "b1", "b2", "c1", "c2"]
    truth = pd.DataFrame({"system": list("aabbcc")}, index=ids)
    truth["omq"] = [1.0, 2.0, 2.0, 3.0, 5.0, 4.0]
    return truth, pd.DataFrame({"omq": [1.0, 3.0, 2.0, 2.0, 4.0, 5.0]}, index=ids)


def test_six_clips_of_three_systems_by_hand(six_clips):
    """Ranks 1 2.5 2.5 4 6 5 and 1 4 2.5 2.5 5 6 (the mean is 3.5 on both sides).

    Their products around the mean sum to 6.25 - .5 + 1 - .5 + 3.75 + 3.75 = 13.75; the squares of
    each side to 17. Of the 15 pairs one is tied on either side, 11 agree, 2 disagree.
    """
    scores = metrics.evaluate(*six_clips)
    utt, system = scores["utt"]["omq"], scores["sys"]["omq"]
    assert utt["mse"] == pytest.approx(4 / 6)
    assert utt["lcc"] == pytest.approx(8.833333333 / np.sqrt(10.833333333**2))
    assert utt["srcc"] == pytest.approx(13.75 / 17)
    assert utt["ktau"] == pytest.approx((11 - 2) / 14)
    # The systems' means are 1.5, 2.5, 4.5 and 2, 2, 4.5: ranks 1 2 3 and 1.5 1.5 3.
    assert system["mse"] == pytest.approx((0.25 + 0.25 + 0) / 3)
    assert system["srcc"] == pytest.approx(1.5 / np.sqrt(2 * 1.5))
    assert system["ktau"] == pytest.approx(2 / np.sqrt(3 * 2))
    assert (scores["n_clips"], scores["n_systems"]) == (6, 3)


def test_order_of_rows_changes_nothing_even_where_systems_tie():
    draw = np.random.default_rng(0)
    truth = pd.DataFrame({"omq": draw.choice(LEVELS, 300), "ta": draw.choice(LEVELS, 300)})
    truth["system"] = draw.choice([f"S{i:03d}" for i in range(60)], 300)
    answer = truth[["omq", "ta"]] + draw.choice([-0.2, 0, 0.2], (300, 2))
    first = metrics.evaluate(truth, answer)
    for seed in range(10):
        rows = np.random.default_rng(seed).permutation(300)
        again = metrics.evaluate(truth.iloc[rows], answer.iloc[rows[::-1]])
        for level in ("utt", "sys"):
            for axis in ("omq", "ta"):
                assert again[level][axis] == pytest.approx(first[level][axis], abs=1e-12)


def test_a_system_table_replaces_the_means_and_is_named(six_clips):
    table = pd.DataFrame({"omq": [3.0, 2.0, 1.0], "ta": 1.0}, index=list("abc"))
    scores = metrics.evaluate(*six_clips, system_truth=table)
    assert scores["sys"]["omq"]["srcc"] < 0
    assert scores["system_truth"] != metrics.evaluate(*six_clips)["system_truth"]
    with pytest.raises(ValueError, match=r"missing: \['c'\]"):
        metrics.evaluate(*six_clips, system_truth=table.loc[["a", "b"]])


@pytest.mark.parametrize(
    ("rating", "prediction", "reason"),
    [
        ([1.0, 2.0, 3.0], [3.0, 3.0, 3.0], "predictions are constant"),
        ([2.0, 2.0], [1.0, 2.0], "ratings are constant"),
        ([4.0], [4.0], "2 items"),
    ],
)
def test_a_correlation_that_is_not_defined_is_none_with_its_reason(rating, prediction, reason):
    scores = metrics.measure(rating, prediction)
    assert scores["mse"] is not None
    assert [scores[name] for name in ("lcc", "srcc", "ktau")] == [None] * 3
    assert reason in scores["undefined"]


def test_nothing_to_compare_has_no_error_either():
    assert metrics.measure([], [])["mse"] is None


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_nan_is_an_error_and_not_a_number(bad):
    with pytest.raises(ValueError, match="finite"):
        metrics.measure([1.0, 2.0], [1.0, bad])
    with pytest.raises(ValueError, match=r"\(2,\) and \(1,\)"):
        metrics.measure([1.0, 2.0], [1.0])


def test_tables_of_other_ids_are_an_error(six_clips):
    truth, answer = six_clips
    with pytest.raises(ValueError, match="same clip ids"):
        metrics.evaluate(truth, answer.iloc[1:])


@given(
    st.lists(st.sampled_from(LEVELS.tolist()), min_size=2, max_size=30).filter(
        lambda values: len(set(values)) > 1
    )
)
def test_a_perfect_prediction_is_perfect_and_its_mirror_image_the_reverse(values):
    rating = np.array(values)
    assert metrics.measure(rating, rating) == pytest.approx(
        {"mse": 0, "lcc": 1, "srcc": 1, "ktau": 1}
    )
    mirrored = metrics.measure(rating, 6 - rating)
    assert [mirrored[name] for name in ("lcc", "srcc", "ktau")] == pytest.approx([-1, -1, -1])


def test_an_evaluation_in_one_row_names_level_axis_and_metric():
    scores = {
        "utt": {"omq": {"srcc": 0.5, "mse": 1.0}},
        "sys": {"ta": {"srcc": None, "undefined": "one system"}},
    }
    row = {"utt_omq_srcc": 0.5, "utt_omq_mse": 1.0, "sys_ta_srcc": None}
    assert metrics.record_of(scores) == row


SIDES = st.lists(st.tuples(st.integers(0, 6), st.integers(-3, 3)), min_size=2, max_size=40)


@given(SIDES)
def test_ranks_and_tau_are_scipys_to_the_last_bit(pairs):
    one, two = np.array(pairs, dtype=float).T / 5
    assert np.array_equal(metrics._mid_ranks(one), stats.rankdata(one))
    if np.ptp(one) and np.ptp(two):
        assert metrics.ktau(one, two) == stats.kendalltau(one, two).statistic


def test_tau_of_values_without_ties_is_scipys_to_the_last_bit():
    one, two = np.random.default_rng(0).normal(size=(2, 5000))
    assert metrics.ktau(one, one + two) == stats.kendalltau(one, one + two).statistic


@given(st.lists(st.integers(0, 20), max_size=30))
def test_inversions_are_the_pairs_of_which_the_larger_stands_first(codes):
    expected = sum(codes[i] > codes[j] for j in range(len(codes)) for i in range(j))
    assert metrics._inversions(np.array(codes, dtype=int)) == expected


@pytest.mark.parametrize(
    ("codes", "expected"), [([], 0), ([0], 0), ([0, 1, 2, 3], 0), ([3, 2, 1, 0], 6), ([1, 1], 0)]
)
def test_inversions_by_hand(codes, expected):
    assert metrics._inversions(np.array(codes, dtype=int)) == expected


def test_a_system_mean_is_worth_nothing_inside_a_system(rated):
    floor = rated.groupby("system")[["omq", "ta"]].transform("mean")
    found = metrics.within(rated, floor)
    assert found["system"]["omq"] == {"lcc": None, "srcc": None, "ktau": None, "groups": 0}
    assert found["prompt"]["omq"]["srcc"] > 0.7
    assert found["pairs"]["omq"]["agreement"] > 0.7


def test_perfect_predictions_are_perfect_inside_every_group(rated):
    found = metrics.within(rated, rated[["omq", "ta"]])
    for group, count in (("system", 12), ("prompt", 10)):
        assert found[group]["ta"]["srcc"] == pytest.approx(1)
        assert found[group]["ta"]["groups"] == count
    assert found["pairs"]["ta"]["agreement"] == 1


def test_groups_count_by_their_clips_and_small_ones_not_at_all():
    group = np.array(list("aaaa") + list("bbbbbbbb") + list("cc"))
    rating = np.r_[np.arange(4), np.arange(8), 0, 1].astype(float)
    prediction = np.r_[np.arange(4), -np.arange(8), 1, 0].astype(float)
    found = metrics._grouped(rating, prediction, group)
    assert found["srcc"] == pytest.approx((4 * 1 - 8 * 1) / 12)
    assert found["groups"] == 2


def test_pairs_of_one_prompt_by_hand():
    """In p: 1<2 agreed, 1<3 tied, 2<3 not. In q equal ratings ask nothing. r has one clip."""
    rating = np.array([1.0, 2, 3, 4, 4, 5])
    prediction = np.array([2.0, 3, 2, 1, 5, 1])
    prompt = np.array(list("pppqqr"))
    assert metrics.agreement(rating, prediction, prompt) == {"agreement": 0.5, "pairs": 3}
    assert metrics.agreement(rating[3:], prediction[3:], prompt[3:]) == {
        "agreement": None,
        "pairs": 0,
    }


def test_a_line_is_found_again():
    prediction = np.linspace(1, 5, 50)
    found = metrics.calibration(0.5 * prediction + 1, prediction)
    assert (found["slope"], found["intercept"]) == (pytest.approx(0.5), pytest.approx(1))


def test_the_curve_averages_bins_of_equal_size():
    prediction, rating = np.array([4.0, 1, 2, 3]), np.array([5.0, 1, 3, 3])
    low, high = metrics.calibration(rating, prediction, bins=2)["curve"]
    assert low == {"prediction": 1.5, "rating": 2.0, "clips": 2, "error": pytest.approx(1)}
    assert (high["prediction"], high["rating"]) == (3.5, 4.0)


def test_constant_predictions_have_no_line_and_one_clip_no_error():
    found = metrics.calibration(np.array([1.0, 2]), np.array([3.0, 3]))
    assert (found["slope"], found["intercept"]) == (None, None)
    assert metrics.calibration(np.array([1.0]), np.array([3.0]))["curve"][0]["error"] is None
    assert metrics.calibration(np.array([]), np.array([]))["curve"] == []


def test_agreement_is_counted_over_pairs_that_are_rated_apart():
    rating, said = np.array([1.0, 2.0, 2.0, 4.0]), np.array([0.0, 1.0, 5.0, 1.0])
    # Five pairs differ in rating: three ranked alike, one the other way, one tied.
    assert metrics.agreement(rating, said)["agreement"] == pytest.approx(3.5 / 5)
    assert metrics.agreement(rating[1:3], said[1:3]) == {"agreement": None, "pairs": 0}
