import numpy as np
import pytest

from whisq.rendered.repertoire import CHOICES
from whisq.rendered.scores import find_key, pieces, set_mode

SCALES = {"major": np.array([0, 2, 4, 5, 7, 9, 11]), "minor": np.array([0, 2, 3, 5, 7, 8, 11])}


@pytest.mark.parametrize("kind", CHOICES["kind"])
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


def _scale(mode, tonic):
    tune = np.concatenate([SCALES[mode], [0, 7, 0, SCALES[mode][2], 0]])
    return 60 + tonic + tune


@pytest.mark.parametrize("mode", ["major", "minor"])
@pytest.mark.parametrize("tonic", [0, 5, 11])
def test_a_scale_tells_its_key(mode, tonic):
    assert find_key(_scale(mode, tonic)) == (tonic, mode)


@pytest.mark.parametrize("mode", ["major", "minor"])
@pytest.mark.parametrize("old", ["major", "minor"])
def test_setting_the_mode_gives_that_scale_on_that_tonic(old, mode):
    for tonic in range(12):
        pitch = set_mode(_scale(old, 3), mode, tonic)
        assert set((pitch - tonic) % 12) == set(SCALES[mode])
        assert np.abs(pitch - _scale(old, 3)).max() <= 7
