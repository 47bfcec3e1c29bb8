import numpy as np
import pytest

from whisq.rendered import faults
from whisq.rendered.systems import ALIGNMENT, FAILINGS, systems


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


@pytest.mark.parametrize("counts", [(3, 0, 0), (10, 10, 20), (10, 4, 3), (10, 0, 5)])
def test_counts_out_of_range_are_refused(counts):
    with pytest.raises(ValueError, match="at least 4"):
        systems(*counts, np.random.default_rng(0))
