import multiprocessing

import numpy as np
import pytest

from whisq.rendered.repertoire import INSTRUMENTS, PLAYERS
from whisq.rendered.synthesis import LONGEST_NOTE, RATE, Notes, play, sample_at


def _notes(pitch, start=None, cents=0.0):
    count = len(pitch)
    start = np.arange(count) * 0.5 if start is None else start
    return Notes(np.array(pitch), np.asarray(start), np.full(count, 0.45), np.full(count, cents))


def _pitch(samples):
    """Frequency of the strongest partial, in hertz."""
    size = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 8 * RATE))
    return np.argmax(size) / 8


def _play_whole_range(names):
    for name in names:
        instrument = (PLAYERS | INSTRUMENTS)[name]
        for pitch in range(instrument.bottom, instrument.top + 1):
            sound = play(_notes([pitch]), instrument.program, 0.5)
            assert np.isfinite(sound).all()
            assert np.abs(sound).max() > 1e-4, (name, pitch)


def test_every_instrument_plays_its_whole_range_and_comes_to_an_end():
    process = multiprocessing.get_context("spawn").Process(
        target=_play_whole_range, args=([*INSTRUMENTS, *PLAYERS],)
    )
    process.start()
    process.join(120)
    ended = not process.is_alive()
    process.kill()
    process.join()
    assert ended, "the synthesizer never ended one of the notes"
    assert process.exitcode == 0


def test_a_note_sounds_at_its_pitch():
    sound = play(_notes([81]), INSTRUMENTS["flute"].program, 0.5)
    assert _pitch(sound) == pytest.approx(880, rel=0.01)


@pytest.mark.parametrize("cents", [-80.0, 50.0])
def test_a_detuned_note_is_off_by_its_cents_and_still_in_time(cents):
    program = INSTRUMENTS["flute"].program
    start = [1.0]
    clean = play(_notes([81], start), program, 2.0)
    off = play(_notes([81], start, cents), program, 2.0)
    assert 1200 * np.log2(_pitch(off) / _pitch(clean)) == pytest.approx(cents, abs=5)
    onsets = [np.argmax(np.abs(sound) > 0.02) / RATE for sound in (clean, off)]
    assert onsets[0] == pytest.approx(onsets[1], abs=0.01)


def test_the_same_notes_give_the_same_samples():
    first, second = (play(_notes([60, 64, 67]), 0, 2.0) for _ in range(2))
    assert len(first) == 2 * RATE
    assert np.array_equal(first, second)


def test_no_notes_are_silence():
    assert not play(_notes([]), 0, 1.0).any()


def test_reading_at_the_samples_gives_the_samples():
    samples = np.random.default_rng(0).standard_normal(500).astype(np.float32)
    assert sample_at(samples, np.arange(500.0)) == pytest.approx(samples, abs=1e-5)


def test_reading_between_the_samples_follows_a_sine():
    place = np.arange(2000)
    between = sample_at(np.sin(place * 0.1).astype(np.float32), place[100:1900] + 0.37)
    assert between == pytest.approx(np.sin((place[100:1900] + 0.37) * 0.1), abs=1e-4)


def test_beyond_the_ends_is_silence():
    assert not sample_at(np.ones(10, dtype=np.float32), np.array([-50.0, 60.0])).any()


def test_no_note_is_held_past_the_end_of_its_recording():
    def held(seconds):
        note = Notes(np.array([60]), np.zeros(1), np.array([seconds]), np.zeros(1))
        return play(note, 48, 4.0)

    assert np.array_equal(held(9.0), held(LONGEST_NOTE))
    assert not np.array_equal(held(LONGEST_NOTE), held(LONGEST_NOTE - 0.2))
