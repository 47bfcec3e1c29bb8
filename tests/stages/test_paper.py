"""The paper's configuration from a zip to a judged model, with tiny encoders of the same kinds."""

import json
import subprocess

import numpy as np
import pandas as pd
import pytest
from dvc.utils.hydra import to_hydra_overrides
from hypothesis import assume, given
from hypothesis import strategies as st

from stages.paper import NAME, sourced
from stages.recipe import free_name
from whisq.corpus.card import read_card
from whisq.corpus.clips import read_clips
from whisq.show.published import published
from whisq.store.sequences import Sequences

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]


def git(project, *command):
    done = subprocess.run(["git", *command], cwd=project, capture_output=True, text=True)
    return done.stdout


def state(project):
    """What must not change before the run begins."""
    card = (project / "data/raw/CORPUS.json").read_text()
    return card, (project / "params.yaml").read_text(), git(project, "for-each-ref", "refs/exps")


def test_every_clip_is_read_from_the_hubs_zip(paper_run, web):
    assert len(read_clips(paper_run / "data/clips.csv")) == 60
    card = read_card(paper_run / "data/raw")
    assert card["commit"] == web.commit
    assert card["source"] == "hf://datasets/BAAI/MusicEval/MusicEval-full.zip@main"


@pytest.mark.parametrize(
    ("source", "changes", "told"),
    [
        ("/no/such folder/MusicEval.zip", {}, "there is no /no/such folder/MusicEval.zip"),
        ("", {"HF_TOKEN": "bad"}, "its token is wrong or out of date"),
        ("hf://datasets/BAAI/MusicEval/x.zip", {}, "no such file or revision (404)"),
        ("data/raw", {}, "must lie apart from"),
        ("stages", {}, "must hold one folder with wav/ and sets/"),
    ],
)
def test_a_source_that_is_none_is_told_before_anything_is_changed(
    paper_run, make_paper, source, changes, told
):
    before = state(paper_run)
    # At the revision that is in place already there would be nothing to ask.
    done = make_paper(f"SOURCE={source}", "ARGS=-S corpus.musiceval.revision=v2", **changes)
    assert done.returncode != 0
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert state(paper_run) == before


def test_run_again_it_is_not_refused_and_asks_the_hub_for_nothing(paper_run, make_paper, web):
    asked = len(web.asked)
    done = make_paper()
    assert done.returncode == 0, done.stderr
    assert "Running stage" not in done.stdout
    assert "paper-musiceval-2" in git(paper_run, "for-each-ref", "refs/exps")
    assert not any(path.endswith(".zip") for _, path, _ in web.asked[asked:])


def test_a_value_that_is_none_is_told_before_anything_is_changed(paper_run, make_paper):
    before = state(paper_run)
    done = make_paper("ARGS=-S train.epochs=many -S loss.ot_weigth=1")
    assert "train.epochs: " in done.stderr
    assert "loss.ot_weigth: no such parameter" in done.stderr
    assert state(paper_run) == before


@given(st.text(st.characters(exclude_characters="\0", codec="utf-8"), min_size=1))
def test_any_path_reaches_params_yaml_as_it_is(source):
    assume("${" not in source)
    (change,) = sourced(source)
    [parsed] = to_hydra_overrides([change])
    assert parsed.key_or_group == "corpus.musiceval.source"
    assert parsed.value() == source
    assert not parsed.is_sweep_override()


def test_an_empty_source_is_the_hub_and_none_leaves_the_one_of_params_yaml():
    assert sourced("") == ["corpus.musiceval.source=null"]
    assert sourced(None) == []


def test_a_name_that_is_taken_gets_a_number():
    assert free_name(NAME, []) == "paper-musiceval"
    assert free_name(NAME, ["paper-musiceval", "x"]) == "paper-musiceval-2"
    assert free_name(NAME, ["paper-musiceval", "paper-musiceval-2"]) == "paper-musiceval-3"


def test_every_frame_of_the_clip_alone_is_kept_of_the_padded_window(paper_run):
    audio = Sequences.open(paper_run / "data/embeddings/audio")
    assert audio.manifest["spec"]["window"] == "padded"
    assert audio.layers == (6,)
    np.testing.assert_array_equal(audio.lengths, 30)  # 0.6 s of 20 ms


def test_each_prompt_is_embedded_once_by_qwen3(paper_run, tiny_qwen):
    text = Sequences.open(paper_run / "data/embeddings/text")
    clips = read_clips(paper_run / "data/clips.csv")
    assert sorted(text.keys) == sorted(clips["prompt"].unique())
    assert len(text.keys) < len(clips)
    assert text.manifest["spec"]["model"] == str(tiny_qwen)


def test_the_model_predicts_every_labelled_clip(paper_run):
    predictions = pd.read_csv(paper_run / "data/predictions.csv")
    assert len(predictions) == 60
    assert predictions[["omq", "ta"]].notna().all(axis=None)


def test_its_figures_are_not_set_beside_the_papers(paper_run):
    evaluate = json.loads((paper_run / "metrics/evaluate.json").read_text())
    assert evaluate["test"]["utt"]["omq"]["srcc"] is not None
    ours = [row for row in published(evaluate).rows if row[0].text == "this run"]
    assert len(ours) == 4
    assert all(cell.key is None for row in ours for cell in row[3:7])
