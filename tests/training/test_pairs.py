from dataclasses import replace

import numpy as np
import pytest
from pandas import DataFrame

from whisq.corpus.clips import write_pairs
from whisq.losses import Objective
from whisq.model.card import reach
from whisq.training.data import Data
from whisq.training.pairs import PairBatches, Words, from_raters, make_pair_loader, read_words

NAMES = ["a", "b", "axis", "vote"]


def words_of(rows, ids):
    return Words(DataFrame(rows, columns=NAMES), list(ids))


def test_raters_prefer_what_they_graded_higher_of_one_prompt():
    clips = DataFrame({"id": ["x", "y", "z", "u"], "prompt": ["rag", "rag", "rag", "waltz"]})
    ratings = DataFrame(
        {
            "id": ["x", "y", "z", "u"],
            "raters": ["r1 r2", "r2 r1", "", "r1 r2"],
            "omq_raters": ["5 3", "3 4", "", "1 1"],
            "ta_raters": ["1 2", "5 1", "", "1 1"],
        }
    )
    found = {tuple(row) for row in from_raters(clips, ratings)[[*NAMES, "rater"]].to_numpy()}
    assert found == {
        ("x", "y", "omq", 1, "r1"),
        ("x", "y", "omq", 0, "r2"),
        ("x", "y", "ta", 0, "r1"),
        ("x", "y", "ta", -1, "r2"),
    }


def test_a_pair_that_reaches_out_of_the_set_is_left_out():
    words = words_of([["x", "y", "omq", 1], ["x", "z", "omq", 1]], "xy")
    assert len(words) == 1
    assert words.axes() == ["omq"]


def test_accuracy_leaves_listeners_ties_out_and_counts_ties_of_scores_half():
    rows = [["x", "y", "omq", 1], ["y", "z", "omq", -1], ["x", "z", "omq", 0], ["x", "y", "", 1]]
    words = words_of(rows, "xyz")
    said = {"omq": np.array([3.0, 2.0, 2.0]), "ta": np.array([1.0, 2.0, 3.0])}
    assert words.accuracy(said) == {"omq": pytest.approx(2.5 / 3), "ta": 0.0}
    assert words_of([], "xyz").accuracy(said) == {"omq": None, "ta": None}


def couples(count):
    return [f"{side}{number}" for number in range(count) for side in "ab"]


@pytest.mark.parametrize("epoch", [0, 1, 7])
def test_who_was_compared_once_meets_its_other_in_each_epoch(epoch):
    ids = couples(20)
    words = words_of([[f"a{number}", f"b{number}", "omq", 1] for number in range(20)], ids)
    batches = PairBatches(words, np.ones(40), 8)
    batches.epoch = epoch
    found = list(batches)
    assert sorted(clip for batch in found for clip in batch) == list(range(40))
    assert len(found) == len(batches)
    for batch in found:
        assert {clip ^ 1 for clip in batch} == set(batch)


def test_epochs_differ_and_are_the_same_again():
    words = words_of([["x", "y", "", 1], ["y", "z", "", 1], ["u", "z", "", 1]], "uvwxyz")
    batches = PairBatches(words, np.ones(6), 3)
    orders = []
    for epoch in (0, 1, 0):
        batches.epoch = epoch
        orders.append(list(batches))
    assert orders[0] == orders[2] != orders[1]


@pytest.fixture
def data(data_folder):
    return Data.open(data_folder)


def preferences(data, flip=1):
    """Every pair of one prompt, by what the clips' labels say."""
    rated = data.ratings.merge(data.clips, on="id")
    both = rated.merge(rated, on="prompt", suffixes=("", "_b"))
    both = both[both["id"] < both["id_b"]]
    found = [
        DataFrame(
            {
                "a": both["id"],
                "b": both["id_b"],
                "axis": axis,
                "rater": "",
                "vote": flip * np.sign(both[axis] - both[f"{axis}_b"]).astype(int),
            }
        )
        for axis in ("omq", "ta")
    ]
    return found[0], found[1]


@pytest.fixture
def compared(data, tmp_path):
    """Clips of which nobody rated any, and OMQ preferences between them: `compared(flip=1)`."""
    (tmp_path / "raw").mkdir()
    unrated = data.ratings.assign(omq=np.nan, ta=np.nan)

    def make(flip=1):
        write_pairs(preferences(data, flip)[0], tmp_path / "raw")
        return replace(data, ratings=unrated, folder=tmp_path)

    return make


@pytest.fixture
def by_pairs(make_recipe):
    recipe = make_recipe(loss=Objective(mse_weight=0, ot_weight=0, preference_weight=1))
    return replace(recipe, train=recipe.train.model_copy(update={"epochs": 12, "averaging": 0.0}))


def test_a_batch_holds_the_words_on_its_own_pairs_and_no_others(data):
    table, dataset = preferences(data)[0], data.dataset("train")
    loader = make_pair_loader(dataset, Words(table, dataset.ids), 16, 0, "cpu")
    rated, met = dict(zip(dataset.ids, np.array(dataset.ratings)[:, 0], strict=True)), 0
    for batch in loader:
        inside = table["a"].isin(batch.ids) & table["b"].isin(batch.ids)
        assert len(batch.pairs) == inside.sum()
        for (first, second), share in zip(batch.pairs, batch.omq_preferred, strict=True):
            gap = rated[batch.ids[first]] - rated[batch.ids[second]]
            assert share == (1 + np.sign(gap)) / 2
        assert batch.ta_preferred.isnan().all()
        met += len(batch.pairs)
    assert met > 0


@pytest.mark.parametrize("flip", [1, -1])
def test_an_order_is_learnt_from_pairs_alone(data, compared, by_pairs, flip):
    model, history = by_pairs.fit(compared(flip), progress=False)
    assert history.criterion == "pair_accuracy"
    best = history.epochs[history.best_epochs["omq"] - 1]
    assert best["dev_omq_pair_accuracy"] > 0.8
    assert best["dev_omq_utt_srcc"] is None
    assert model.config.corpus["compared"] == "omq"
    assert model.config.corpus["unrated"] == "ta"
    warned = reach(model.config.corpus)
    assert "OMQ from preferences alone" in warned
    assert "TA" in warned


def test_where_ratings_teach_too_they_choose_the_epoch(data, make_recipe, tmp_path):
    (tmp_path / "raw").mkdir()
    write_pairs(preferences(data)[0], tmp_path / "raw")
    recipe = make_recipe(loss=Objective(preference_weight=0.5))
    model, history = recipe.fit(replace(data, folder=tmp_path), progress=False)
    assert history.criterion == "utt_srcc"
    assert "train_preference" in history.epochs[0]
    assert not {"compared", "unrated"} & set(model.config.corpus)


def test_a_training_is_named_by_its_preferences(compared, by_pairs):
    names = []
    for flip in (1, -1):
        data = compared(flip)
        names.append(by_pairs.key(by_pairs.config(data), data))
    assert names[0] != names[1]


def test_who_has_no_preferences_is_told_what_to_set(data):
    with pytest.raises(ValueError, match=r"lacks a table pairs\.csv; set train\.pairs to raters"):
        read_words(data, "corpus")
    with pytest.raises(ValueError, match=r"one rater has rated both; set train\.pairs to corpus"):
        read_words(data, "raters")


def test_dev_without_pairs_says_how_to_have_some(compared, by_pairs):
    data = compared()
    split = data.ratings["split"].where(data.ratings["split"] != "dev", "test")
    alone = split.where(split.index != split.index[0], "dev")
    with pytest.raises(ValueError, match=r"split\.protocol=prompts"):
        by_pairs.fit(replace(data, ratings=data.ratings.assign(split=alone)), progress=False)
