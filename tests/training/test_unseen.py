"""What is told of a model where systems and prompts were held out: means and intervals."""

from dataclasses import replace

import numpy as np
import pytest
from pandas import DataFrame, concat
from scipy.stats import spearmanr

from whisq.trials.trial import attempt
from whisq.trials.unseen import agreement, unseen


def fold(number, systems, knows=1.0, clips=8):
    """Clips of some systems; the model says their rating and noise, the ridge noise alone."""
    draw = np.random.default_rng(number)
    rows = [(f"S{system:02d}", f"prompt {clip}") for system in systems for clip in range(clips)]
    table = DataFrame(rows, columns=["system", "prompt"])
    for axis in ("omq", "ta"):
        grades = draw.integers(1, 6, (len(table), 5))
        table[f"{axis}_raters"] = [" ".join(map(str, row)) for row in grades]
        table[axis] = grades.mean(axis=1)
        table[f"model_{axis}"] = knows * table[axis] + 0.1 * draw.normal(size=len(table))
        table[f"pooled_ridge_{axis}"] = draw.normal(size=len(table))
        table[f"system_mean_{axis}"] = 3.0
    table["gold_omq_ta"] = table["omq"]
    return table.assign(swap=[1.0, 0.0, np.nan, np.nan] * (len(table) // 4))


@pytest.fixture(scope="module")
def folds():
    return [fold(number, range(4 * number, 4 * number + 4)) for number in range(3)]


@pytest.fixture(scope="module")
def judged(folds):
    return unseen({"systems": folds}, 200, 0)["systems"]


def test_a_figure_is_the_mean_over_folds_each_ranked_by_itself(folds, judged):
    alone = [spearmanr(part["ta"], part["model_ta"]).statistic for part in folds]
    found = judged["parties"]["model"]["ta"]["srcc"]
    assert found["folds"] == pytest.approx(alone, abs=1e-6)
    assert found["mean"] == pytest.approx(np.mean(alone), abs=1e-6)
    low, high = found["interval"]
    assert low < found["mean"] < high < 1


def test_the_counts_are_of_all_folds_together(judged):
    assert (judged["n_clips"], judged["n_systems"], judged["n_prompts"]) == (96, 12, 8)


def test_the_model_is_held_against_the_ridge_of_the_same_folds(judged):
    for axis in ("omq", "ta"):
        own, ridge = (judged["parties"][p][axis]["srcc"] for p in ("model", "pooled_ridge"))
        less = judged["less_ridge"][axis]
        assert less["mean"] == pytest.approx(own["mean"] - ridge["mean"], abs=2e-6)
        assert less["interval"][0] > 0  # it knows the ratings, and the ridge nothing


def test_a_floor_that_says_the_same_of_every_clip_ranks_nothing(judged):
    mean = judged["parties"]["system_mean"]["omq"]
    assert mean["srcc"] == {"mean": None, "interval": None, "folds": [None] * 3}
    assert mean["agreement"]["mean"] == 0.5
    assert set(judged["parties"]["gold_omq"]) == {"ta"}


def test_swap_counts_only_the_clips_that_were_asked(judged):
    assert judged["swap"]["folds"] == [0.5] * 3
    nobody = [fold(0, range(4)).assign(swap=np.nan)]
    assert unseen({"prompts": nobody}, 20, 0)["prompts"]["swap"]["mean"] is None


def test_systems_of_all_folds_are_drawn_as_one_where_each_fold_hears_them_all():
    # The same clips in each fold: drawn apart, three folds would seem to know more than one does.
    once, thrice = ([fold(0, range(6), 0.05)] * count for count in (1, 3))
    ends = [
        unseen({"prompts": part}, 400, 0)["prompts"]["parties"]["model"]["omq"]["srcc"]["interval"]
        for part in (once, thrice)
    ]
    assert ends[0] == pytest.approx(ends[1], abs=1e-6)


def test_agreement_is_counted_over_pairs_that_are_rated_apart():
    rating, said = np.array([1.0, 2.0, 2.0, 4.0]), np.array([0.0, 1.0, 5.0, 1.0])
    # Five pairs differ in rating: three ranked alike, one the other way, one tied.
    assert agreement(rating, said, np.ones((1, 4))) == pytest.approx(3.5 / 5)
    assert np.isnan(agreement(rating, said, np.array([[0, 1, 1, 0]]))).all()


def test_a_clip_that_is_drawn_twice_counts_as_two(folds):
    part, weights = folds[0], np.random.default_rng(1).integers(0, 3, 32)
    pair = part["ta"].to_numpy(), part["pooled_ridge_ta"].to_numpy()
    doubled = [np.repeat(side, weights) for side in pair]
    once = agreement(*doubled, np.ones((1, weights.sum())))
    assert agreement(*pair, weights[None]) == pytest.approx(once)


def test_one_rater_is_held_against_the_mean_of_the_others(judged):
    # Raters at random: their own grade in the mean would have made them agree.
    for axis in ("omq", "ta"):
        assert judged["raters"][axis]["one"] == pytest.approx(0.5, abs=0.06)
    bare = [fold(0, range(4)).assign(omq_raters="", ta_raters="")]
    raters = unseen({"systems": bare}, 20, 0)["systems"]["raters"]
    assert raters == {axis: {"ceiling": None, "one": None} for axis in ("omq", "ta")}


@pytest.mark.parametrize("protocol", ["systems", "systems_and_prompts"])
def test_a_trial_s_answers_give_its_record(make_trial, protocol):
    record = attempt(replace(make_trial(protocol), answers=True))
    answers = record.pop("answers")
    plain = attempt(make_trial(protocol))
    assert {k: v for k, v in plain.items() if k != "seconds"} == {
        k: v for k, v in record.items() if k != "seconds"
    }
    found = unseen({protocol: [answers]}, 20, 0)[protocol]
    for axis in ("omq", "ta"):
        for party, name in (("model", f"utt_{axis}_srcc"), ("pooled_ridge", f"ridge_{axis}_srcc")):
            assert found["parties"][party][axis]["srcc"]["mean"] == pytest.approx(
                record[name], abs=1e-6
            )
    if "swap" in record:
        assert found["swap"]["mean"] == pytest.approx(record["swap"], abs=1e-6)


def test_as_many_trials_as_folds_answer_for_every_clip_once(make_trial):
    answers = [
        attempt(replace(make_trial("systems", seed), answers=True))["answers"] for seed in range(5)
    ]
    assert concat(answers).index.is_unique
    assert len(concat(answers)) == 120
