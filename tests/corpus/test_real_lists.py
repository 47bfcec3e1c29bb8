"""MusicEval's real labels and shared prompts, where they are at hand."""

import pandas as pd
import pytest

from whisq.corpus import musiceval
from whisq.corpus.clips import SPLITS
from whisq.corpus.tables import Problems, read_mos, read_prompts
from whisq.names import system_and_prompt


@pytest.fixture(scope="module")
def lists(real_lists):
    problems = Problems()
    tables = {
        name: read_mos(real_lists / f"{name}_mos_list.txt", problems) for name in (*SPLITS, "total")
    }
    assert problems.found == []
    return tables


def test_the_splits_have_their_published_sizes(lists):
    assert {name: len(table) for name, table in lists.items()} == {
        "train": 1923,
        "dev": 412,
        "test": 413,
        "total": 2748,
    }


def test_the_labels_have_their_published_statistics(lists):
    total = lists["total"]
    assert round(total["omq"].corr(total["ta"]), 2) == 0.79
    assert total["omq"].nunique() == total["ta"].nunique() == 21
    spread = {split: lists[split][["omq", "ta"]].std().round(2).tolist() for split in SPLITS}
    assert spread == {"train": [0.90, 0.84], "dev": [0.90, 0.85], "test": [0.87, 0.81]}


def test_there_are_31_systems_of_which_25_share_100_prompts(lists):
    pairs = pd.DataFrame(
        [system_and_prompt(key) for key in lists["total"]["id"]], columns=["s", "p"]
    )
    counts = pairs.groupby("s")["p"].count()
    assert len(counts) == 31
    assert not {"S005", "S025"} & set(counts.index)
    assert (counts == 100).sum() == 25
    demo = {"S001": 25, "S006": 8, "S013": 54, "S017": 133, "S018": 7, "S033": 21}
    assert counts[counts != 100].to_dict() == demo


def test_the_prompts_are_clean_and_the_blank_last_row_is_none(real_lists):
    problems = Problems()
    prompts = read_prompts(real_lists / "prompt_info.txt", problems)
    assert problems.found == []
    assert list(prompts) == [f"P{n:03d}" for n in range(1, 101)]
    assert all(text == text.strip() and text for text in prompts.values())
    assert "children’s" in prompts["P002"]


@pytest.mark.slow
def test_a_whole_corpus_with_the_real_lists_is_read_without_a_problem(
    real_lists, tmp_path, make_musiceval
):
    make_musiceval(tmp_path / "raw", seconds=0.03, lists=real_lists)
    found = musiceval.read(tmp_path / "raw")
    assert found.problems.found == []
    assert found.ratings["split"].value_counts().to_dict() == {
        "train": 1923,
        "test": 413,
        "dev": 412,
    }
    assert found.clips["prompt"].nunique() == 348
