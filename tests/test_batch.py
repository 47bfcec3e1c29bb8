import numpy as np
import torch

from whisq.batch import Example, collate


def example(name, frames, tokens, ratings=None, raters=None):
    audio = np.full((2, frames, 3), frames, dtype=np.float16)
    return Example(name, audio, np.full((tokens, 4), tokens, dtype=np.float16), ratings, raters)


def test_sequences_are_padded_with_zeros_and_masked():
    batch = collate([example("a", 2, 3), example("b", 4, 1)])
    assert batch.ids == ("a", "b")
    assert batch.audio.shape == (2, 2, 4, 3)
    assert batch.text.shape == (2, 3, 4)
    assert batch.audio_mask.tolist() == [[True, True, False, False], [True] * 4]
    assert batch.text_mask.tolist() == [[True] * 3, [True, False, False]]
    assert batch.audio[0, :, :2].eq(2).all()
    assert batch.audio[0, :, 2:].eq(0).all()
    assert batch.text[1, 1:].eq(0).all()
    assert batch.audio.dtype == batch.text.dtype == torch.float32


def test_labels_are_there_when_every_clip_has_them():
    shares = (np.array([0, 0, 0.4, 0.6, 0], np.float32), np.array([1, 0, 0, 0, 0], np.float32))
    batch = collate(
        [example("a", 1, 1, (3.6, 1.0), shares), example("b", 1, 1, (2.0, 3.0), shares)]
    )
    torch.testing.assert_close(batch.omq, torch.tensor([3.6, 2.0]))
    torch.testing.assert_close(batch.ta, torch.tensor([1.0, 3.0]))
    torch.testing.assert_close(batch.omq_raters[1], torch.tensor([0, 0, 0.4, 0.6, 0]))
    assert batch.ta_raters.shape == (2, 5)


def test_labels_are_none_when_a_clip_has_none():
    batch = collate([example("a", 1, 1, (3.6, 1.0)), example("b", 1, 1)])
    assert batch.omq is None
    assert batch.omq_raters is None


def test_a_batch_moves_whole():
    batch = collate([example("a", 2, 3)]).to("meta")
    assert batch.audio.device.type == batch.text_mask.device.type == "meta"
    assert (batch.ids, batch.omq, len(batch)) == (("a",), None, 1)
