"""Accuracy, log-loss and ceiling against what is known of made-up raters."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from whisq.comparing.preferences import ceiling, fit, judge_pairs, losses
from whisq.evaluation.metrics import agreed

CHANCE = np.log(2)


def words_of(votes, differences, **known):
    """Rows a word: pairs named in turn, unless names are given."""
    count = len(votes)
    names = {"a": [f"a{place}" for place in range(count)], "b": [f"b{i}" for i in range(count)]}
    unknown = dict.fromkeys(("rater", "prompt", "system_pair"), [None] * count)
    table = names | {"vote": votes, "difference": np.asarray(differences, float)} | unknown | known
    return pd.DataFrame(table)


def raters_of(seed=0, pairs=300, raters=5, scale=2.0, prompts=60):
    """Raters who follow Bradley and Terry's model, and the differences that they follow."""
    rng = np.random.default_rng(seed)
    differences = rng.normal(0, 1, pairs)
    rows = [
        (f"a{pair:03d}", f"b{pair:03d}", 1 if rng.random() < expit(scale * better) else -1, better,
         f"r{rater}", f"p{pair % prompts:02d}", f"{pair % 7}")
        for pair, better in enumerate(differences) for rater in range(raters)
    ]  # fmt: skip
    columns = ["a", "b", "vote", "difference", "rater", "prompt", "system_pair"]
    return pd.DataFrame(rows, columns=columns)


def test_accuracy_leaves_raters_ties_out_and_counts_a_tie_of_scores_half():
    found = judge_pairs(words_of([1, 1, -1, -1, 0], [0.5, -0.5, -0.5, 0, 3]), 0)
    assert found["accuracy"] == (1 + 0 + 1 + 0.5) / 4
    assert (found["n"], found["ties"], found["n_pairs"]) == (5, 1, 5)
    assert agreed(np.array([0]), np.array([1.0])) == pytest.approx([np.nan], nan_ok=True)
    assert judge_pairs(words_of([0, 0], [1, 2]), 0)["accuracy"] is None


def test_log_loss_is_chance_where_scores_say_nothing_and_a_tie_is_half_a_word():
    vote, difference = np.array([1, -1, 0]), np.array([2.0, 2.0, 2.0])
    assert losses(vote, difference, 0) == pytest.approx([CHANCE] * 3)
    first, second, tie = losses(vote, difference, 1)
    assert first == pytest.approx(-np.log(expit(2)))
    assert tie == pytest.approx((first + second) / 2)


def test_the_scale_of_the_model_that_raters_follow_is_found():
    rows = raters_of(pairs=2000, scale=2)
    assert fit(rows["vote"].to_numpy(), rows["difference"].to_numpy()) == pytest.approx(2, rel=0.1)
    found = judge_pairs(rows, 0)
    p = expit(2 * rows["difference"])
    entropy = -(p * np.log(p) + (1 - p) * np.log(1 - p)).mean()
    assert found["log_loss"] == pytest.approx(entropy, abs=0.02)
    assert found["accuracy"] == pytest.approx(np.maximum(p, 1 - p).mean(), abs=0.02)


def test_a_scale_that_fits_other_prompts_flatters_no_scorer():
    rng = np.random.default_rng(0)
    blind = [
        judge_pairs(
            words_of(rng.choice([1, -1], 12), rng.normal(0, 1, 12), prompt=list("aabbccddeeff")), 0
        )
        for _ in range(60)
    ]
    assert np.mean([found["log_loss"] for found in blind]) > CHANCE
    assert judge_pairs(words_of([1], [0.1]), 0)["log_loss"] is None


def test_scores_the_wrong_way_round_are_no_better_than_chance():
    rows = raters_of()
    found = judge_pairs(rows.assign(difference=-rows["difference"]), 0)
    assert found["scale"] == pytest.approx(0, abs=1e-3)
    assert found["log_loss"] == pytest.approx(CHANCE, abs=1e-3)
    assert found["accuracy"] < 0.4


def test_raters_agree_as_often_as_another_of_the_pair_says_the_same():
    names = {"a": list("xxxyx"), "b": list("zzzzz"), "rater": list("12314")}
    found = judge_pairs(words_of([1, 1, -1, 1, 0], [1] * 5, **names), 0)["raters"]
    # Of x against z: 1 and 2 each have one with and one against them, 3 has two against.
    assert (found["agreement"], found["n"]) == (pytest.approx((0.5 + 0.5 + 0) / 3), 3)
    assert judge_pairs(words_of([1, -1], [1, 1]), 0)["raters"] is None


def test_a_rater_does_not_agree_with_themselves():
    names = {"a": ["x"] * 3, "b": ["z"] * 3}
    named = judge_pairs(words_of([1, 1, -1], [1, 1, 1], rater=["1", "1", "2"], **names), 0)[
        "raters"
    ]
    assert named["agreement"] == 0
    alone = words_of([1, 1], [1, 1], rater=["1", "1"], a=["x", "x"], b=["z", "z"])
    assert judge_pairs(alone, 0)["raters"] is None
    unnamed = judge_pairs(words_of([1, 1, -1], [1, 1, 1], **names), 0)["raters"]
    assert unnamed["agreement"] == pytest.approx(1 / 3)


def test_no_scorer_is_right_more_often_than_the_ceiling_and_one_reaches_it():
    rng = np.random.default_rng(0)
    for clear in (np.full(400, 0.8), rng.uniform(0, 1, 400)):
        votes = np.where(rng.random((400, 6)) < clear[:, None], 1, -1)
        names = {end: np.repeat([f"{end}{pair}" for pair in range(400)], 6) for end in "ab"}
        # The scorer that knows what most raters would say.
        rows = words_of(votes.ravel(), np.repeat(clear - 0.5, 6), **names)
        found = judge_pairs(rows, 0)
        assert found["raters"]["agreement"] <= found["accuracy"] + 0.01
        assert found["accuracy"] <= found["raters"]["ceiling"] + 0.01
    assert ceiling(0.68) == pytest.approx(0.8)
    assert ceiling(0.4) == 0.5
    even = np.full(400, 0.8)
    votes = np.where(rng.random((400, 6)) < even[:, None], 1, -1)
    found = judge_pairs(words_of(votes.ravel(), np.ones(2400), **names), 0)
    assert found["raters"]["ceiling"] == pytest.approx(found["accuracy"], abs=0.02)


def test_a_pair_named_the_other_way_round_is_the_same_pair():
    rows = raters_of(pairs=40)
    turned = rows.sample(frac=0.5, random_state=0).index
    other = rows.copy()
    other.loc[turned, ["a", "b"]] = rows.loc[turned, ["b", "a"]].to_numpy()
    other.loc[turned, ["vote", "difference"]] *= -1
    one, two = judge_pairs(rows, 0), judge_pairs(other, 0)
    assert two["raters"]["agreement"] == pytest.approx(one["raters"]["agreement"])
    for figure in ("accuracy", "log_loss", "n_pairs"):
        assert two[figure] == pytest.approx(one[figure])


def test_the_order_of_rows_changes_no_figure_and_no_interval():
    rows = raters_of(pairs=40)
    assert judge_pairs(rows, 200) == judge_pairs(rows.sample(frac=1, random_state=1), 200)


def test_intervals_are_drawn_by_prompt_and_by_system_pair():
    found = judge_pairs(raters_of(), 500)
    for figure in ("accuracy", "log_loss"):
        assert set(found["intervals"][figure]) == {"prompt", "system_pair"}
        for low, high in found["intervals"][figure].values():
            assert low < found[figure] < high
    low, high = found["raters"]["intervals"]["prompt"]
    assert low < found["raters"]["agreement"] < high
    bare = judge_pairs(words_of([1, -1], [1, 1]), 500)
    assert bare["intervals"] == {"accuracy": {}, "log_loss": {}}


def test_an_interval_of_a_share_stays_within_0_and_1():
    rows = words_of([1] * 19 + [-1], [1.0] * 20, prompt=list("aaabbbcccdddeeefffgg"))
    low, high = judge_pairs(rows, 500)["intervals"]["accuracy"]["prompt"]
    assert 0.8 < low < 0.95
    assert high == 1


def test_intervals_hold_the_true_accuracy_where_words_of_a_prompt_hang_together():
    rng, held = np.random.default_rng(0), 0
    for _ in range(200):
        # A prompt has its own chance of a right word: 0.7 on average.
        chance = rng.beta(3.5, 1.5, 30)
        votes = np.where(rng.random((30, 8)) < chance[:, None], 1, -1).ravel()
        prompt = np.repeat([f"p{place:02d}" for place in range(30)], 8)
        found = judge_pairs(words_of(votes, np.ones(240), prompt=prompt), 200)
        low, high = found["intervals"]["accuracy"]["prompt"]
        held += low <= 0.7 <= high
    assert 0.91 <= held / 200 <= 0.98
