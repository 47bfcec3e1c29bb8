from dataclasses import replace

import numpy as np
import pytest

from whisq.rendered import faults
from whisq.rendered.faults import Fault
from whisq.rendered.repertoire import CHOICES, INSTRUMENTS
from whisq.rendered.studio import length, perform, render, synthesize
from whisq.rendered.synthesis import RATE

ACCORDION = INSTRUMENTS["accordion"]


def _perform(request, seed=0, seconds=6.0):
    return perform(request, seconds, np.random.default_rng(seed))


def test_an_instrument_plays_near_its_centre_and_within_its_range():
    pitch = np.array([20, 40, 60, 64, 67, 72, 110])
    for instrument in INSTRUMENTS.values():
        played = instrument.fit(pitch)
        assert ((played >= instrument.bottom) & (played <= instrument.top)).all()
        assert ((played - pitch) % 12 == 0).all()
        assert abs(np.median(played) - instrument.centre) <= 6


def test_notes_led_astray_are_played_within_the_range(whole):
    (only,) = _perform(replace(whole, instrument="accordion"))
    far = replace(only, notes=replace(only.notes, pitch=only.notes.pitch + 24))
    near = replace(only, notes=replace(only.notes, pitch=ACCORDION.fold(far.notes.pitch)))
    assert near.notes.pitch.max() <= ACCORDION.top < far.notes.pitch.max()
    assert np.array_equal(synthesize((far,), 6.0), synthesize((near,), 6.0))


def test_one_section_lasts_throughout_and_two_share_the_clip(whole, ordered):
    (only,) = _perform(whole)
    assert (only.start, only.end, only.instrument) == (0.0, 6.0, "flute")
    first, second = _perform(ordered)
    assert first.start == 0.0
    assert first.end == second.start == pytest.approx(3.0, abs=0.4)
    assert second.end == 6.0
    assert (first.instrument, second.instrument) == ("piano", "choir")


@pytest.mark.parametrize("kind", CHOICES["kind"])
def test_music_fills_the_clip_whatever_the_kind_and_tempo(whole, kind):
    for tempo in CHOICES["tempo"]:
        for seed in range(4):
            (only,) = _perform(replace(whole, kind=kind, tempo=tempo), seed)
            starts = np.unique(only.notes.start)
            assert starts[0] < 0.5
            assert starts[-1] > 3.0
            assert (only.notes.start + only.notes.length <= 6.0 + 1e-9).all()


def test_a_march_has_drums_on_its_beat_and_nothing_else_has(ordered):
    request = replace(ordered, order="kind", kind="march", then="waltz")
    for seed in range(6):
        march, waltz = _perform(request, seed)
        assert not len(waltz.drums.start)
        assert march.drums.start.min() >= march.start
        assert march.drums.start.max() < march.end
        # Drums and tune share the beat: nearly every bass drum meets an onset of a half beat.
        bass = march.drums.start[march.drums.pitch == 36]
        half = np.diff(bass).min() / 2
        grid = (march.notes.start - bass[0]) / half
        assert np.mean(np.abs(grid - np.round(grid)) < 0.05) > 0.5


def test_faster_means_more_onsets_a_second(whole):
    def onsets(tempo):
        request = replace(whole, kind="reel", tempo=tempo)
        return np.mean([len(np.unique(_perform(request, s)[0].notes.start)) for s in range(12)])

    assert 1.6 * onsets("slow") < onsets("medium") < onsets("fast") / 1.6


def test_an_order_of_tempo_is_heard_in_the_onsets(ordered):
    request = replace(ordered, order="tempo", tempo="slow", then="fast", held=("tempo",))
    for seed in range(5):
        first, second = _perform(request, seed)
        assert 1.5 * len(np.unique(first.notes.start)) < len(np.unique(second.notes.start))


def test_an_order_of_dynamics_is_heard_in_the_level_and_one_of_instruments_is_not(ordered):
    def step(request, seed):
        sections = _perform(request, seed)
        samples = synthesize(sections, 6.0)
        halves = np.split(samples, [round(sections[0].end * RATE)])
        return 20 * np.log10(halves[1].std() / halves[0].std())

    loud = replace(ordered, order="dynamics", dynamics="quiet", then="loud")
    for seed in range(4):
        assert step(loud, seed) > 9
        assert abs(step(ordered, seed)) < 3


def test_the_wording_does_not_change_the_music(ordered):
    one, other = _perform(ordered), _perform(replace(ordered, template=4, wording=2, held=()))
    for first, second in zip(one, other, strict=True):
        assert np.array_equal(first.notes.pitch, second.notes.pitch)


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
