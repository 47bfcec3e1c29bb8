"""Figures of two systems or more on the same prompts, against closed forms and simulations."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from whisq.comparing.paired import (
    compare,
    detectable,
    flip_test,
    group,
    holm,
    measure,
    prompts_needed,
    scores_by_prompt,
    student,
)
from whisq.evaluation.intervals import interval
from whisq.evaluation.resampling import draw

DRAWS = 500


def clips_of(prompts, seeds):
    """Clips of A and B: prompts of their own levels, and from 1 to `seeds` seeds."""
    rng, rows = np.random.default_rng(0), []
    for system, prompt in product("AB", range(prompts)):
        scores = rng.normal(3 + 0.1 * prompt + (system == "B"), 1, rng.integers(1, seeds + 1))
        rows += [(system, f"p{prompt:03d}", score) for score in scores]
    return pd.DataFrame(rows, columns=["system", "prompt", "omq"])


def paired(less):
    """The only difference of two systems whose scores differ so."""
    return compare(pd.DataFrame({"A": np.zeros(len(less)), "B": less}))["differences"][0]


def held(less, difference):
    """In how many experiments, a column each, the interval holds the true difference."""
    rng = np.random.default_rng(1)
    drawn = draw(np.arange(len(less)), 1000, rng) / len(less)
    ends = np.array([found["interval"] for found in measure(less, drawn, rng)])
    return np.mean((ends[:, 0] <= difference) & (difference <= ends[:, 1]))


@pytest.mark.parametrize(
    ("prompts", "seeds", "own", "seed"),
    [
        (8, [1], 0.3, 0.3),
        (15, [1], 0.3, 0.3),
        (15, [4], 0.02, 0.6),
        (15, [1, 2, 5], 0.3, 0.3),
        (60, [2], 0.5, 0.1),
    ],
    ids=["8 prompts", "15 prompts", "seeds are all of the chance", "uneven seeds", "60 prompts"],
)
def test_intervals_hold_the_true_difference_in_95_of_100_draws(prompts, seeds, own, seed):
    rng, shape = np.random.default_rng(prompts), (prompts, DRAWS)
    # What a system is on a prompt, and the mean of as many seeds as it happens to have there.
    A, B = (
        better + rng.normal(0, own, shape) + rng.normal(0, seed / rng.choice(seeds, shape) ** 0.5)
        for better in (0, 0.1)
    )
    assert 0.92 <= held(B - A, 0.1) <= 0.97


def test_seeds_drawn_anew_inside_a_drawn_prompt_would_count_their_chance_twice():
    rng, prompts, seeds, sure = np.random.default_rng(0), 15, 4, 0
    for clips in rng.normal(0, 0.6, (DRAWS, prompts, seeds)):
        drawn = rng.integers(0, prompts, (400, prompts))
        inside = rng.integers(0, seeds, (400, prompts, seeds))
        means = clips[drawn[:, :, None], inside].mean(axis=(1, 2))
        low, high = interval(means, clips.mean(), prompts)
        sure += low <= 0 <= high
    assert sure / DRAWS > 0.985


def test_skewed_scores_are_covered_too():
    less = np.random.default_rng(0).exponential(0.3, (30, DRAWS))
    assert 0.92 <= held(less, 0.3) <= 0.97


def test_the_interval_of_one_seed_a_prompt_is_students():
    rng = np.random.default_rng(0)
    for prompts in (10, 40):
        less = rng.normal(0.2, 0.5, prompts)
        low, high = stats.t.interval(0.95, prompts - 1, less.mean(), stats.sem(less))
        found = compare(pd.DataFrame({"A": 0 * less, "B": less}), 20_000)["differences"][0]
        assert found["difference"] == pytest.approx(less.mean())
        assert found["interval"] == pytest.approx([low, high], abs=0.05 * (high - low))


def test_every_flip_of_few_prompts_is_tried_as_scipy_does():
    for prompts in (2, 5, 10):
        less = np.random.default_rng(prompts).normal(0.3, 1, prompts)
        known = stats.permutation_test(
            (less,), np.mean, permutation_type="samples", n_resamples=2000
        )
        found = flip_test(less[:, None], np.random.default_rng(0))
        assert found == pytest.approx(known.pvalue)


def test_random_flips_of_many_prompts_come_near_the_exact_answer():
    rng = np.random.default_rng(0)
    less = rng.normal(0.25, 1, (60, 20))
    student = stats.ttest_1samp(less, 0).pvalue
    assert flip_test(less, rng) == pytest.approx(student, abs=0.02)
    assert flip_test(np.ones((60, 1)), rng) > 0


@pytest.mark.parametrize("prompts", [12, 40])
def test_p_is_uniform_where_there_is_no_difference(prompts):
    rng = np.random.default_rng(1)
    p = flip_test(rng.laplace(0, 1, (prompts, 4000)), rng)
    assert stats.kstest(p, "uniform").pvalue > 0.01
    assert np.mean(p <= 0.05) == pytest.approx(0.05, abs=0.01)


@pytest.mark.parametrize("effect", [0.35, 0.5, 0.9])
def test_the_prompts_needed_are_right_within_a_fifth(effect):
    rng, needed = np.random.default_rng(0), prompts_needed(effect * 0.4, 0.4)

    def power(prompts):
        less = rng.normal(effect * 0.4, 0.4, (prompts, 4000))
        return np.mean(stats.ttest_1samp(less, 0).pvalue <= 0.05)

    assert power(int(0.8 * needed)) < 0.8 < power(int(np.ceil(1.2 * needed)))
    assert power(needed) == pytest.approx(0.8, abs=0.03)
    less = rng.normal(effect * 0.4, 0.4, (needed, 500))
    assert np.mean(flip_test(less, rng) <= 0.05) == pytest.approx(0.8, abs=0.06)


def test_what_is_detectable_is_what_so_many_prompts_are_needed_for():
    for prompts in (5, 20, 300):
        assert prompts_needed(detectable(0.4, prompts) * 1.0001, 0.4) == prompts
    assert prompts_needed(0, 0.4) is None
    assert prompts_needed(0.1, 0) == 2


def test_among_many_comparisons_more_prompts_are_needed():
    rng, comparisons = np.random.default_rng(0), 15
    needed = prompts_needed(0.2, 0.4, comparisons)
    assert prompts_needed(0.2, 0.4) < needed
    p = stats.ttest_1samp(rng.normal(0.2, 0.4, (needed, 4000)), 0).pvalue
    assert np.mean(p <= 0.05 / comparisons) == pytest.approx(0.8, abs=0.04)
    assert detectable(0.4, 2, comparisons) is None
    least = detectable(0.4, 30, comparisons)
    assert prompts_needed(least * 1.0001, 0.4, comparisons) == 30


def test_how_many_more_are_needed_is_told_beside_those_that_are_there():
    less = np.random.default_rng(0).normal(0.1, 0.5, 12)
    found = paired(less)
    assert found["prompts_needed"] == prompts_needed(less.mean().round(9), less.std(ddof=1))
    assert found["more_prompts"] == found["prompts_needed"] - 12 > 0
    assert paired(less + 3)["more_prompts"] == 0


def test_the_order_of_rows_changes_nothing():
    clips = clips_of(9, 3)
    shuffled = clips.sample(frac=1, random_state=1).sort_values("system", kind="stable")
    one, two = (compare(scores_by_prompt(table, "omq")) for table in (clips, shuffled))
    assert one == two


def test_turned_round_every_figure_changes_its_sign():
    clips = clips_of(9, 2)
    there = compare(scores_by_prompt(clips, "omq"))["differences"][0]
    back = compare(scores_by_prompt(clips[::-1], "omq"))["differences"][0]
    assert (there["system"], there["less"]) == (back["less"], back["system"]) == ("B", "A")
    assert back["difference"] == -there["difference"]
    assert back["interval"] == pytest.approx([-end for end in there["interval"][::-1]])
    assert (back["wins"], back["p"]) == pytest.approx((1 - there["wins"], there["p"]))
    assert back["prompts_needed"] == there["prompts_needed"]


def test_seeds_are_averaged_and_prompts_count_alike():
    rows = [("A", "p", 1.0), ("A", "q", 2.0), ("B", "p", 2.0), ("B", "p", 4.0), ("B", "q", 2.0)]
    rows += [("A", "only here", 5.0), ("B", "p", np.nan)]
    scores = scores_by_prompt(pd.DataFrame(rows, columns=["system", "prompt", "ta"]), "ta")
    assert scores.to_dict("list") == {"A": [1.0, 2.0], "B": [3.0, 2.0]}
    found = compare(scores)["differences"][0]
    assert (found["difference"], found["wins"]) == (1.0, 0.75)  # a win and a tie


def test_one_prompt_has_a_difference_and_no_interval():
    found = paired(np.array([0.5]))
    assert found["interval"] is found["prompts_needed"] is found["detectable"] is None
    assert (found["difference"], found["p"], found["wins"]) == (0.5, 1.0, 1.0)


def test_systems_that_score_alike_are_told_so():
    found = paired(np.zeros(8))
    assert (found["difference"], found["interval"], found["wins"]) == (0, [0, 0], 0.5)
    assert (found["p"], found["more_prompts"]) == (1, None)


def test_holm_is_as_published():
    # Rank by rank: 4 x 0.005, 3 x 0.01, 2 x 0.03, then never less than before.
    assert holm(np.array([0.01, 0.04, 0.03, 0.005])) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm(np.array([0.6, 0.7])).tolist() == [1, 1]


def test_nothing_is_called_apart_more_often_than_holm_allows():
    rng, wrong = np.random.default_rng(0), 0
    for _ in range(300):
        ranking = compare(pd.DataFrame(rng.normal(0, 1, (20, 4)), columns=list("ABCD")), 1)
        wrong += len({row["groups"] for row in ranking["ranking"]}) > 1
    assert wrong / 300 <= 0.07


def test_systems_share_a_letter_unless_they_are_told_apart():
    assert group(["A", "B", "C"], []) == {"A": "a", "B": "a", "C": "a"}
    assert group(["A", "B", "C"], [("A", "C")]) == {"A": "a", "B": "ab", "C": "b"}
    apart = [("A", "B"), ("A", "C"), ("B", "C")]
    assert group(["A", "B", "C"], apart) == {"A": "a", "B": "b", "C": "c"}
    rng, names = np.random.default_rng(0), list("ABCDEFG")
    for _ in range(50):
        pairs = [(a, b) for a in names for b in names if a < b]
        apart = [pair for pair in pairs if rng.random() < 0.4]
        letters = group(names, apart)
        for pair in pairs:
            shared = set(letters[pair[0]]) & set(letters[pair[1]])
            assert bool(shared) == (pair not in apart)


def test_however_many_groups_there_are_each_has_one_letter():
    names = [f"s{place:03d}" for place in range(120)]
    apart = [(one, other) for place, one in enumerate(names) for other in names[place + 1 :]]
    letters = group(names, apart)
    assert {len(own) for own in letters.values()} == {1}
    assert len({*letters.values()}) == 120


def test_a_ranking_sets_the_better_first_and_measures_from_the_mean_of_all():
    rng = np.random.default_rng(0)
    prompts = rng.normal(0, 1, 20)
    levels = {"X": 1, "Y": 3, "Z": 1}
    table = {name: prompts + level + rng.normal(0, 0.1, 20) for name, level in levels.items()}
    ranking = compare(pd.DataFrame(table))["ranking"]
    assert ranking[0]["system"] == "Y"
    assert [row["groups"] for row in ranking] == ["a", "b", "b"]
    assert sum(row["above"] for row in ranking) == pytest.approx(0)
    low, high = ranking[0]["interval"]
    assert low < ranking[0]["above"] < high < low + 0.2  # prompts' own levels are out of it


def test_groups_stand_on_students_p_after_holm():
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal([0, 0.5, 1.5], 1, (9, 3)), columns=list("ABC"))
    found = compare(table)
    pairs = [(table[one["system"]], table[one["less"]]) for one in found["differences"]]
    p = holm(np.array([stats.ttest_rel(*pair).pvalue for pair in pairs]))
    assert [one["p_holm"] for one in found["differences"]] == pytest.approx(p)
    groups = {row["system"]: {*row["groups"]} for row in found["ranking"]}
    for one in found["differences"]:
        assert bool(groups[one["system"]] & groups[one["less"]]) == (one["p_holm"] > 0.05)


def test_systems_far_apart_are_told_on_few_prompts_however_many_there_are():
    rng = np.random.default_rng(0)
    levels = np.linspace(1, 5, 20)
    names = [f"s{place:02d}" for place in range(20)]
    ranking = compare(pd.DataFrame(rng.normal(levels, 0.1, (5, 20)), columns=names))["ranking"]
    assert not {*ranking[0]["groups"]} & {*ranking[-1]["groups"]}
    assert student(np.zeros((5, 1))) == student(np.ones((1, 1))) == 1
    assert student(np.ones((5, 1))) == 0
