import math

import pytest
import torch

from whisq.model.variants import ModelConfig, OneWay
from whisq.model.whisq import CoAttention, CrossAttention, masked_softmax

WIDTH, HEADS = 6, 3


def config(**choices):
    sizes = {"audio_dim": 4, "text_dim": 4, "width": WIDTH, "heads": HEADS, "dropout": 0.0}
    return ModelConfig(**sizes, **choices)


def by_pairs(attention, query, source, source_mask):
    """The same attention as a loop over pairs of steps."""
    q, k, v = attention.query(query), attention.key(source), attention.value(source)
    size = WIDTH // HEADS
    heard = torch.zeros_like(query)
    for clip in range(len(query)):
        for head in range(HEADS):
            part = slice(head * size, (head + 1) * size)
            for step in range(query.shape[1]):
                scores = {
                    other: math.exp(q[clip, step, part] @ k[clip, other, part] / size**0.5)
                    for other in range(source.shape[1])
                    if source_mask[clip, other]
                }
                for other, score in scores.items():
                    share = score / sum(scores.values())
                    heard[clip, step, part] += share * v[clip, other, part]
    return attention.out(heard)


@pytest.fixture
def sides():
    torch.manual_seed(0)
    audio_mask = torch.arange(7) < torch.tensor([[7], [3]])
    text_mask = torch.arange(4) < torch.tensor([[2], [4]])
    return (
        torch.randn(2, 7, WIDTH).double(),
        audio_mask,
        torch.randn(2, 4, WIDTH).double(),
        text_mask,
    )


@torch.no_grad()
def test_attention_equals_a_loop_over_pairs_added_to_the_query(sides):
    audio, _, text, text_mask = sides
    attention = CrossAttention(config()).double()
    heard, _ = attention(audio, text, text_mask)
    expected = attention.norm(audio + by_pairs(attention, audio, text, text_mask))
    torch.testing.assert_close(heard, expected)


@torch.no_grad()
def test_both_directions_read_the_layers_input(sides):
    audio, audio_mask, text, text_mask = sides
    layer = CoAttention(config()).double()
    heard, read, _, _ = layer(*sides)
    alone, _ = layer.audio_to_text(audio, text, text_mask)
    torch.testing.assert_close(heard, alone)
    alone, _ = layer.text_to_audio(text, audio, audio_mask)
    torch.testing.assert_close(read, alone)


@pytest.mark.parametrize("steps", [1, 7, 16, 17, 40])
def test_weights_are_a_softmax_over_the_real_steps(steps):
    torch.manual_seed(0)
    scores, real = torch.randn(3, 2, steps), max(1, steps - 4)
    mask = torch.arange(steps) < real
    weights = masked_softmax(scores, mask)
    assert weights.shape == scores.shape
    assert weights[..., real:].abs().sum() == 0
    torch.testing.assert_close(weights[..., :real], scores[..., :real].softmax(-1))


@torch.no_grad()
def test_maps_are_shares_of_the_real_steps(sides):
    _, _, audio_map, text_map = CoAttention(config()).double()(*sides)
    assert audio_map.shape == (2, HEADS, 7, 4)
    assert text_map.shape == (2, HEADS, 4, 7)
    torch.testing.assert_close(audio_map.sum(3), torch.ones(2, HEADS, 7).double())
    assert audio_map[0, :, :, 2:].abs().max() == 0
    assert text_map[1, :, :, 3:].abs().max() == 0


@pytest.mark.parametrize(("direction", "left"), [("audio_to_text", 1), ("text_to_audio", 0)])
@torch.no_grad()
def test_one_way_leaves_the_other_side_as_it_is(sides, direction, left):
    outputs = OneWay(config(coattention=direction)).double()(*sides)
    assert torch.equal(outputs[left], sides[2 * left])
    assert outputs[2 + left] is None
    assert outputs[3 - left] is not None
