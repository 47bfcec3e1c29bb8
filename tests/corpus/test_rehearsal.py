import numpy as np
import pandas as pd

from whisq.corpus import musiceval
from whisq.names import system_and_prompt


def test_the_drawn_ids_have_musicevals_published_counts(rehearsal):
    table = rehearsal.drawn_ids(np.random.default_rng(0))
    assert len(table) == table["id"].nunique() == 2748
    counts = table["system"].value_counts()
    assert len(counts) == 31
    assert (counts == 100).sum() == 25
    demo = table[table["system"].isin(rehearsal.DEMO_CLIPS)]
    assert len(demo) == 248
    assert (demo["prompt_id"] > "P100").sum() == 53
    assert [system_and_prompt(key) for key in table["id"]] == list(
        zip(table["system"], table["prompt_id"], strict=True)
    )


def test_the_raters_agree_about_as_far_as_people_do(rehearsal):
    table = rehearsal.drawn_ids(np.random.default_rng(0))
    rated = rehearsal.rate(table, np.random.default_rng(1))
    assert set(rated["omq"]) | set(rated["ta"]) == {1, 2, 3, 4, 5}
    assert rated["rater"].nunique() == 14
    means = rated.groupby("id")[["omq", "ta"]].mean()
    assert means.std().between(0.6, 1.0).all()


def test_known_labels_are_the_raters_mean(rehearsal):
    table = pd.DataFrame(
        {"id": ["a", "b", "c"], "system": "S001", "omq": [1.0, 5.0, 3.4], "ta": [4.8, 1.2, 2.0]}
    )
    means = rehearsal.rate(table, np.random.default_rng(0)).groupby("id")[["omq", "ta"]].mean()
    np.testing.assert_allclose(means, table.set_index("id")[["omq", "ta"]])


def test_the_same_seed_writes_the_same_bytes(rehearsal, tmp_path):
    first, second = (rehearsal.make(tmp_path / n, clips=8, seconds=0.05, seed=3) for n in "ab")
    files = sorted(path.relative_to(first) for path in first.rglob("*") if path.is_file())
    assert len(files) > 20
    for file in files:
        assert (first / file).read_bytes() == (second / file).read_bytes()


def test_a_part_of_it_still_has_demo_clips_whose_p_id_is_another_clips(corpus):
    clips = musiceval.read(corpus).clips
    prompts = clips.groupby("prompt_id")["prompt"].nunique()
    assert (prompts > 1).any()
    assert (clips["prompt"].value_counts() > 1).any()
