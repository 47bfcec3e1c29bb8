import itertools
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from whisq.rendered import faults, listeners
from whisq.rendered.repertoire import BANDS, CHOICES
from whisq.rendered.requests import Request, reverse
from whisq.rendered.systems import ALIGNMENT, FAILINGS, distance, follow, spoil, systems


@pytest.fixture(params=range(3))
def drawn(request):
    return systems(31, 6, 248, np.random.default_rng(request.param))


def test_quality_and_skill_are_spread_and_correlated_by_design_not_by_luck(drawn):
    quality, skill = np.array([(one.quality, one.skill) for one in drawn]).T
    assert quality.mean() == pytest.approx(0, abs=1e-9)
    assert quality.std() == pytest.approx(1)
    assert skill.std() == pytest.approx(1)
    assert np.corrcoef(quality, skill)[0, 1] == pytest.approx(ALIGNMENT, abs=1e-9)
    gaps = np.diff(np.sort(quality))
    assert gaps.min() > 0.07  # evenly spaced quantiles: no two systems alike


def test_one_system_is_free_of_faults_and_it_is_the_best_of_the_shared(drawn):
    clean = [one for one in drawn if not one.faults]
    assert len(clean) == 1
    shared = [one for one in drawn if not one.demo_clips]
    assert clean[0].quality == max(one.quality for one in shared)


def test_the_others_have_two_to_four_faults_whose_weights_sum_to_one(drawn):
    for one in drawn:
        if one.faults:
            assert 2 <= len(one.faults) <= 4
            assert set(one.faults) <= set(faults.NAMES)
            assert sum(one.faults.values()) == pytest.approx(1)


def test_demo_systems_share_their_clips_as_unevenly_as_in_musiceval(drawn):
    clips = [one.demo_clips for one in drawn if one.demo_clips]
    assert len(clips) == 6
    assert sum(clips) == 248
    assert max(clips) > 48 > min(clips)


def test_a_system_is_prone_to_everything(drawn):
    for one in drawn:
        assert set(one.failings) == set(FAILINGS)
        assert all(0.5 < weight < 1.5 for weight in one.failings.values())


def test_there_may_be_no_demo_systems():
    drawn = systems(4, 0, 0, np.random.default_rng(0))
    assert not any(one.demo_clips for one in drawn)


@pytest.fixture(scope="module")
def band():
    return systems(31, 6, 248, np.random.default_rng(0))


@pytest.fixture
def clumsy(band):
    return replace(band[0], skill=-6.0)


def _spoil_often(system, count=200):
    rng = np.random.default_rng(1)
    return [spoil(system, rng) for _ in range(count)]


def test_the_reference_never_has_a_fault(band):
    reference = next(one for one in band if not one.faults)
    assert not any(_spoil_often(reference))


def test_better_systems_do_less_damage(band):
    spoilt = [one for one in band if one.faults]
    damage = [
        np.mean([sum(fault.damage for fault in clip) for clip in _spoil_often(one)])
        for one in spoilt
    ]
    assert np.corrcoef(damage, [one.quality for one in spoilt])[0, 1] < -0.9


def test_a_system_shows_its_own_faults_and_seldom_a_stray_one(band):
    for one in band[:8]:
        clips = _spoil_often(one)
        stray = [any(fault.name not in one.faults for fault in clip) for clip in clips]
        assert np.mean(stray) < 0.25
        for clip in clips:
            assert len({fault.name for fault in clip}) == len(clip)
            assert all(0.03 <= fault.strength <= 1 for fault in clip)


def test_about_half_of_the_faulty_clips_have_a_fault_at_a_moment(band):
    clips = [clip for one in band for clip in _spoil_often(one, 40) if clip]
    moments = [fault for clip in clips for fault in clip if fault.start is not None]
    assert 0.3 < np.mean([any(f.start is not None for f in clip) for clip in clips]) < 0.7
    assert all(0 < fault.start < fault.end < 1 for fault in moments)
    assert not any(fault.name == "abrupt_end" for fault in moments)


def test_who_gets_everything_right_plays_what_was_asked(band, whole, ordered):
    perfect, rng = replace(band[0], skill=50.0), np.random.default_rng(0)
    for request in (whole, ordered):
        played, failures = follow(perfect, request, rng)
        assert failures == ()
        assert all(getattr(played, name) == getattr(request, name) for name in request.judged)
        assert (played.first, played.then) == (request.first, request.then)


def test_what_the_prompt_leaves_open_is_played_in_many_ways(band, whole):
    perfect, rng = replace(band[0], skill=50.0), np.random.default_rng(0)
    loose = replace(whole, held=("tempo",))
    played = [follow(perfect, loose, rng)[0] for _ in range(200)]
    assert {one.tempo for one in played} == {"slow"}
    for name in ("kind", "instrument", "mode"):
        assert {getattr(one, name) for one in played} == set(CHOICES[name])


def test_who_is_asked_for_a_band_plays_one(clumsy):
    request = Request("rock", "guitar trio", "slow", "major", held=("kind",), order="")
    rng = np.random.default_rng(0)
    played = [follow(clumsy, request, rng)[0] for _ in range(100)]
    assert {one.band for one in played} == {True}
    assert {one.instrument for one in played} == set(BANDS.choices["instrument"])


def test_every_failure_is_one_and_every_difference_is_a_failure(clumsy, whole):
    rng = np.random.default_rng(0)
    for _ in range(200):
        played, failures = follow(clumsy, whole, rng)
        differ = {name for name in whole.judged if getattr(played, name) != getattr(whole, name)}
        assert {failure.name for failure in failures} == differ
        for failure in failures:
            asked, got = getattr(whole, failure.name), getattr(played, failure.name)
            assert failure.strength == distance(failure.name, asked, got) > 0


@pytest.mark.parametrize("aspect", ["instrument", "tempo", "dynamics", "kind"])
def test_an_order_fails_by_reversal_by_half_or_by_another_second(clumsy, ordered, aspect):
    values = {aspect: CHOICES[aspect][0], "then": CHOICES[aspect][-1]}
    request = replace(ordered, order=aspect, held=(aspect,), **values)
    rng, found = np.random.default_rng(0), Counter()
    for _ in range(300):
        played, failures = follow(clumsy, request, rng)
        for failure in failures:
            found[failure.name] += 1
            if failure.name == "order_reversed":
                assert played.first == reverse(request).first
                assert played.then == reverse(request).then
            elif failure.name == "order_first_only":
                assert played.order == ""
                assert getattr(played, aspect) == request.first
            else:
                assert played.first == request.first
                assert played.then not in (request.first, request.then)
    assert set(found) == {"order_reversed", "order_first_only", "order_other_second"}
    assert found.most_common(1)[0][0] == "order_reversed"


def test_the_less_skilled_fail_more(band, whole):
    rng = np.random.default_rng(0)
    shares = [
        np.mean([len(follow(replace(band[0], skill=skill), whole, rng)[1]) for _ in range(300)])
        for skill in (-2.0, 0.0, 2.0)
    ]
    assert shares[0] > 1.5 * shares[1] > 2 * shares[2]


def test_distance_is_a_share_of_the_farthest():
    assert distance("tempo", "slow", "slow") == 0
    assert distance("tempo", "slow", "medium") == distance("tempo", "fast", "medium") == 0.5
    assert distance("tempo", "slow", "fast") == distance("mode", "major", "minor") == 1
    assert distance("instrument", "piano", "harpsichord") == 0.6
    assert distance("instrument", "piano", "choir") == 1
    assert distance("kind", "march", "hymn") == 1


def test_the_damage_asked_for_is_done_where_faults_can_do_it(band):
    average = replace(next(one for one in band if len(one.faults) > 2), quality=0.0)
    latent = [listeners.omq(sum(fault.damage for fault in clip)) for clip in _spoil_often(average)]
    assert np.mean(latent) == pytest.approx(3.3, abs=0.25)
    assert np.std(latent) == pytest.approx(0.5, abs=0.15)


def test_distance_does_not_depend_on_which_of_two_was_asked_for():
    for attribute, values in CHOICES.items():
        for one, other in itertools.product(values, repeat=2):
            there = distance(attribute, one, other)
            assert there == distance(attribute, other, one)
            assert (there == 0) == (one == other)
            assert 0 <= there <= 1
