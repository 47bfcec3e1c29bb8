from typing import get_args

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whisq.corpus.splits import Protocol, Split, assign, nth_fold


@pytest.fixture(scope="module")
def tables():
    names = [(f"S{s:03d}", p) for s in range(1, 12) for p in range(1, 14)]
    clips = pd.DataFrame(names, columns=["system", "prompt"])
    clips["prompt"] = "prompt " + clips["prompt"].astype(str)
    clips["id"] = [f"x-{s}_{p}" for s, p in names]
    return clips[["id"]].assign(split="train", omq=3.0), clips


def split_of(tables, protocol, fold=0, folds=4, seed=0):
    split = Split(protocol=protocol, folds=folds, fold=fold, seed=seed)
    return assign(*tables, split).merge(tables[1], on="id")


def crossings(table, column):
    return (table.groupby(column)["split"].nunique() > 1).sum()


@settings(max_examples=25, deadline=None)
@given(folds=st.integers(3, 6), fold=st.integers(0, 2), seed=st.integers(0, 2**31))
def test_no_group_crosses(tables, folds, fold, seed):
    assert crossings(split_of(tables, "systems", fold, folds, seed), "system") == 0
    assert crossings(split_of(tables, "prompts", fold, folds, seed), "prompt") == 0
    both = split_of(tables, "systems_and_prompts", fold, folds, seed)
    assert crossings(both, "system") == crossings(both, "prompt") == 0
    assert set(both["split"]) == {"train", "dev", "test"}


@pytest.mark.parametrize(("protocol", "count"), [("systems", 4), ("systems_and_prompts", 16)])
def test_over_all_folds_every_clip_is_tested_once(tables, protocol, count):
    tested = [
        key
        for fold in range(count)
        for key in split_of(tables, protocol, fold).query("split == 'test'")["id"]
    ]
    assert sorted(tested) == sorted(tables[1]["id"])


def test_the_order_of_rows_does_not_matter(tables):
    ratings, clips = tables
    shuffled = ratings.sample(frac=1, random_state=1), clips.sample(frac=1, random_state=2)
    for protocol in get_args(Protocol):
        split = Split(protocol=protocol, folds=4, fold=1, seed=7)
        a = assign(ratings, clips, split).set_index("id")["split"]
        b = assign(*shuffled, split).set_index("id")["split"]
        pd.testing.assert_series_equal(a.sort_index(), b.sort_index())


def test_another_seed_is_another_division(tables):
    first, second = (split_of(tables, "systems", seed=seed) for seed in (0, 1))
    assert not first["split"].equals(second["split"])


def test_the_official_split_is_the_corpuss_own(tables):
    assert assign(*tables, Split()) is tables[0]


def test_a_p_id_that_two_texts_share_is_two_groups(tables):
    ratings, clips = tables
    clips = clips.assign(prompt_id="P001")
    both = assign(ratings, clips, Split(protocol="prompts", folds=4))
    assert both["split"].nunique() == 3


def test_prompts_that_differ_in_order_alone_are_held_out_together(tables):
    ratings, clips = tables
    clips = clips.copy()
    clips["prompt"] = [
        f"A flute, then drums: {kind}." if row % 2 else f"Drums, then a flute: {kind}."
        for row, kind in enumerate(clips["prompt"].str.removeprefix("prompt "))
    ]
    both = assign(ratings, clips, Split(protocol="prompts", folds=4)).merge(clips, on="id")
    both["kind"] = both["prompt"].str.extract(r": (\d+)")
    assert both["prompt"].nunique() == 2 * both["kind"].nunique()
    assert crossings(both, "kind") == 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("genres", 5, 0), "should be 'official', 'systems'"),
        (("systems", 2, 0), "greater than or equal to 3"),
        (("systems", 5, 5), r"in 0..4 for systems, given 5"),
        (("systems_and_prompts", 5, 25), r"in 0..24"),
        (("systems", 12, 0), "12 folds of 11 systems"),
    ],
)
def test_what_can_not_be_split_so_is_told(tables, arguments, told):
    with pytest.raises(ValueError, match=told):
        assign(*tables, Split(protocol=arguments[0], folds=arguments[1], fold=arguments[2]))


def test_the_next_fold_is_dev_and_is_tested_next(tables):
    for fold in range(4):
        now, then = (split_of(tables, "systems", number % 4) for number in (fold, fold + 1))
        dev = set(now[now["split"] == "dev"]["system"])
        assert dev == set(then[then["split"] == "test"]["system"])


@pytest.mark.parametrize("first", [0, 4, 12])
def test_as_many_trainings_as_folds_test_each_system_and_each_prompt(tables, first):
    folds = [nth_fold("systems_and_prompts", 4, number) for number in range(first, first + 4)]
    tested = pd.concat([split_of(tables, "systems_and_prompts", fold) for fold in folds])
    tested = tested[tested["split"] == "test"]
    assert tested["system"].nunique() == 11
    assert tested["prompt"].nunique() == 13


@pytest.mark.parametrize(("protocol", "count"), [("systems", 4), ("systems_and_prompts", 16)])
def test_no_fold_is_tested_twice_before_all_were(protocol, count):
    assert {nth_fold(protocol, 4, number) for number in range(count)} == set(range(count))
