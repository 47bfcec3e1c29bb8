import pytest

from whisq.model.variants import ModelConfig


def wrong(**choices):
    with pytest.raises(ValueError) as error:  # noqa: PT011
        ModelConfig(audio_dim=4, text_dim=4, **choices)
    return str(error.value)


def test_all_problems_are_told_at_once():
    message = wrong(text_scaling="odd", width=0, bins=-1)
    assert all(name in message for name in ("text_scaling", "width", "bins"))


def test_choices_that_do_not_go_together_are_told_at_once():
    message = wrong(width=6, bins=1, quality_layers=[3], quality_projection="shared")
    assert "heads must divide width, given 4 and 6" in message
    assert "bins must be 0 or at least 2" in message
    assert "quality_layers needs quality_projection: own" in message


def test_a_layer_is_read_once():
    assert "each layer is read once, given [2, 2]" in wrong(quality_layers=[2])


def test_layers_must_be_cached():
    message = wrong(audio={"layers": [2, 6]}, audio_layer=4)
    assert "[2, 6], given [4]; add them to embed_audio.layers" in message


def test_a_config_does_not_change():
    config = ModelConfig(audio_dim=4, text_dim=4)
    with pytest.raises(ValueError, match="frozen"):
        config.width = 128
