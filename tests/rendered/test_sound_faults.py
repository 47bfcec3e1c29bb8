import numpy as np
import pytest

from whisq.rendered.sound_faults import (
    clipping,
    dropouts,
    metal,
    narrow_band,
    noise,
    pumping,
    wow,
)
from whisq.rendered.synthesis import RATE

TIME = np.arange(4 * RATE) / RATE


def _rng():
    return np.random.default_rng(0)


def _tone(hertz):
    return 0.1 * np.sin(2 * np.pi * hertz * TIME)


def _decibels(one, other):
    return 20 * np.log10(np.std(one) / np.std(other))


@pytest.mark.parametrize("hertz", [100, 3000])
def test_a_narrow_band_keeps_the_middle_and_loses_both_ends(hertz):
    assert _decibels(narrow_band(_tone(520), 1.0, _rng()), _tone(520)) > -3
    assert _decibels(narrow_band(_tone(hertz), 1.0, _rng()), _tone(hertz)) < -20
    assert abs(_decibels(narrow_band(_tone(hertz), 0.1, _rng()), _tone(hertz))) < 1


@pytest.mark.parametrize(("strength", "ratio"), [(0.05, 36.1), (0.5, 19), (1.0, 0)])
def test_noise_lies_below_the_music_by_what_its_strength_says(strength, ratio):
    clean = _tone(440)
    hiss = noise(clean, strength, _rng()) - clean
    assert _decibels(clean, hiss) == pytest.approx(ratio, abs=0.2)


def test_clipping_flattens_the_peaks_and_keeps_the_loudness():
    clean = _tone(440)
    crests = []
    for strength in (0.2, 0.6, 1.0):
        spoilt = clipping(clean, strength, _rng())
        assert _decibels(spoilt, clean) == pytest.approx(0, abs=0.01)
        crests.append(np.abs(spoilt).max() / spoilt.std())
    assert crests == sorted(crests, reverse=True)
    assert crests[-1] == pytest.approx(1, abs=0.05)  # a square wave


def test_wow_swims_by_the_cents_that_its_strength_says():
    swum = wow(_tone(440).astype(np.float32), 1.0, _rng())
    ups = np.flatnonzero((swum[:-1] < 0) & (swum[1:] >= 0))
    exact = ups - swum[ups] / (swum[ups + 1] - swum[ups])
    cents = 1200 * np.log2(RATE / np.diff(exact)[20:-20] / 440)
    assert cents.max() == pytest.approx(250, abs=25)
    assert cents.min() == pytest.approx(-250, abs=45)


def test_dropouts_grow_with_strength_and_stay_where_they_were():
    clean = np.ones(8 * RATE)
    gone = [dropouts(clean, strength, _rng()) < 0.5 for strength in (0.2, 0.5, 1.0)]
    assert 0 < gone[0].mean() < gone[1].mean() < gone[2].mean() < 0.6
    assert (gone[1] | ~gone[0]).all()
    assert (gone[2] | ~gone[1]).all()


def test_metal_leaves_few_bins_and_the_loudness():
    clean = np.random.default_rng(1).standard_normal(4 * RATE) * 0.1

    def flatness(samples):
        power = np.abs(np.fft.rfft(samples[RATE : RATE + 512])) ** 2 + 1e-9
        return np.exp(np.log(power).mean()) / power.mean()

    spoilt = [metal(clean, strength, _rng()) for strength in (0.3, 1.0)]
    assert flatness(spoilt[1]) < flatness(spoilt[0]) < flatness(clean)
    assert all(_decibels(one, clean) == pytest.approx(0, abs=0.01) for one in spoilt)


def test_pumping_ducks_by_what_its_strength_says_and_keeps_the_loudness():
    clean = _tone(1000)
    swings = []
    for strength in (0.25, 1.0):
        spoilt = pumping(clean, strength, _rng())
        level = np.abs(spoilt).reshape(-1, 32).max(axis=1)
        swings.append(20 * np.log10(level.max() / level.min()))
        assert _decibels(spoilt, clean) == pytest.approx(0, abs=0.01)
    assert swings[0] == pytest.approx(9, abs=1.5)
    assert swings[1] == pytest.approx(36, abs=4)


@pytest.mark.parametrize("fault", [narrow_band, noise, clipping, wow, dropouts, metal, pumping])
def test_a_fault_keeps_the_length_and_stays_finite_even_on_silence(fault):
    for samples in (np.zeros(5000), _tone(300)[:4321]):
        spoilt = fault(samples.astype(np.float32), 1.0, _rng())
        assert spoilt.shape == samples.shape
        assert np.isfinite(spoilt).all()
