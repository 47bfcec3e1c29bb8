import numpy as np
import pandas as pd
import pytest

from whisq.evaluation import raters


def simulate(clips, count, noise, seed=0):
    """Grades with real-valued noise around a standard normal truth, and that truth."""
    draw = np.random.default_rng(seed)
    truth = draw.normal(size=clips)
    return truth, truth[:, None] + draw.normal(0, noise, (clips, count))


def as_rows(table):
    return [" ".join(map(str, line)) for line in table]


def rated(table, systems=30):
    ids = [f"c{i}" for i in range(len(table))]
    frame = pd.DataFrame({"omq": table.mean(axis=1), "ta": table.mean(axis=1)}, index=ids)
    frame["system"] = [f"S{i % systems:03d}" for i in range(len(table))]
    return frame.assign(omq_raters=as_rows(table), ta_raters=as_rows(table))


def test_spearman_brown_by_hand_and_back():
    assert raters._stepped_up(0.5, 5) == pytest.approx(5 / 6)
    assert raters._stepped_up(raters._stepped_up(0.3, 4), 0.25) == pytest.approx(0.3)


def test_the_ceiling_is_what_the_truth_itself_scores():
    truth, table = simulate(3000, 5, noise=1.0)
    found = raters.ceilings(rated(table))
    mean = table.mean(axis=1)
    utt = found["utt"]["omq"]
    assert utt["lcc"] == pytest.approx(np.corrcoef(truth, mean)[0, 1], abs=0.01)
    assert utt["srcc"] == pytest.approx(
        pd.Series(truth).corr(pd.Series(mean), "spearman"), abs=0.01
    )
    assert utt["ktau"] == pytest.approx(pd.Series(truth).corr(pd.Series(mean), "kendall"), abs=0.02)
    assert utt["mse"] == pytest.approx(np.mean((truth - mean) ** 2), abs=0.02)


def test_means_of_systems_have_a_higher_ceiling_than_clips():
    draw = np.random.default_rng(0)
    _, table = simulate(600, 5, noise=1.0)
    table += np.tile(draw.normal(0, 0.5, 30), 20)[:, None]
    found = raters.ceilings(rated(table))
    assert found["sys"]["omq"]["srcc"] > found["utt"]["omq"]["srcc"]
    assert found["sys"]["omq"]["mse"] < found["utt"]["omq"]["mse"] / 10


def test_without_groups_one_rater_is_held_against_the_others_in_all_pairs():
    table = np.array([[1, 1, 2], [2, 2, 2], [3, 1, 4], [np.nan, 5, 5]])  # the last is left out
    # The others' sums are 3, 4, 5 beside the first, who ranks all three pairs as they do; 3, 4, 7
    # beside the second: one pair alike, one tied, one the other way; 2, 4, 4 beside the third, of
    # two pairs that differ one tied and one alike.
    assert raters.one_rater(table) == pytest.approx((3 / 3 + 1.5 / 3 + 1.5 / 2) / 3)


def test_without_raters_rows_there_is_no_ceiling_and_no_worth():
    frame = rated(np.ones((4, 5))).assign(omq_raters="", ta_raters="3")
    found = raters.ceilings(frame)
    assert (found["utt"]["omq"], found["sys"]["ta"]) == (None, None)
    assert raters.worth(frame, frame[["omq", "ta"]])["omq"]["raters"] is None


@pytest.mark.parametrize("count", [1, 2, 4, 12])
def test_a_model_made_of_raters_is_worth_that_many(count):
    truth, table = simulate(6000, 5, noise=1.2)
    noise = np.random.default_rng(9).normal(0, 1.2, (len(truth), count))
    frame = rated(table)
    model = pd.DataFrame({"omq": truth + noise.mean(axis=1), "ta": 3.0}, index=frame.index)
    found = raters.worth(frame, model)
    assert found["omq"]["raters"] == pytest.approx(count, rel=0.15)
    assert found["ta"]["raters"] is None
    assert "undefined" in found["ta"]


def test_a_model_that_does_not_correlate_is_worth_no_rater_and_one_too_good_is_told():
    _, table = simulate(500, 5, noise=1.0)
    frame = rated(table)
    assert raters.worth(frame, -frame[["omq", "ta"]])["omq"]["raters"] == 0
    assert "more than" in raters.worth(frame, frame[["omq", "ta"]])["omq"]["undefined"]


def test_one_rater_who_agrees_with_all_others_wins_every_pair():
    frame = rated(np.repeat([[1], [2], [3], [4]], 5, axis=1)).assign(prompt="a waltz")
    assert raters.alone(frame) == {"omq": 1.0, "ta": 1.0}


def test_one_rater_is_held_against_the_others_and_equal_grades_count_half():
    # The first rater sees no difference, the second one that the first does not bear out.
    frame = rated(np.array([[3, 1], [3, 2]])).assign(prompt="a waltz")
    # Held against the second the first says nothing, one half; the second has no pair to name.
    assert raters.alone(frame) == {"omq": 0.5, "ta": 0.5}
    frame = rated(np.array([[3, 1, 1], [3, 2, 2]])).assign(prompt="a waltz")
    assert raters.alone(frame)["omq"] == pytest.approx((0.5 + 1 + 1) / 3)


def test_without_raters_rows_or_pairs_there_is_no_agreement_of_one():
    frame = rated(np.ones((4, 5))).assign(prompt=list("abcd"))
    assert raters.alone(frame)["omq"] is None
    assert raters.alone(frame.assign(omq_raters=""))["omq"] is None
