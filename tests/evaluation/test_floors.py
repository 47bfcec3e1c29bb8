import numpy as np
import pandas as pd
import pytest

from whisq.evaluation import floors
from whisq.evaluation.floors import loudness, pooled, ridge
from whisq.evaluation.metrics import evaluate


def read(path) -> pd.DataFrame:
    table = pd.read_csv(path, names=["id", "omq", "ta"], index_col="id")
    table["system"] = table.index.str.extract(r"-(S\d{3})_", expand=False)
    table["prompt"] = table.index.str.extract(r"_(P\d{3})", expand=False)
    return table


def test_system_mean_reads_the_system_off_and_knows_nothing_of_unseen_ones():
    train = pd.DataFrame({"system": list("aab"), "omq": [1.0, 2.0, 5.0], "ta": [1.0, 1.0, 4.0]})
    truth = pd.DataFrame({"system": list("bac")}, index=["x", "y", "z"])
    predicted = floors.FLOORS["system_mean"](train, truth)
    assert predicted.index.tolist() == ["x", "y", "z"]
    assert predicted["omq"].tolist() == pytest.approx([5, 1.5, 8 / 3])
    assert predicted["ta"].tolist() == pytest.approx([4, 1, 2])


def test_prompt_mean_and_global_mean_by_hand():
    train = pd.DataFrame({"prompt": list("ppq"), "omq": [1.0, 2.0, 5.0]})
    truth = pd.DataFrame({"prompt": list("qp")})
    assert floors.FLOORS["prompt_mean"](train, truth)["omq"].tolist() == [5, 1.5]
    assert floors.global_mean(train, truth)["omq"].tolist() == pytest.approx([8 / 3] * 2)


def test_gold_omq_is_the_rating_of_the_other_axis(rated):
    predicted = floors.gold_omq(rated, rated)
    assert list(predicted) == ["ta"]
    assert predicted["ta"].equals(rated["omq"].rename("ta"))


def test_a_floor_never_sees_the_ratings_it_is_judged_by(rated):
    train, truth = rated.iloc[::2], rated.iloc[1::2]
    hidden = truth.assign(omq=1.0, ta=1.0)
    for name in ("global_mean", "system_mean", "prompt_mean"):
        assert floors.FLOORS[name](train, truth).equals(floors.FLOORS[name](train, hidden))


def test_the_leak_of_musicevals_official_split(real_lists):
    train, test = read(real_lists / "train_mos_list.txt"), read(real_lists / "test_mos_list.txt")
    scores = evaluate(test, floors.FLOORS["system_mean"](train, test))
    found = {
        (level, axis): round(scores[level][axis]["srcc"], 3)
        for level in ("utt", "sys")
        for axis in ("omq", "ta")
    }
    # TA by system is 0.936 to 0.940 where equal means are not told to be equal.
    assert found == {
        ("utt", "omq"): 0.793,
        ("utt", "ta"): 0.584,
        ("sys", "omq"): 0.976,
        ("sys", "ta"): 0.937,
    }


def sequences(clips, seed=0):
    draw = np.random.default_rng(seed)
    audio = [draw.normal(size=(2, 4 + clip % 3, 6)).astype(np.float16) for clip in range(clips)]
    text = [draw.normal(size=(1, 3 + clip % 2, 5)).astype(np.float16) for clip in range(clips)]
    return audio, text


def test_what_is_linear_in_the_features_is_found_and_held_out_ratings_are_not_looked_at(rated):
    draw = np.random.default_rng(1)
    features = dict.fromkeys(("omq", "ta"), draw.normal(size=(len(rated), 3)))
    rated["omq"] = 3 + features["omq"] @ [1.0, -0.5, 0.2]
    train = np.arange(len(rated)) % 2 == 0
    predicted = ridge(features, rated, train)
    assert predicted["omq"].to_numpy() == pytest.approx(rated["omq"].to_numpy(), abs=0.1)
    hidden = rated.assign(ta=rated["ta"].where(train, 1.0))
    assert ridge(features, hidden, train)["ta"].equals(predicted["ta"])


def test_pooled_features_forget_the_order_of_steps():
    audio, text = sequences(30)
    train = np.arange(30) < 20
    first = pooled(audio, text, train)
    again = pooled([a[:, ::-1] for a in audio], [t[:, ::-1] for t in text], train)
    for axis in ("omq", "ta"):
        assert again[axis] == pytest.approx(first[axis], abs=1e-3)
    assert first["omq"].shape == (30, 12)
    assert first["omq"][7, 6:] == pytest.approx(audio[7][1].mean(axis=0), abs=1e-2)


def test_quality_never_sees_the_text_and_alignment_does():
    audio, text = sequences(30)
    _, other = sequences(30, seed=1)
    train = np.arange(30) < 20
    first, again = pooled(audio, text, train), pooled(audio, other, train)
    assert np.array_equal(first["omq"], again["omq"])
    assert not np.allclose(first["ta"], again["ta"])


def test_loudness_of_a_tone_by_hand():
    tone = 0.5 * np.sin(2 * np.pi * 100 * np.arange(16000) / 16000)
    sounds = {"tone": tone, "half": np.concatenate([tone, 0 * tone])}
    found = loudness((sounds[name], 16000) for name in ("tone", "half"))["ta"]
    seconds, level, peak, crest, spread, silent = found[0]
    assert np.exp(seconds) == pytest.approx(1)
    assert level == pytest.approx(10 * np.log10(0.125), abs=0.01)
    assert peak == pytest.approx(20 * np.log10(0.5), abs=0.01)
    assert crest == pytest.approx(peak - level)
    assert (spread, silent) == (pytest.approx(0, abs=0.01), 0)
    assert found[1, 5] == 0.5
    assert found[1, 4] > 30
