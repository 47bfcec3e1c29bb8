import numpy as np
import pytest

from whisq.rendered import faults
from whisq.rendered.faults import Fault
from whisq.rendered.studio import length, render
from whisq.rendered.synthesis import RATE


def _level(samples):
    return 20 * np.log10(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))


@pytest.mark.parametrize("seed", range(5))
def test_a_clean_clip_sounds_throughout_and_is_not_clipped(whole, ordered, seed):
    for request in (whole, ordered):
        samples = render(request, (), seed)
        assert samples.dtype == np.float32
        assert len(samples) == round(length(seed) * RATE)
        assert 5.5 * RATE <= len(samples) <= 7.5 * RATE
        assert np.abs(samples).max() <= 0.99 + 1e-6
        tenths = samples[: len(samples) // 1600 * 1600].reshape(-1, 1600)
        assert np.mean(tenths.std(axis=1) > 1e-3) > 0.9


def test_a_clip_is_a_function_of_request_faults_and_seed(ordered):
    spoilt = [Fault("wow", 0.4), Fault("detune", 0.5, 0.2, 0.6)]
    one, other = (render(ordered, spoilt, (7, 1)) for _ in range(2))
    assert np.array_equal(one, other)
    assert not np.array_equal(one, render(ordered, spoilt, (7, 2)))


@pytest.mark.parametrize("name", faults.NAMES)
def test_strength_zero_is_the_clean_clip(ordered, name):
    assert np.array_equal(render(ordered, [Fault(name, 0.0)], 5), render(ordered, (), 5))


@pytest.mark.parametrize("name", faults.NAMES)
def test_every_fault_is_heard_at_full_strength_throughout_and_for_a_moment(ordered, name):
    clean = render(ordered, (), 5)
    for fault in (Fault(name, 1.0), Fault(name, 1.0, 0.3, 0.6)):
        difference = render(ordered, [fault], 5) - clean
        assert _level(difference) > _level(clean) - 20


@pytest.mark.parametrize("name", ["narrow_band", "noise", "clipping", "metal", "pumping"])
def test_a_stronger_fault_is_farther_from_the_clean_clip(ordered, name):
    clean = render(ordered, (), 5)
    away = [
        _level(render(ordered, [Fault(name, strength)], 5) - clean)
        for strength in (0.1, 0.3, 0.6, 1.0)
    ]
    assert away == sorted(away)


def test_the_loudness_does_not_tell_the_fault(ordered):
    """What sounds is as loud with any fault as without."""

    def sounding(samples):
        frames = samples[: len(samples) // 320 * 320].reshape(-1, 320)
        power = np.mean(np.square(frames, dtype=np.float64), axis=1)
        return 10 * np.log10(power[power > 1e-4 * power.max()].mean())

    clean = sounding(render(ordered, (), 5))
    for name in faults.NAMES:
        assert sounding(render(ordered, [Fault(name, 0.8)], 5)) == pytest.approx(clean, abs=0.6)


def test_clips_of_many_seeds_spread_in_loudness_by_a_few_decibels(whole):
    levels = [_level(render(whole, (), seed)) for seed in range(12)]
    assert 1 < np.ptp(levels) < 6
