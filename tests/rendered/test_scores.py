import numpy as np
import pytest

from whisq.rendered.scores import KINDS, pieces


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_pieces_long_enough_to_be_cut(kind):
    for piece in pieces(kind):
        assert len(piece.pitch) == len(piece.start) == len(piece.length) >= 50
        assert piece.end >= 24
        assert piece.start.min() == 0
        assert (np.diff(piece.start) >= 0).all()
        assert (piece.length > 0).all()
        assert ((piece.pitch > 20) & (piece.pitch < 109)).all()


def test_a_tune_has_one_voice_and_a_hymn_has_four():
    def voices(kind):
        return np.mean([len(piece.start) / len(np.unique(piece.start)) for piece in pieces(kind)])

    assert voices("reel") < 1.1
    assert 2.5 < voices("hymn") < 4.1


def test_the_onset_rate_counts_a_chord_once():
    for piece in pieces("hymn"):
        assert piece.onset_rate * piece.end == pytest.approx(len(set(piece.start.tolist())))


def test_a_process_parses_once():
    assert pieces("reel") is pieces("reel")


def test_an_unknown_kind_is_named_with_the_known_ones():
    with pytest.raises(ValueError, match=r"hymn.*not 'tango'"):
        pieces("tango")
