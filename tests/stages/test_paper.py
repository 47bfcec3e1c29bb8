"""The paper's configuration from a zip to a judged model, with tiny encoders of the same kinds."""

import json

import numpy as np
import pandas as pd
import pytest

from whisq.corpus.clips import read_clips
from whisq.embeddings.sequences import Sequences
from whisq.show.published import published

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]


def test_every_clip_is_read_from_the_zip(paper_run):
    assert len(read_clips(paper_run / "data/clips.csv")) == 60


def test_every_frame_of_the_clip_alone_is_kept_of_the_padded_window(paper_run):
    audio = Sequences.open(paper_run / "data/embeddings/audio")
    assert audio.manifest["spec"]["window"] == "padded"
    assert audio.layers == (6,)
    np.testing.assert_array_equal(audio.lengths, 30)  # 0.6 s of 20 ms


def test_each_prompt_is_embedded_once_by_qwen3(paper_run, tiny_qwen):
    text = Sequences.open(paper_run / "data/embeddings/text")
    clips = read_clips(paper_run / "data/clips.csv")
    assert sorted(text.keys) == sorted(clips["prompt"].unique())
    assert len(text) < len(clips)
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
