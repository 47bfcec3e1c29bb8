from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import soundfile

from whisq.corpus.clips import write_clips, write_ratings
from whisq.evaluation import gather
from whisq.evaluation.judge import judge


class Mean:
    """Scores a pair by the means of its states."""

    def score_embedded(self, clips):
        return [SimpleNamespace(omq=float(a.mean()), ta=float(t.mean())) for a, t in clips]


@pytest.fixture
def data(tmp_path, monkeypatch):
    """A pipeline's data folder of 24 rated clips and one without a rating."""
    draw = np.random.default_rng(0)
    rows = [(f"x-S{s:03d}_P{p:03d}", f"S{s:03d}", f"P{p:03d}", f"prompt {p}") for s in range(4)
            for p in range(6)] + [("x-S009_P001", "S009", "P001", "prompt 1")]  # fmt: skip
    clips = pd.DataFrame(rows, columns=["id", "system", "prompt_id", "prompt"])
    clips["path"], clips["seconds"] = "raw/" + clips["id"] + ".wav", 0.5
    (tmp_path / "raw").mkdir()
    for path in clips["path"]:
        soundfile.write(tmp_path / path, 0.1 * draw.normal(size=8000), 16000)
    rated = clips[["id"]].iloc[23::-1].assign(split=["train", "dev", "test"] * 8)
    rated[["omq", "ta"]] = draw.integers(10, 50, (24, 2)) / 10
    rated[["raters", "omq_raters", "ta_raters"]] = ""
    write_clips(clips, tmp_path / "clips.csv")
    write_ratings(rated, tmp_path / "ratings.csv")
    audio = {key: draw.normal(3, 1, (2, 5, 4)) for key in clips["id"]}
    text = {prompt: draw.normal(3, 1, (1, 3, 4)) for prompt in clips["prompt"]}
    monkeypatch.setattr(gather, "read_sequences", lambda folder: (audio, text))
    return tmp_path


def test_everything_that_is_judged_is_gathered_from_the_stages_files(data):
    case = gather.gather(Mean(), data)
    assert len(case.rated) == 24
    assert case.rated.index[0] == "x-S003_P005"
    assert case.predictions.index.equals(case.rated.index)
    assert set(case.floors) == {"loudness_ridge", "pooled_ridge"}
    assert (case.latent, case.order) == (None, None)
    result = judge(case, "MusicEval", "official", resamples=20, seed=0)
    assert result["test"]["ceilings"]["raters"]["utt"]["omq"] is None
    assert result["test"]["share"]["utt"]["omq"]["share"] is None
    assert result["test"]["n_clips"] == 8


def test_the_bench_holds_the_last_held_out_split_and_reads_its_sound(data):
    rated = gather.read_rated(data)
    bench = gather.make_bench(Mean(), data, rated, seed=0)
    assert set(bench.clips["split"]) == {"test"}
    assert bench.read(bench.clips.index[0]).shape == (8000,)
    dev = rated.assign(split=rated["split"].replace("test", "train"))
    assert set(gather.make_bench(Mean(), data, dev, seed=0).clips["split"]) == {"dev"}
