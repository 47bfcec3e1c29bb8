from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from whisq.encoders.words import Words
from whisq.model.whisq import Output
from whisq.show.maps import SPECIAL, WHOLE, Maps, read_maps

WORDS = Words(("slow", "flute"), np.array([-1, 0, 1, 1]))
FRAMES, TOKENS = 3, 4


class Network:
    """Answers with what it was given."""

    device = torch.device("cpu")

    def __init__(self, **output):
        self.output, self.config = output, SimpleNamespace(audio={}, audio_pool=2)

    def __call__(self, audio, audio_mask, text, text_mask):
        masks = {"audio_mask": audio_mask, "text_mask": text_mask}
        return Output(torch.tensor([3.0]), torch.tensor([4.0]), **{**masks, **self.output})


def read(network, words=WORDS, seconds=0.5, step=None):
    audio, text = np.zeros((1, FRAMES, 2)), np.zeros((1, len(words.owner), 2))
    return read_maps(network, audio, text, words, seconds, step=step)


def test_even_attention_is_one_everywhere():
    maps = read(
        Network(
            text_to_audio=torch.full((1, 2, TOKENS, FRAMES), 1 / FRAMES),
            audio_to_text=torch.full((1, 2, FRAMES, TOKENS), 1 / TOKENS),
            quality_weights=torch.full((1, FRAMES), 1 / FRAMES),
        )
    ).maps
    assert set(maps) == {"text_to_audio", "audio_to_text"}
    for values in maps.values():
        np.testing.assert_allclose(values, np.ones((3, FRAMES)), rtol=1e-6)


def test_a_words_tokens_and_the_heads_are_averaged_and_special_tokens_come_last():
    attention = torch.zeros(1, 2, TOKENS, FRAMES)
    attention[:, :, 0, 0] = attention[:, :, 1, 1] = 1  # [CLS] and "slow"
    attention[:, 0, 2:, 2] = attention[:, 1, 2, 0] = attention[:, 1, 3, 1] = 1  # "flute"
    maps = read(Network(text_to_audio=attention))
    assert maps.words == ("slow", "flute", SPECIAL)
    expected = [[0, 3, 0], [0.75, 0.75, 1.5], [3, 0, 0]]
    np.testing.assert_allclose(maps.maps["text_to_audio"], expected)


def test_moments_are_as_long_as_the_frames_that_were_pooled_and_end_with_the_clip():
    edges = read(Network(), step=0.1).edges
    np.testing.assert_allclose(edges, [0, 0.2, 0.4, 0.5])


def test_without_a_step_s_length_moments_share_out_what_was_heard():
    np.testing.assert_allclose(read(Network(), seconds=90.0).edges, [0, 20, 40, 60])


def test_transport_moves_words_to_the_moments_that_are_like_them():
    space = torch.eye(TOKENS)
    words = Words(("a", "b", "c", "d"), np.arange(4))
    order = [2, 0, 1]
    maps = read(Network(audio=space[order][None], text=space[None]), words)
    assert maps.maps["transport"][:3].argmax(1).tolist() == [1, 2, 0]
    assert maps.transport_cost < maps.even_cost
    assert maps.words_without_place == ["d"]


@given(st.integers(0, 2**32 - 1))
def test_every_words_and_every_moments_average_is_even(seed):
    draw = torch.Generator().manual_seed(seed)
    audio = torch.randn(1, FRAMES, 5, generator=draw)
    text = torch.randn(1, TOKENS, 5, generator=draw)
    maps = read(Network(audio=audio, text=text))
    plan = maps.maps["transport"]
    np.testing.assert_allclose(plan.mean(1), 1, atol=0.02)
    np.testing.assert_allclose(np.average(plan, axis=0, weights=[1, 2, 1]), 1, atol=0.02)
    moved = np.average(maps.word_cost, weights=[1, 2, 1])
    assert moved == pytest.approx(maps.transport_cost, rel=1e-5)
    assert maps.moment_cost.mean() == pytest.approx(maps.transport_cost, rel=1e-5)


def test_one_vector_for_all_words_is_one_row():
    mask = torch.ones(1, 1, dtype=torch.bool)
    attention = torch.full((1, 1, 1, FRAMES), 1 / FRAMES)
    maps = read(Network(text_mask=mask, text_to_audio=attention))
    assert maps.words == (WHOLE,)
    np.testing.assert_allclose(maps.maps["text_to_audio"], 1)


def test_stretches_without_a_word_are_joined():
    scores = {"omq": 3, "ta": 3, "words": ("a",), "edges": np.arange(6.0), "even_cost": 1.0}
    maps = Maps(**scores, moment_cost=np.array([1, 2, 0, 0, 1]))
    assert maps.moments_without_word == [(0, 2), (4, 5)]
    assert Maps(**scores).moments_without_word == []


def test_a_network_without_shared_space_has_no_transport():
    maps = read(Network())
    assert maps.transport_cost is None
    assert maps.words_without_place == maps.moments_without_word == []
