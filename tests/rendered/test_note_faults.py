import numpy as np
import pytest

from whisq.rendered.note_faults import detune, stumbling, wrong_notes
from whisq.rendered.synthesis import Notes

COUNT = 4000


@pytest.fixture
def notes():
    steps = np.arange(COUNT)
    return Notes(60 + steps % 12, steps * 0.25, np.full(COUNT, 0.2), np.zeros(COUNT))


@pytest.fixture
def everywhere():
    return np.ones(COUNT, dtype=bool)


def test_wrong_notes_go_astray_as_often_as_their_strength_says(notes, everywhere):
    for strength in (0.25, 1.0):
        played = wrong_notes(notes, strength, everywhere, np.random.default_rng(0))
        leaps = np.abs(played.pitch[:COUNT] - notes.pitch)
        struck = len(played.pitch) - COUNT
        assert set(leaps.tolist()) == {0, *range(5, 12)}
        assert np.mean(leaps > 0) == pytest.approx(0.9 * 0.25 * strength, abs=0.03)
        assert struck / COUNT == pytest.approx(2 * 0.9 * 0.75 * strength, abs=0.06)


def test_a_smudged_note_sounds_with_both_its_neighbours(notes, everywhere):
    played = wrong_notes(notes, 1.0, everywhere, np.random.default_rng(0))
    sounding = set(zip(played.start.tolist(), played.pitch.tolist(), strict=True))
    for start, pitch in zip(played.start[COUNT:], played.pitch[COUNT:], strict=True):
        assert (start, pitch - 1) in sounding or (start, pitch + 1) in sounding


def test_stronger_wrong_notes_add_to_weaker_ones(notes, everywhere):
    weak, strong = (
        wrong_notes(notes, strength, everywhere, np.random.default_rng(0))
        for strength in (0.3, 0.8)
    )
    leapt = weak.pitch[:COUNT] != notes.pitch
    assert np.array_equal(weak.pitch[:COUNT][leapt], strong.pitch[:COUNT][leapt])
    assert set(weak.start[COUNT:]) <= set(strong.start[COUNT:])


def test_detuning_sounds_every_note_too_high_and_too_low_by_what_its_strength_says(
    notes, everywhere
):
    played = detune(notes, 0.5, everywhere, np.random.default_rng(0))
    assert (played.cents[:COUNT] == 35).all()
    assert (played.cents[COUNT:] == -35).all()
    for name in ("pitch", "start", "length"):
        one, other = np.split(getattr(played, name), 2)
        assert np.array_equal(one, other)


def test_stumbling_is_as_unsteady_as_its_strength_says(notes, everywhere):
    start = stumbling(notes, 0.5, everywhere, np.random.default_rng(0)).start
    assert np.std(start - notes.start) == pytest.approx(0.125, rel=0.1)
    assert (start >= 0).all()


@pytest.mark.parametrize("fault", [wrong_notes, detune, stumbling])
def test_notes_out_of_reach_are_played_as_written(notes, fault):
    reach = np.arange(COUNT) < 100
    played = fault(notes, 1.0, reach, np.random.default_rng(0))
    for name in ("pitch", "start", "length", "cents"):
        old, new = getattr(notes, name), getattr(played, name)[:COUNT]
        assert np.array_equal(old[~reach], new[~reach])
    assert len(played.pitch) <= COUNT + 2 * reach.sum()
    assert any(
        not np.array_equal(getattr(notes, name)[reach], getattr(played, name)[:COUNT][reach])
        for name in ("pitch", "start", "cents")
    )
