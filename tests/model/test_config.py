import pytest

from whisq.model.config import Config


def test_all_problems_are_told_at_once():
    with pytest.raises(ValueError, match=r"text_scaling.*given 'odd'.*heads must divide.*bins"):
        Config(4, 4, text_scaling="odd", width=6, heads=4, bins=1)


def test_layers_must_be_cached():
    with pytest.raises(ValueError, match=r"\[2, 6\], given \[4\]; add them to embed_audio\.layers"):
        Config(4, 4, audio={"layers": [2, 6]}, audio_layers=[4])
