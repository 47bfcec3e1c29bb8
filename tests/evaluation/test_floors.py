import pandas as pd
import pytest

from whisq.evaluation import floors
from whisq.evaluation.metrics import evaluate


def read(path) -> pd.DataFrame:
    table = pd.read_csv(path, names=["id", "omq", "ta"], index_col="id")
    table["system"] = table.index.str.extract(r"-(S\d{3})_", expand=False)
    table["prompt"] = table.index.str.extract(r"_(P\d{3})", expand=False)
    return table


def test_system_mean_reads_the_system_off_and_knows_nothing_of_unseen_ones():
    train = pd.DataFrame({"system": list("aab"), "omq": [1.0, 2.0, 5.0], "ta": [1.0, 1.0, 4.0]})
    truth = pd.DataFrame({"system": list("bac")}, index=["x", "y", "z"])
    predicted = floors.system_mean(train, truth)
    assert predicted.index.tolist() == ["x", "y", "z"]
    assert predicted["omq"].tolist() == pytest.approx([5, 1.5, 8 / 3])
    assert predicted["ta"].tolist() == pytest.approx([4, 1, 2])


def test_prompt_mean_and_global_mean_by_hand():
    train = pd.DataFrame({"prompt": list("ppq"), "omq": [1.0, 2.0, 5.0]})
    truth = pd.DataFrame({"prompt": list("qp")})
    assert floors.prompt_mean(train, truth)["omq"].tolist() == [5, 1.5]
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
    scores = evaluate(test, floors.system_mean(train, test))
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
