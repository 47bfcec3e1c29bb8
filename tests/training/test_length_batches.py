import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whisq.training.length_batches import LengthBatches

lists = st.lists(st.integers(1, 1500), min_size=1, max_size=80)


@given(lists, st.integers(1, 9), st.booleans(), st.integers(0, 5))
def test_every_clip_is_taken_once(lengths, batch_size, shuffle, epoch):
    batches = LengthBatches(np.array(lengths), batch_size, shuffle)
    batches.set_epoch(epoch)
    taken = [index for batch in batches for index in batch]
    assert sorted(taken) == list(range(len(lengths)))
    assert len(list(batches)) == len(batches)


def musiceval_lengths(clips=1923):
    """Frames of 20 ms as MusicEval has them: most clips 10-30 s, 21.8 s on average."""
    seconds = np.random.default_rng(0).triangular(5, 29, 31, clips)
    return np.round(50 * np.minimum(seconds, 30)).astype(int)


@pytest.mark.parametrize("batch_size", [16, 32])
def test_less_than_a_tenth_is_padding(batch_size):
    lengths = musiceval_lengths()
    for epoch in range(3):
        batches = LengthBatches(lengths, batch_size, seed=0)
        batches.set_epoch(epoch)
        padded = sum(len(batch) * lengths[batch].max() for batch in batches)
        assert 1 - lengths.sum() / padded < 0.1


def test_the_order_is_a_function_of_seed_and_epoch():
    def order(seed, epoch):
        batches = LengthBatches(musiceval_lengths(200), 16, seed=seed)
        batches.set_epoch(epoch)
        return list(batches)

    assert order(0, 1) == order(0, 1)
    assert order(0, 1) != order(0, 2)
    assert order(0, 1) != order(1, 1)


def test_a_clip_meets_others_from_epoch_to_epoch():
    batches = LengthBatches(musiceval_lengths(), 16)
    met = set()
    for epoch in range(5):
        batches.set_epoch(epoch)
        met |= {index for batch in batches if 0 in batch for index in batch}
    assert len(met) > 40


def test_without_shuffling_clips_come_by_length():
    batches = LengthBatches(np.array([5, 1, 3, 1]), 2, shuffle=False)
    assert list(batches) == [[1, 3], [2, 0]]
