"""The full-sized corpus, unrendered: its shape, and its raters against MusicEval's."""

from collections import Counter, defaultdict

import numpy as np
import pytest

from whisq.rendered import faults, listeners
from whisq.rendered.takes import Rendered, cast


def reliability(ratings):
    """One rater's and the mean rater's reliability: one-way ICC(1, 1) and ICC(1, k)."""
    raters = ratings.shape[1]
    between = raters * ratings.mean(axis=1).var(ddof=1)
    within = ratings.var(axis=1, ddof=1).mean()
    single = (between - within) / (between + (raters - 1) * within)
    return single, (between - within) / between


@pytest.fixture(scope="module", params=range(3))
def full(request):
    return cast(Rendered(seed=request.param))


@pytest.fixture(scope="module")
def ratings(full):
    return np.stack([take.ratings[:, 1:] for take in full.takes]).astype(float)


def test_it_has_the_clips_of_25_systems_and_the_demo_clips_of_six(full):
    clips = Counter(take.system for take in full.takes)
    assert len(full.takes) == len({take.id for take in full.takes}) == 2748
    assert len(clips) == 31
    assert Counter(clips.values())[100] == 25


def test_it_is_split_by_clip_as_musiceval_is(full):
    splits = Counter(take.split for take in full.takes)
    assert splits == {"train": 1923, "dev": 412, "test": 413}
    assert len({take.system for take in full.takes if take.split == "test"}) > 25


def test_raters_agree_as_musicevals_do(ratings):
    """Published for omq: 0.49 for one rater, 0.83 for the mean of five."""
    for axis in range(2):
        single, mean = reliability(ratings[:, :, axis])
        assert single == pytest.approx(0.49, abs=0.04)
        assert mean == pytest.approx(0.83, abs=0.03)


def test_labels_lie_and_spread_as_musicevals_do(ratings):
    omq, ta = ratings.mean(axis=1).T
    assert omq.mean() == pytest.approx(3.29, abs=0.15)
    assert ta.mean() == pytest.approx(3.45, abs=0.3)
    assert 0.85 < omq.std() < 0.92
    assert 0.79 < ta.std() < 0.87


def test_quality_does_not_give_the_alignment_away(ratings):
    omq, ta = ratings.mean(axis=1).T
    assert 0.35 < np.corrcoef(omq, ta)[0, 1] < 0.55


def test_systems_spread_as_musicevals_do(full, ratings):
    """Measured on MusicEval: 0.69 and 0.50 over the systems' means."""
    means = defaultdict(list)
    for take, row in zip(full.takes, ratings.mean(axis=1), strict=True):
        means[take.system].append(row)
    spread = np.std([np.mean(rows, axis=0) for rows in means.values()], axis=0)
    assert spread == pytest.approx([0.69, 0.5], abs=0.08)


def test_a_third_of_the_orders_fail_and_both_members_of_a_pair_alike(full):
    failed = defaultdict(list)
    for take in full.takes:
        request = take.prompt.request
        if request.order and not take.prompt.key.endswith(".wav"):
            wrong = any(failure.name.startswith("order") for failure in take.failures)
            failed[take.prompt.key].append(wrong)
    shares = [np.mean(rows) for rows in failed.values()]
    assert len(shares) == 50
    assert 0.25 < np.mean(shares) < 0.5
    assert 0 < min(shares) <= max(shares) < 0.8


def test_demo_numbers_clash_with_shared_prompts_and_run_beyond_them(full):
    demo = {prompt.key for prompt in full.prompts if prompt.key.endswith(".wav")}
    numbers = [int(key[-7:-4]) for key in demo]
    assert len(demo) == 248
    assert min(numbers) == 1
    assert max(numbers) > 48


def test_the_seed_decides_everything():
    size = {"systems": 6, "demo_systems": 2, "prompts": 8, "demo_clips": 12}
    one, same, other = (cast(Rendered(**size, seed=seed)) for seed in (1, 1, 2))
    assert [take.seed for take in one.takes] == [take.seed for take in same.takes]
    assert one.prompts == same.prompts != other.prompts
    assert [take.faults for take in one.takes] == [take.faults for take in same.takes]
    assert [take.omq for take in one.takes] != [take.omq for take in other.takes]


@pytest.mark.parametrize(
    ("choices", "told"),
    [
        ({"systems": 3}, "greater than or equal to 4"),
        ({"prompts": 3}, "greater than or equal to 4"),
        ({"systems": 10, "demo_systems": 10}, "demo_systems must be fewer than systems, given 10"),
        ({"demo_systems": 4, "demo_clips": 3}, "one or more for each of 4 demo_systems, given 3"),
        ({"demo_systems": 0, "demo_clips": 5}, "one or more for each of 0 demo_systems, given 5"),
    ],
)
def test_counts_that_make_no_corpus_are_refused(choices, told):
    with pytest.raises(ValueError, match=told):
        Rendered(**choices)


def test_what_a_clip_is_worth_follows_from_what_was_done_to_it_and_nothing_else(full):
    for take in full.takes[::50]:
        damage = sum(fault.damage for fault in take.faults)
        lost = sum(faults.LOSS[fail.name] * fail.strength for fail in take.failures)
        assert take.omq == listeners.omq(damage)
        assert take.ta == listeners.ta(lost, take.omq)


def test_the_reference_sounds_as_well_as_can_be_and_nobody_sounds_better(full):
    [reference] = [system.name for system in full.systems if not system.faults]
    best = {take.omq for take in full.takes if take.system == reference}
    assert best == {listeners.BEST}
    assert max(take.omq for take in full.takes) == listeners.BEST


def test_who_plays_as_asked_is_aligned_but_for_what_the_sound_adds(full):
    for take in full.takes:
        asked = take.prompt.request
        if not take.failures:
            assert take.ta == listeners.ta(0.0, take.omq)
            assert (take.played.first, take.played.then) == (asked.first, asked.then)


def test_systems_that_share_prompts_are_asked_the_same_and_the_others_are_asked_alone(full):
    shared = [prompt.key for prompt in full.prompts[:100]]
    alone = {system.name for system in full.systems if system.demo_clips}
    for system in full.systems:
        keys = [take.prompt.key for take in full.takes if take.system == system.name]
        if system.name in alone:
            assert keys == [take.file for take in full.takes if take.system == system.name]
        else:
            assert keys == shared
