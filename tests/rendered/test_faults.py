import numpy as np
import pytest

from whisq.rendered import faults
from whisq.rendered.faults import NOTE_FAULTS, SOUND_FAULTS, Fault, apply, disturb
from whisq.rendered.synthesis import RATE, Notes

OF_SOUND = (*SOUND_FAULTS, "abrupt_end")
COUNT = 4000
TIME = np.arange(4 * RATE) / RATE


@pytest.fixture
def samples():
    time = np.arange(5 * RATE) / RATE
    chord = sum(np.sin(2 * np.pi * hertz * time) for hertz in (220, 277, 330, 1760))
    return (0.05 * chord).astype(np.float32)


@pytest.fixture
def notes():
    return Notes(np.arange(50, 90), np.arange(40) * 0.1, np.full(40, 0.1), np.zeros(40))


def _rng(seed=4):
    return np.random.default_rng(seed)


def test_every_fault_is_of_the_playing_or_of_the_sound():
    assert set(faults.NAMES) == set(NOTE_FAULTS) | set(OF_SOUND)
    assert not set(NOTE_FAULTS) & set(OF_SOUND)


@pytest.mark.parametrize("name", OF_SOUND)
def test_strength_zero_changes_nothing(name, samples):
    assert apply(name, samples, 0.0, None, _rng()) is samples


@pytest.mark.parametrize("name", NOTE_FAULTS)
def test_strength_zero_plays_the_notes_as_written(name, notes):
    assert disturb(name, notes, 0.0, None, _rng()) is notes


@pytest.mark.parametrize("name", SOUND_FAULTS)
def test_a_moment_leaves_the_rest_untouched(name, samples):
    spoilt = apply(name, samples, 1.0, (1.0, 2.5), _rng())
    inside = slice(RATE, round(2.5 * RATE))
    assert not np.array_equal(spoilt[inside], samples[inside])
    assert np.array_equal(spoilt[:RATE], samples[:RATE])
    assert np.array_equal(spoilt[inside.stop :], samples[inside.stop :])
    assert spoilt.dtype == np.float32


@pytest.mark.parametrize("name", SOUND_FAULTS)
def test_a_moment_joins_without_a_click(name, samples):
    spoilt = apply(name, samples, 0.6, (1.0, 2.5), _rng())
    for edge in (RATE, round(2.5 * RATE)):
        assert abs(spoilt[edge] - spoilt[edge - 1]) < 3 * np.abs(np.diff(samples)).max()


@pytest.mark.parametrize("name", NOTE_FAULTS)
def test_a_moment_leaves_the_other_notes_untouched(name, notes):
    spoilt = disturb(name, notes, 1.0, (1.0, 2.0), _rng())
    outside = (notes.start < 1.0) | (notes.start >= 2.0)
    for field in ("pitch", "start", "cents"):
        old, new = getattr(notes, field), getattr(spoilt, field)[: len(notes.pitch)]
        assert np.array_equal(old[outside], new[outside])
    added = spoilt.start[len(notes.pitch) :]
    assert ((added >= 1.0) & (added < 2.0)).all()


@pytest.mark.parametrize("strength", [0.5, 1.0])
def test_an_abrupt_end_is_silence_from_where_its_strength_says(samples, strength):
    spoilt = apply("abrupt_end", samples, strength, None, _rng())
    cut = round(len(samples) * (1 - faults.CUT * strength))
    assert np.array_equal(spoilt[:cut], samples[:cut])
    assert not spoilt[cut:].any()
    assert len(spoilt) == len(samples)


def test_the_input_is_never_written_to(samples):
    before = samples.copy()
    for name in OF_SOUND:
        apply(name, samples, 1.0, None, _rng())
    assert np.array_equal(samples, before)


def test_damage_grows_with_strength_and_with_how_long_it_lasts():
    long, short = Fault("noise", 0.8), Fault("noise", 0.8, 0.2, 0.4)
    assert Fault("noise", 0.0).damage == 0
    assert Fault("noise", 0.4).damage == pytest.approx(long.damage / 2)
    assert 0.2 * long.damage < short.damage < long.damage
    assert Fault("noise", 0.8, 0.0, 1.0).damage == pytest.approx(long.damage)


@pytest.fixture
def many_notes():
    steps = np.arange(COUNT)
    return Notes(60 + steps % 12, steps * 0.25, np.full(COUNT, 0.2), np.zeros(COUNT))


@pytest.fixture
def everywhere():
    return np.ones(COUNT, dtype=bool)


def test_wrong_notes_go_astray_as_often_as_their_strength_says(many_notes, everywhere):
    for strength in (0.25, 1.0):
        played = NOTE_FAULTS["wrong_notes"](many_notes, strength, everywhere, _rng(0))
        leaps = np.abs(played.pitch[:COUNT] - many_notes.pitch)
        struck = len(played.pitch) - COUNT
        assert set(leaps.tolist()) == {0, *range(5, 12)}
        assert np.mean(leaps > 0) == pytest.approx(0.9 * 0.25 * strength, abs=0.03)
        assert struck / COUNT == pytest.approx(2 * 0.9 * 0.75 * strength, abs=0.06)


def test_a_smudged_note_sounds_with_both_its_neighbours(many_notes, everywhere):
    played = NOTE_FAULTS["wrong_notes"](many_notes, 1.0, everywhere, _rng(0))
    sounding = set(zip(played.start.tolist(), played.pitch.tolist(), strict=True))
    for start, pitch in zip(played.start[COUNT:], played.pitch[COUNT:], strict=True):
        assert (start, pitch - 1) in sounding or (start, pitch + 1) in sounding


def test_stronger_wrong_notes_add_to_weaker_ones(many_notes, everywhere):
    weak, strong = (
        NOTE_FAULTS["wrong_notes"](many_notes, strength, everywhere, _rng(0))
        for strength in (0.3, 0.8)
    )
    leapt = weak.pitch[:COUNT] != many_notes.pitch
    assert np.array_equal(weak.pitch[:COUNT][leapt], strong.pitch[:COUNT][leapt])
    assert set(weak.start[COUNT:]) <= set(strong.start[COUNT:])


def test_detuning_sounds_every_note_too_high_and_too_low_by_what_its_strength_says(
    many_notes, everywhere
):
    played = NOTE_FAULTS["detune"](many_notes, 0.5, everywhere, _rng(0))
    assert (played.cents[:COUNT] == 35).all()
    assert (played.cents[COUNT:] == -35).all()
    for name in ("pitch", "start", "length"):
        one, other = np.split(getattr(played, name), 2)
        assert np.array_equal(one, other)


def test_stumbling_is_as_unsteady_as_its_strength_says(many_notes, everywhere):
    start = NOTE_FAULTS["stumbling"](many_notes, 0.5, everywhere, _rng(0)).start
    assert np.std(start - many_notes.start) == pytest.approx(0.125, rel=0.1)
    assert (start >= 0).all()


@pytest.mark.parametrize("name", NOTE_FAULTS)
def test_notes_out_of_reach_are_played_as_written(many_notes, name):
    reach = np.arange(COUNT) < 100
    played = NOTE_FAULTS[name](many_notes, 1.0, reach, _rng(0))
    for name in ("pitch", "start", "length", "cents"):
        old, new = getattr(many_notes, name), getattr(played, name)[:COUNT]
        assert np.array_equal(old[~reach], new[~reach])
    assert len(played.pitch) <= COUNT + 2 * reach.sum()
    assert any(
        not np.array_equal(getattr(many_notes, name)[reach], getattr(played, name)[:COUNT][reach])
        for name in ("pitch", "start", "cents")
    )


def _tone(hertz):
    return 0.1 * np.sin(2 * np.pi * hertz * TIME)


def _decibels(one, other):
    return 20 * np.log10(np.std(one) / np.std(other))


@pytest.mark.parametrize("hertz", [100, 3000])
def test_a_narrow_band_keeps_the_middle_and_loses_both_ends(hertz):
    assert _decibels(SOUND_FAULTS["narrow_band"](_tone(520), 1.0, _rng(0)), _tone(520)) > -3
    assert _decibels(SOUND_FAULTS["narrow_band"](_tone(hertz), 1.0, _rng(0)), _tone(hertz)) < -20
    assert abs(_decibels(SOUND_FAULTS["narrow_band"](_tone(hertz), 0.1, _rng(0)), _tone(hertz))) < 1


@pytest.mark.parametrize(("strength", "ratio"), [(0.05, 36.1), (0.5, 19), (1.0, 0)])
def test_noise_lies_below_the_music_by_what_its_strength_says(strength, ratio):
    clean = _tone(440)
    hiss = SOUND_FAULTS["noise"](clean, strength, _rng(0)) - clean
    assert _decibels(clean, hiss) == pytest.approx(ratio, abs=0.2)


def test_clipping_flattens_the_peaks_and_keeps_the_loudness():
    clean = _tone(440)
    crests = []
    for strength in (0.2, 0.6, 1.0):
        spoilt = SOUND_FAULTS["clipping"](clean, strength, _rng(0))
        assert _decibels(spoilt, clean) == pytest.approx(0, abs=0.01)
        crests.append(np.abs(spoilt).max() / spoilt.std())
    assert crests == sorted(crests, reverse=True)
    assert crests[-1] == pytest.approx(1, abs=0.05)  # a square wave


def test_wow_swims_by_the_cents_that_its_strength_says():
    swum = SOUND_FAULTS["wow"](_tone(440).astype(np.float32), 1.0, _rng(0))
    ups = np.flatnonzero((swum[:-1] < 0) & (swum[1:] >= 0))
    exact = ups - swum[ups] / (swum[ups + 1] - swum[ups])
    cents = 1200 * np.log2(RATE / np.diff(exact)[20:-20] / 440)
    assert cents.max() == pytest.approx(250, abs=25)
    assert cents.min() == pytest.approx(-250, abs=45)


def test_dropouts_grow_with_strength_and_stay_where_they_were():
    clean = np.ones(8 * RATE)
    dropouts = SOUND_FAULTS["dropouts"]
    gone = [dropouts(clean, strength, _rng(0)) < 0.5 for strength in (0.2, 0.5, 1.0)]
    assert 0 < gone[0].mean() < gone[1].mean() < gone[2].mean() < 0.6
    assert (gone[1] | ~gone[0]).all()
    assert (gone[2] | ~gone[1]).all()


def test_metal_leaves_few_bins_and_the_loudness():
    clean = np.random.default_rng(1).standard_normal(4 * RATE) * 0.1

    def flatness(samples):
        power = np.abs(np.fft.rfft(samples[RATE : RATE + 512])) ** 2 + 1e-9
        return np.exp(np.log(power).mean()) / power.mean()

    spoilt = [SOUND_FAULTS["metal"](clean, strength, _rng(0)) for strength in (0.3, 1.0)]
    assert flatness(spoilt[1]) < flatness(spoilt[0]) < flatness(clean)
    assert all(_decibels(one, clean) == pytest.approx(0, abs=0.01) for one in spoilt)


def test_pumping_ducks_by_what_its_strength_says_and_keeps_the_loudness():
    clean = _tone(1000)
    swings = []
    for strength in (0.25, 1.0):
        spoilt = SOUND_FAULTS["pumping"](clean, strength, _rng(0))
        level = np.abs(spoilt).reshape(-1, 32).max(axis=1)
        swings.append(20 * np.log10(level.max() / level.min()))
        assert _decibels(spoilt, clean) == pytest.approx(0, abs=0.01)
    assert swings[0] == pytest.approx(9, abs=1.5)
    assert swings[1] == pytest.approx(36, abs=4)


@pytest.mark.parametrize("name", SOUND_FAULTS)
def test_a_fault_keeps_the_length_and_stays_finite_even_on_silence(name):
    for samples in (np.zeros(5000), _tone(300)[:4321]):
        spoilt = SOUND_FAULTS[name](samples.astype(np.float32), 1.0, _rng(0))
        assert spoilt.shape == samples.shape
        assert np.isfinite(spoilt).all()


@pytest.mark.parametrize("name", OF_SOUND)
def test_chance_is_the_generators_alone(samples, name):
    first, same = (apply(name, samples, 0.7, None, _rng(1)) for _ in range(2))
    assert np.array_equal(first, same)


@pytest.mark.parametrize("name", faults.NAMES)
def test_how_much_a_moment_hurts_is_between_its_share_and_the_whole(name):
    whole = Fault(name, 0.5).damage
    for share in (0.1, 0.5, 0.9):
        assert share * whole < Fault(name, 0.5, 0.05, 0.05 + share).damage < whole


@pytest.mark.parametrize("name", SOUND_FAULTS)
@pytest.mark.parametrize("gain", [0.1, 4.0])
def test_a_quiet_clip_suffers_as_a_loud_one(samples, name, gain):
    spoilt = apply(name, samples, 0.6, None, _rng(1))
    scaled = apply(name, (gain * samples).astype(np.float32), 0.6, None, _rng(1))
    assert scaled == pytest.approx(gain * spoilt, abs=1e-4 * gain)
