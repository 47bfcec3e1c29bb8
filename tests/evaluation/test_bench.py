from types import SimpleNamespace

import numpy as np
import pandas as pd

from whisq.evaluation.bench import predict, write_predictions


class Echo:
    """Says of each pair how many steps it has, so that mixed up rows would show."""

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
