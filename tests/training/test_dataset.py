import numpy as np
import pandas as pd
import pytest
import torch

from whisq.training.dataset import ClipDataset, make_loader


@pytest.fixture
def tables():
    keys = [f"S001_P{number:03}" for number in range(7)]
    clips = pd.DataFrame({"id": keys, "prompt": [f"prompt {n % 2}" for n in range(7)]})
    ratings = pd.DataFrame({"id": keys[::-1], "omq": np.linspace(1, 5, 7), "ta": 3.0})
    ratings["omq_raters"], ratings["ta_raters"] = "1 5 5 5 5", "3 3 3 3 3"
    return clips, ratings


@pytest.fixture
def sequences(tmp_path, lay_out, states, tables):
    audio = {key: states(n, steps=3 + n, layers=2) for n, key in enumerate(tables[0]["id"])}
    text = {f"prompt {n}": states(n, steps=2 + n, dim=5) for n in range(2)}
    return lay_out(tmp_path / "audio", audio), lay_out(tmp_path / "text", text)


def test_a_clip_comes_with_its_sequences_and_ratings(tables, sequences):
    dataset = ClipDataset(*tables, *sequences)
    example = dataset[6]
    assert example.id == "S001_P000"
    np.testing.assert_array_equal(example.audio, sequences[0]["S001_P000"])
    np.testing.assert_array_equal(example.text, sequences[1]["prompt 0"][0])
    assert example.ratings == (5.0, 3.0)
    np.testing.assert_allclose(example.raters[0], [0.2, 0, 0, 0, 0.8])
    np.testing.assert_allclose(example.raters[1], [0, 0, 1, 0, 0])


def test_only_rated_clips_are_taken_or_all_without_ratings(tables, sequences):
    clips, ratings = tables
    assert len(ClipDataset(clips, ratings[:3], *sequences)) == 3
    every = ClipDataset(clips, None, *sequences)
    assert every.ids == list(clips["id"])
    assert every[0].ratings is None


def test_one_clip_without_raters_leaves_all_without(tables, sequences):
    clips, ratings = tables
    ratings.loc[2, "omq_raters"] = ""
    assert ClipDataset(clips, ratings, *sequences)[0].raters is None


def test_a_rated_clip_without_a_row_or_a_sequence_is_named(tables, sequences):
    clips, ratings = tables
    with pytest.raises(ValueError, match="S001_P006"):
        ClipDataset(clips[:6], ratings, *sequences)
    clips.loc[0, "prompt"] = "never embedded"
    with pytest.raises(ValueError, match="never embedded"):
        ClipDataset(clips, ratings, *sequences)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_loader_gives_every_clip_once_an_epoch(tables, sequences, workers):
    loader = make_loader(ClipDataset(*tables, *sequences), 3, shuffle=True, workers=workers)
    ids = [key for batch in loader for key in batch.ids]
    assert sorted(ids) == sorted(tables[0]["id"])


def test_what_a_clip_holds_does_not_depend_on_the_batch(tables, sequences):
    dataset = ClipDataset(*tables, *sequences)
    for batch in make_loader(dataset, 4):
        for row, key in enumerate(batch.ids):
            kept = torch.from_numpy(sequences[0][key].astype(np.float32))
            assert batch.audio_mask[row].sum() == kept.shape[1]
            assert torch.equal(batch.audio[row][:, batch.audio_mask[row]], kept)
