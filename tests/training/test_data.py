from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from whisq.corpus.clips import REWORDING_COLUMNS
from whisq.losses import Objective
from whisq.training import data
from whisq.training.data import (
    ClipDataset,
    Data,
    LengthBatches,
    Mismatches,
    Rewordings,
    make_loader,
)


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


def test_only_rated_clips_are_taken(tables, sequences):
    clips, ratings = tables
    assert ClipDataset(clips, ratings[:3], *sequences).ids == list(ratings["id"][:3])


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


def test_a_loader_gives_every_clip_once_an_epoch(tables, sequences):
    loader = make_loader(ClipDataset(*tables, *sequences), 3, shuffle=True)
    ids = [key for batch in loader for key in batch.ids]
    assert sorted(ids) == sorted(tables[0]["id"])


def test_what_a_clip_holds_does_not_depend_on_the_batch(tables, sequences):
    dataset = ClipDataset(*tables, *sequences)
    for batch in make_loader(dataset, 4):
        for row, key in enumerate(batch.ids):
            kept = torch.from_numpy(sequences[0][key].astype(np.float32))
            assert batch.audio_mask[row].sum() == kept.shape[1]
            assert torch.equal(batch.audio[row][:, batch.audio_mask[row]], kept)


lists = st.lists(st.integers(1, 1500), min_size=1, max_size=80)


@given(lists, st.integers(1, 9), st.booleans(), st.integers(0, 5))
def test_every_clip_is_taken_once(lengths, batch_size, shuffle, epoch):
    batches = LengthBatches(np.array(lengths), batch_size, shuffle)
    batches.epoch = epoch
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
        batches.epoch = epoch
        padded = sum(len(batch) * lengths[batch].max() for batch in batches)
        assert 1 - lengths.sum() / padded < 0.1


def test_the_order_is_a_function_of_seed_and_epoch():
    def order(seed, epoch):
        batches = LengthBatches(musiceval_lengths(200), 16, seed=seed)
        batches.epoch = epoch
        return list(batches)

    assert order(0, 1) == order(0, 1)
    assert order(0, 1) != order(0, 2)
    assert order(0, 1) != order(1, 1)


def test_a_clip_meets_others_from_epoch_to_epoch():
    batches = LengthBatches(musiceval_lengths(), 16)
    met = set()
    for epoch in range(5):
        batches.epoch = epoch
        met |= {index for batch in batches if 0 in batch for index in batch}
    assert len(met) > 40


def test_without_shuffling_clips_come_by_length():
    batches = LengthBatches(np.array([5, 1, 3, 1]), 2, shuffle=False)
    assert list(batches) == [[1, 3], [2, 0]]


@pytest.fixture
def dataset(data_folder):
    return Data.open(data_folder).dataset("train")


@pytest.fixture
def batch(dataset):
    return next(iter(make_loader(dataset, 16)))


def prompt_of(dataset, text, mask):
    """Which prompt a drawn text is."""
    for prompt in dataset.prompts:
        states = torch.from_numpy(dataset.text[prompt][0].copy()).float()
        if len(states) == mask.sum() and torch.equal(states, text[mask]):
            return prompt
    return None


def met(dataset, drawn):
    """Which prompts each clip meets beside its own: a row for each of the others."""
    _, others = drawn
    read = zip(others.text, others.text_mask, strict=True)
    prompts = [prompt_of(dataset, *each) for each in read]
    return [[prompts[place] for place in row] for row in others.chosen.tolist()]


@pytest.mark.parametrize("near", [0.0, 0.5, 1.0])
def test_a_drawn_prompt_is_another_one_of_the_training_set(dataset, batch, near, monkeypatch):
    monkeypatch.setattr(data, "NEAR", near)
    torch.manual_seed(0)
    own = dict(zip(dataset.ids, dataset.prompts, strict=True))
    for row in met(dataset, Mismatches(dataset).draw(batch, 3)):
        for key, prompt in zip(batch.ids, row, strict=True):
            assert prompt not in (None, own[key])


def test_a_prompt_that_many_clips_meet_is_read_once(dataset, batch):
    read, others = Mismatches(dataset).draw(batch, 20)
    assert read is batch
    assert len(others.text) == len(others.text_mask) <= len(set(dataset.prompts))
    assert others.chosen.shape == (20, len(batch))
    assert set(others.chosen.flatten().tolist()) == set(range(len(others.text)))


def test_the_nearest_prompt_is_that_of_the_closest_mean_state(dataset, batch, monkeypatch):
    monkeypatch.setattr(data, "NEAR", 1.0)
    own = dict(zip(dataset.ids, dataset.prompts, strict=True))
    means = {p: torch.from_numpy(dataset.text[p][0].copy()).float().mean(0) for p in own.values()}
    centre = torch.stack(list(means.values())).mean(0)
    [nearest] = met(dataset, Mismatches(dataset).draw(batch))
    for key, found in zip(batch.ids, nearest, strict=True):
        mine = means[own[key]] - centre
        cosines = {
            prompt: torch.cosine_similarity(mine, mean - centre, dim=0).item()
            for prompt, mean in means.items()
            if prompt != own[key]
        }
        assert found == max(cosines, key=cosines.get)


def test_draws_follow_torchs_seed(dataset, batch):
    mismatches, drawn = Mismatches(dataset), []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        drawn.append(met(dataset, mismatches.draw(batch)))
    assert drawn[0] == drawn[1] != drawn[2]


def test_a_clip_is_rated_against_as_many_other_prompts_as_are_asked_for(dataset, batch):
    asked = met(dataset, Mismatches(dataset).draw(batch, 3))
    assert len(asked) == 3
    assert asked[0] != asked[1] != asked[2]


@pytest.mark.parametrize("term", ["mismatch", "contrast"])
def test_other_prompts_reach_the_loss(data_folder, make_recipe, term):
    recipe = make_recipe(loss=Objective(**{f"{term}_weight": 1.0}, other_prompts=2))
    _, history = recipe.fit(Data.open(data_folder), progress=False)
    assert history.epochs[-1][f"train_{term}"] > 0


@pytest.fixture
def reworded(data_folder, tmp_path):
    """The pipeline's data with a table of rewordings: `reworded(row, row...)`."""

    def write(*rows):
        table = pd.DataFrame(rows, columns=REWORDING_COLUMNS)
        (tmp_path / "raw").mkdir(exist_ok=True)
        table.to_csv(tmp_path / "raw/rewordings.csv", index=False)
        return replace(Data.open(data_folder), folder=tmp_path)

    return write


TUNE = ("a tune called a", "a tune called b", "a tune called c")


def test_a_prompt_is_read_in_other_words_and_against_what_it_does_not_ask_for(dataset, reworded):
    rewordings = Rewordings(dataset, reworded(TUNE).rewordings())
    batch = next(iter(make_loader(dataset, len(dataset))))
    prompts = dict(zip(dataset.ids, dataset.prompts, strict=True))
    drawn, others = rewordings.draw(batch)
    [other] = met(dataset, (drawn, others))
    assert drawn.ids == batch.ids
    for at, key in enumerate(batch.ids):
        reworded_one = prompts[key] == TUNE[0]
        own = prompt_of(dataset, drawn.text[at], drawn.text_mask[at])
        changed = other[at]
        assert own == (TUNE[1] if reworded_one else prompts[key])
        assert changed == TUNE[2] if reworded_one else changed not in (None, prompts[key])


def test_other_prompts_are_in_other_words_too(dataset, reworded, batch):
    rewordings = Rewordings(dataset, reworded(TUNE).rewordings())
    found = {prompt for row in met(dataset, rewordings.draw(batch, 50))[1:] for prompt in row}
    assert TUNE[0] not in found
    assert TUNE[1] in found


@pytest.mark.parametrize("by_clip", [True, False])
def test_a_prompt_is_another_one_as_often_as_it_is_a_clips_own(
    dataset, batch, by_clip, monkeypatch
):
    monkeypatch.setattr(data, "NEAR", 0.0)
    torch.manual_seed(0)
    own = dict(zip(dataset.ids, dataset.prompts, strict=True))[batch.ids[0]]
    common = next(prompt for prompt in dataset.prompts if prompt != own)
    more = 9 * len(dataset)
    dataset.prompts += [common] * more
    dataset.ids += [f"more {n}" for n in range(more)]
    found = [row[0] for row in met(dataset, Mismatches(dataset, by_clip).draw(batch, 100))]
    assert own not in found
    assert (found.count(common) > 80) == by_clip


def test_each_rewording_of_a_prompt_is_drawn(dataset, reworded, batch):
    rows = [(p, same, TUNE[2]) for p in set(dataset.prompts) for same in TUNE[:2]]
    rewordings, found = Rewordings(dataset, reworded(*rows).rewordings()), set()
    for seed in range(4):
        torch.manual_seed(seed)
        drawn, _ = rewordings.draw(batch)
        found |= {prompt_of(dataset, *one) for one in zip(drawn.text, drawn.text_mask, strict=True)}
    assert found == set(TUNE[:2])


def test_words_of_a_held_out_prompt_are_not_learnt_from(reworded):
    rows = [TUNE, (TUNE[0], "then Y, first x", TUNE[2]), (TUNE[0], TUNE[1], "first y then x")]
    given = reworded(*rows, ("first y then x", TUNE[0], TUNE[1]))
    assert len(given.rewordings()) == 4
    of_clip = given.ratings["id"].map(given.clips.set_index("id")["prompt"])
    held = of_clip.isin(["first x then y", "first y then x"])
    ratings = given.ratings.assign(split=np.where(held, "test", "train"))
    kept = replace(given, ratings=ratings).rewordings()
    assert [tuple(row) for row in kept.to_numpy()] == [TUNE]


def test_rewordings_that_the_corpus_has_not_say_what_to_do(reworded):
    with pytest.raises(ValueError, match=r"set train\.rewordings to false"):
        reworded().rewordings()


@pytest.mark.parametrize("contrast", [0.0, 1.0])
def test_rewordings_reach_the_network(reworded, make_recipe, contrast):
    recipe = make_recipe(loss=Objective(contrast_weight=contrast, other_prompts=2))
    with_them = replace(recipe, train=recipe.train.model_copy(update={"rewordings": True}))
    plain, told = (each.fit(reworded(TUNE), progress=False)[1] for each in (recipe, with_them))
    assert plain.epochs[-1]["train_loss"] != told.epochs[-1]["train_loss"]
