from types import SimpleNamespace

import pytest
import torch

from whisq.model.variants import ModelConfig


def draw(clips=4, frames=11, tokens=6, layers=1, seed=0):
    """Random sequences of random lengths, the first of each kind full."""
    generator = torch.Generator().manual_seed(seed)

    def mask(steps):
        lengths = torch.randint(1, steps + 1, (clips,), generator=generator)
        lengths[0] = steps
        return torch.arange(steps) < lengths.unsqueeze(1)

    audio_mask, text_mask = mask(frames), mask(tokens)
    audio = torch.randn(clips, layers, frames, 12, generator=generator)
    text = torch.randn(clips, tokens, 10, generator=generator)
    return SimpleNamespace(
        audio=audio * audio_mask[:, None, :, None],
        audio_mask=audio_mask,
        text=text * text_mask.unsqueeze(2),
        text_mask=text_mask,
    )


@pytest.fixture
def draw_batch():
    """Random sequences: `draw_batch(clips, frames, tokens, layers, seed)`."""
    return draw


@pytest.fixture
def make_config():
    """A small config: `make_config(coattention="none")`."""

    def make(**choices):
        small = {"width": 8, "hidden": 8, "heads": 2, "audio_layer": 0}
        return ModelConfig(audio_dim=12, text_dim=10, **small | choices)

    return make
