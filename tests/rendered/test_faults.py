import numpy as np
import pytest

from whisq.rendered import faults
from whisq.rendered.faults import Fault, apply, disturb
from whisq.rendered.synthesis import RATE, Notes

OF_SOUND = (*faults.SOUND_FAULTS, "abrupt_end")


@pytest.fixture
def samples():
    time = np.arange(5 * RATE) / RATE
    chord = sum(np.sin(2 * np.pi * hertz * time) for hertz in (220, 277, 330, 1760))
    return (0.05 * chord).astype(np.float32)


@pytest.fixture
def notes():
    return Notes(np.arange(50, 90), np.arange(40) * 0.1, np.full(40, 0.1), np.zeros(40))


def _rng():
    return np.random.default_rng(4)


def test_every_fault_is_of_the_playing_or_of_the_sound():
    assert set(faults.NAMES) == set(faults.NOTE_FAULTS) | set(OF_SOUND)
    assert not set(faults.NOTE_FAULTS) & set(OF_SOUND)


@pytest.mark.parametrize("name", OF_SOUND)
def test_strength_zero_changes_nothing(name, samples):
    assert apply(name, samples, 0.0, None, _rng()) is samples


@pytest.mark.parametrize("name", faults.NOTE_FAULTS)
def test_strength_zero_plays_the_notes_as_written(name, notes):
    assert disturb(name, notes, 0.0, None, _rng()) is notes


@pytest.mark.parametrize("name", faults.SOUND_FAULTS)
def test_a_moment_leaves_the_rest_untouched(name, samples):
    spoilt = apply(name, samples, 1.0, (1.0, 2.5), _rng())
    inside = slice(RATE, round(2.5 * RATE))
    assert not np.array_equal(spoilt[inside], samples[inside])
    assert np.array_equal(spoilt[:RATE], samples[:RATE])
    assert np.array_equal(spoilt[inside.stop :], samples[inside.stop :])
    assert spoilt.dtype == np.float32


@pytest.mark.parametrize("name", faults.SOUND_FAULTS)
def test_a_moment_joins_without_a_click(name, samples):
    spoilt = apply(name, samples, 0.6, (1.0, 2.5), _rng())
    for edge in (RATE, round(2.5 * RATE)):
        assert abs(spoilt[edge] - spoilt[edge - 1]) < 3 * np.abs(np.diff(samples)).max()


@pytest.mark.parametrize("name", faults.NOTE_FAULTS)
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


@pytest.mark.parametrize("strength", [-0.1, 1.1, float("nan")])
def test_a_strength_out_of_range_is_refused(samples, notes, strength):
    with pytest.raises(ValueError, match="0 to 1"):
        apply("noise", samples, strength, None, _rng())
    with pytest.raises(ValueError, match="0 to 1"):
        disturb("detune", notes, strength, None, _rng())


def test_an_unknown_fault_is_refused_with_the_known_ones(samples, notes):
    with pytest.raises(ValueError, match=r"noise.*not 'hum'"):
        apply("hum", samples, 0.5, None, _rng())
    with pytest.raises(ValueError, match=r"detune.*not 'noise'"):
        disturb("noise", notes, 0.5, None, _rng())


def test_a_span_beyond_the_clip_is_refused(samples):
    with pytest.raises(ValueError, match="span"):
        apply("noise", samples, 0.5, (7.0, 8.0), _rng())
