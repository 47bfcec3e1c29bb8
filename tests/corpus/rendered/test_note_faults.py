import numpy as np
import pytest

from whisq.corpus.rendered.note_faults import detune, stumbling, wrong_notes
from whisq.corpus.rendered.synthesis import Notes

COUNT = 4000


@pytest.fixture
def notes():
    steps = np.arange(COUNT)
    return Notes(60 + steps % 12, steps * 0.25, np.full(COUNT, 0.2), np.zeros(COUNT))


@pytest.fixture
def everywhere():
    return np.ones(COUNT, dtype=bool)


def test_wrong_notes_miss_the_share_that_their_strength_says(notes, everywhere):
    for strength in (0.25, 1.0):
        played = wrong_notes(notes, strength, everywhere, np.random.default_rng(0))
        moved = played.pitch - notes.pitch
        assert np.mean(moved != 0) == pytest.approx(0.6 * strength, abs=0.03)
        assert set(np.abs(moved).tolist()) == {0, 1, 2, 3}


def test_stronger_wrong_notes_add_to_weaker_ones(notes, everywhere):
    weak, strong = (
        wrong_notes(notes, strength, everywhere, np.random.default_rng(0)).pitch
        for strength in (0.3, 0.8)
    )
    missed = weak != notes.pitch
    assert np.array_equal(weak[missed], strong[missed])


def test_detuning_is_sharp_and_flat_by_what_its_strength_says(notes, everywhere):
    cents = detune(notes, 0.5, everywhere, np.random.default_rng(0)).cents
    assert set(cents.tolist()) == {-40.0, 0.0, 40.0}
    assert np.mean(cents == 0) == pytest.approx(1 / 3, abs=0.03)


def test_stumbling_is_as_unsteady_as_its_strength_says(notes, everywhere):
    start = stumbling(notes, 0.5, everywhere, np.random.default_rng(0)).start
    assert np.std(start - notes.start) == pytest.approx(0.08, rel=0.1)
    assert (start >= 0).all()


@pytest.mark.parametrize("fault", [wrong_notes, detune, stumbling])
def test_notes_out_of_reach_are_played_as_written(notes, fault):
    reach = np.arange(COUNT) < 100
    played = fault(notes, 1.0, reach, np.random.default_rng(0))
    for name in ("pitch", "start", "length", "cents"):
        old, new = getattr(notes, name), getattr(played, name)
        assert np.array_equal(old[~reach], new[~reach])
    assert any(
        not np.array_equal(getattr(notes, name)[reach], getattr(played, name)[reach])
        for name in ("pitch", "start", "cents")
    )
