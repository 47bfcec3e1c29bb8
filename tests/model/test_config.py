import pytest

from whisq.model.config import Config


def test_all_problems_are_told_at_once():
    with pytest.raises(ValueError, match=r"text_scaling.*given 'odd'.*heads must divide.*bins"):
        Config(4, 4, text_scaling="odd", width=6, heads=4, bins=1)


def test_alignment_reads_some_of_the_layers_side_by_side():
    with pytest.raises(ValueError, match=r"alignment_layers must be among .*\[2\], given \[3\]"):
        Config(4, 4, audio_layers=[2], alignment_layers=[3])
    with pytest.raises(ValueError, match=r"layer_mixing: concat; .*quality_projection: own"):
        Config(4, 4, audio_layers=[2, 3], alignment_layers=[3])


def test_layers_must_be_cached():
    with pytest.raises(ValueError, match=r"\[2, 6\], given \[4\]; add them to embed_audio\.layers"):
        Config(4, 4, audio={"layers": [2, 6]}, audio_layers=[4])
