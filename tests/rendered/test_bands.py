from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from whisq.rendered.bands import KICK, SCALES, STEPS, arrange
from whisq.rendered.effects import EFFECTS, put_on
from whisq.rendered.repertoire import BANDS, CHOICES, INSTRUMENTS, PLAYERS, VOCABULARY
from whisq.rendered.requests import Request
from whisq.rendered.studio import perform, render, synthesize
from whisq.rendered.synthesis import RATE

ROCK = Request("rock", "guitar trio", "medium", "major", held=("kind", "tempo", "instrument"))


def played(request=ROCK, seed=0, start=1.0, end=7.0, tonic=3, jitter=1.0):
    return arrange(request, start, end, tonic, jitter, np.random.default_rng(seed))


def all_notes(made):
    return [made.tune, *(part.notes for part in made.others)]


@pytest.mark.parametrize("kind", BANDS.choices["kind"])
def test_a_pattern_has_a_sign_for_each_step_of_a_bar(kind):
    style = VOCABULARY["kind"][kind]
    patterns = [style[name] for name in ("kick", "snare", "hat", "bass", "chords")]
    assert {len(pattern) for pattern in (*patterns, *style["lead"])} == {STEPS}
    assert set(style["effects"]) <= set(EFFECTS)
    for mode in CHOICES["mode"]:
        assert all(1 <= degree <= 7 for chords in style[mode] for degree in chords)


@pytest.mark.parametrize("kind", BANDS.choices["kind"])
def test_a_band_fills_its_stretch_and_no_more_within_everyones_range(kind):
    for players, tempo in product(BANDS.choices["instrument"], BANDS.choices["tempo"]):
        made = played(replace(ROCK, kind=kind, instrument=players, tempo=tempo))
        for notes in (*all_notes(made), made.drums):
            assert (notes.start >= 1.0).all()
            assert (notes.start + notes.length <= 7.0 + 0.02).all()
            assert (notes.length > 0).all()
        heard = np.concatenate([notes.start for notes in all_notes(made)])
        assert heard.min() < 1.0 + 4 * made.beat
        assert heard.max() > 7.0 - 4 * made.beat
        led = INSTRUMENTS[players]
        assert led.bottom <= made.tune.pitch.min() <= made.tune.pitch.max() <= led.top
        for part in made.others:
            low, high = part.notes.pitch.min(), part.notes.pitch.max()
            assert part.player.bottom <= low <= high <= part.player.top


@pytest.mark.parametrize("mode", CHOICES["mode"])
def test_all_pitches_are_of_the_key(mode):
    for kind, seed in product(BANDS.choices["kind"], range(3)):
        for notes in all_notes(played(replace(ROCK, kind=kind, mode=mode), seed, tonic=5)):
            assert set((notes.pitch - 5) % 12) <= set(SCALES[mode])


def test_a_drummer_plays_where_the_line_up_has_one():
    for players in BANDS.choices["instrument"]:
        drums = played(replace(ROCK, instrument=players)).drums
        assert bool(len(drums.start)) == ("drum" in VOCABULARY["instrument"][players]["tag"])


@pytest.mark.parametrize(("tempo", "beats"), [("slow", 72), ("medium", 108), ("fast", 160)])
def test_techno_strikes_the_bass_drum_on_every_beat(tempo, beats):
    made = played(replace(ROCK, kind="techno", tempo=tempo), jitter=1.05)
    kicks = made.drums.start[made.drums.pitch == KICK]
    np.testing.assert_allclose(np.diff(kicks), 60 / (beats * 1.05))
    assert made.beat == pytest.approx(60 / (beats * 1.05))


def test_prompts_say_paces_at_which_bands_play():
    for pace in VOCABULARY["pace"].values():
        said = [int(words.split()[0]) for words in pace["words"] if words.endswith("BPM")]
        assert max(abs(beats / pace["beats"] - 1) for beats in said) < 0.1


def test_blues_swings_and_rock_does_not():
    def late(kind):
        made = played(replace(ROCK, kind=kind), start=0.0)
        steps = made.drums.start / (made.beat / 4)
        return np.abs(steps - np.round(steps)).max()

    assert late("rock") < 1e-6
    assert late("blues") == pytest.approx(1 - VOCABULARY["kind"]["blues"]["swing"], abs=1e-6)


def test_a_riff_is_the_same_in_bars_of_one_chord_and_a_tune_is_not():
    def bars(kind):
        made = played(replace(ROCK, kind=kind, tempo="fast"), start=0.0, end=6.0)
        number = (made.tune.start / (4 * made.beat)).astype(int)
        return [made.tune.pitch[number == bar].tolist() for bar in range(3)]

    techno = bars("techno")
    assert techno[0][1:] == techno[1][1:] == techno[2][1:]  # the first is the chord's
    assert len({str(bar) for bar in bars("rock")}) > 1


def test_the_words_do_not_change_the_music_and_the_seed_does():
    one = render(ROCK, (), 1)
    assert np.array_equal(one, render(replace(ROCK, template=3, wording=2, held=()), (), 1))
    assert not np.array_equal(one[: RATE * 5], render(ROCK, (), 2)[: RATE * 5])


def test_an_order_of_styles_has_the_ones_drums_and_then_the_others():
    request = replace(ROCK, kind="techno", order="kind", then="folk")
    first, second = perform(request, 6.0, np.random.default_rng(0))
    steps = [np.sum(one.drums.pitch == KICK) / (one.end - one.start) for one in (first, second)]
    assert steps[0] > 1.5 * steps[1]
    assert (first.effects, second.effects) == (("side_chain", "drive", "echo"), ("room",))


@pytest.mark.parametrize(("order", "then", "step"), [("dynamics", "loud", 16), ("kind", "folk", 0)])
def test_an_order_of_dynamics_alone_is_heard_in_the_level(order, then, step):
    request = replace(ROCK, kind="metal", dynamics="quiet", order=order, then=then)
    for seed in range(4):
        sections = perform(request, 6.0, np.random.default_rng(seed))
        samples = synthesize(sections, 6.0)
        first, second = np.split(samples, [round(sections[0].end * RATE)])
        assert 20 * np.log10(second.std() / first.std()) == pytest.approx(step, abs=3)


def test_an_order_drives_its_halves_as_hard_as_whole_clips_are_driven():
    wave = np.sin(np.arange(RATE) * 2 * np.pi * 200 / RATE).astype(np.float32)
    alone = put_on(["drive"], wave, np.array([]), 0.5)
    half = put_on(["drive"], np.pad(wave, (0, RATE)), np.array([]), 0.5)
    np.testing.assert_allclose(half[:RATE], alone, atol=1e-3)


def click():
    samples = np.zeros(2 * RATE, dtype=np.float32)
    samples[RATE // 2] = 1.0
    return samples


@pytest.mark.parametrize("name", EFFECTS)
def test_an_effect_gives_back_as_many_samples_and_leaves_silence_silent(name):
    silence = np.zeros(RATE, dtype=np.float32)
    sound = put_on([name], silence, np.array([0.2]), 0.5)
    assert sound.dtype == np.float32
    np.testing.assert_array_equal(sound, silence)
    assert np.isfinite(put_on([name], click(), np.array([0.2]), 0.5)).all()


def test_an_echo_comes_back_after_three_quarters_of_a_beat_and_weaker():
    heard = put_on(["echo"], click(), np.array([]), 0.4)
    late = np.flatnonzero(heard) / RATE - 0.5
    np.testing.assert_allclose(late, [0, 0.3, 0.6, 0.9], atol=1 / RATE)
    np.testing.assert_allclose(heard[heard != 0], [1, 0.4, 0.16, 0.064], rtol=1e-5)


@pytest.mark.parametrize(("name", "seconds"), [("room", 0.5), ("hall", 2.0)])
def test_a_room_falls_by_60_decibels_in_its_time(name, seconds):
    heard = put_on([name], np.pad(click(), (0, 2 * RATE)), np.array([]), 0.4)[RATE // 2 + 1 :]
    early, late = (
        np.sqrt(np.mean(heard[int(at * RATE) : int((at + 0.05) * RATE)] ** 2))
        for at in (0.0, 0.8 * seconds)
    )
    assert 20 * np.log10(early / late) == pytest.approx(0.8 * 60, abs=4)


def test_the_bass_drum_pushes_all_else_down_and_lets_it_come_back():
    steady = np.ones(RATE, dtype=np.float32)
    heard = put_on(["side_chain"], steady, np.array([0.25]), 0.5)
    assert heard[: RATE // 4].min() == 1
    assert heard[RATE // 4] == pytest.approx(0.25)
    assert (np.diff(heard[RATE // 4 : RATE // 2]) > 0).all()
    assert heard[RATE // 2 :].min() == 1


def test_drive_flattens_what_is_loud():
    wave = np.sin(np.arange(RATE) * 2 * np.pi * 200 / RATE).astype(np.float32)
    wave *= np.linspace(0.01, 1, RATE, dtype=np.float32)
    heard = put_on(["drive"], wave, np.array([]), 0.5)
    assert np.abs(heard).max() < 0.8 * np.abs(wave).max()
    np.testing.assert_allclose(heard[: RATE // 50], wave[: RATE // 50], rtol=0.01, atol=1e-6)


def test_who_leads_is_whom_the_request_names():
    for name, facts in VOCABULARY["instrument"].items():
        if name in BANDS.choices["instrument"]:
            assert INSTRUMENTS[name].program == PLAYERS[facts["lead"]].program
