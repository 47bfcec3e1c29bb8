import numpy as np
import pytest

from whisq.rendered.keys import find_key, set_mode

SCALES = {"major": np.array([0, 2, 4, 5, 7, 9, 11]), "minor": np.array([0, 2, 3, 5, 7, 8, 11])}


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
