from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from whisq.evaluation.bench import Bench, predict, write_predictions


class Echo:
    """Says of each pair how many steps it has, so that mixed up rows would show."""

    def embed_audio(self, samples):
        return np.zeros((1, len(samples), 2))

    def embed_prompt(self, prompt):
        self.encoded.append(prompt)
        return np.zeros((1, 7, 2))

    def score_embedded(self, clips):
        self.steps = [audio.shape[1] for audio, _ in clips]
        return [SimpleNamespace(omq=float(a.shape[1]), ta=float(t.shape[1])) for a, t in clips]


def test_clips_are_scored_by_length_and_handed_back_in_their_order(tmp_path):
    rated = pd.DataFrame({"split": ["train", "dev", "test"], "prompt": ["p", "q", "p"]})
    rated.index = pd.Index(["c", "a", "b"], name="id")
    audio = {key: np.zeros((1, steps, 2)) for key, steps in (("c", 5), ("a", 2), ("b", 9))}
    text = {key: np.zeros((1, steps, 2)) for key, steps in (("p", 3), ("q", 4))}
    scorer = Echo()
    predictions = predict(scorer, rated, audio, text)
    assert scorer.steps == [2, 5, 9]
    write_predictions(predictions, tmp_path / "p.csv")
    assert (tmp_path / "p.csv").read_text().splitlines() == [
        "id,split,omq,ta",
        "c,train,5.000000,3.000000",
        "a,dev,2.000000,4.000000",
        "b,test,9.000000,3.000000",
    ]


@pytest.fixture
def bench():
    """Three clips of two prompts; a prompt "long" is not stored."""
    clips = pd.DataFrame({"prompt": ["p", "q", "p"]}, index=["c", "a", "b"])
    audio = {key: np.zeros((1, steps, 2)) for key, steps in (("c", 5), ("a", 2), ("b", 9))}
    text = {key: np.zeros((1, steps, 2)) for key, steps in (("p", 3), ("q", 4))}
    return Bench(Echo(), clips, audio, text, read=None)


def test_alignment_is_told_in_the_order_that_was_asked(bench):
    asked = [("b", "q"), ("a", "p"), ("c", "q"), ("b", "p")]
    assert bench.alignment(iter(asked)).tolist() == [4, 3, 4, 3]
    assert bench.scorer.steps == [2, 5, 9, 9]
    assert bench.alignment([]).shape == (0,)


def test_a_prompt_that_is_not_stored_is_encoded_once(bench):
    bench.scorer.encoded = []
    for _ in range(2):
        assert bench.alignment([("a", "long"), ("b", "p")]).tolist() == [7, 3]
    assert bench.scorer.encoded == ["long"]


def test_altered_clips_are_encoded_and_keep_their_prompts(bench):
    sounds = [("a", np.zeros(6)), ("b", np.zeros(8))]
    assert bench.rescore(sounds).tolist() == [[6, 4], [8, 3]]
    assert bench.rescore([]).shape == (0, 2)
