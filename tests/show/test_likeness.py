import numpy as np
import pytest

from whisq.rendered.faults import SOUND_FAULTS, apply
from whisq.show.likeness import REFERENCES, likeness, moves, references


@pytest.fixture(scope="module")
def music():
    return references()


class Listener:
    """Hears how loud the loudest samples and the differences between neighbours are."""

    def embed_audio(self, samples):
        bend = np.abs(np.diff(samples, 2)).mean()
        return np.array([[[np.abs(samples).max(), np.abs(samples).mean(), 30 * bend]]])


def test_the_references_are_always_the_same_and_none_sounds_like_another(music):
    again = references()
    assert len(music) == REFERENCES
    for one, other in zip(music, again, strict=True):
        np.testing.assert_array_equal(one, other)
    assert len({sound.tobytes() for sound in music}) == REFERENCES


def test_every_fault_moves_clean_music(music):
    assert moves(Listener(), music[0]).shape == (len(SOUND_FAULTS),)
    assert (moves(Listener(), music[0]) > 0).all()


def test_a_fault_put_on_twice_moves_less_and_comes_first(music):
    clipped = apply("clipping", music[1], 1.0, None, np.random.default_rng(0))
    found = likeness(Listener(), clipped)
    assert found[0].fault == "clipping"
    assert sorted(fault.fault for fault in found) == sorted(SOUND_FAULTS)
    shares = [fault.moved for fault in found]
    assert shares == sorted(shares)
    assert np.median(shares) == pytest.approx(1)
