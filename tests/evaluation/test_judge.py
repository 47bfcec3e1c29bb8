import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from whisq.evaluation.judge import Case, figures, floors, join, judge, rounded
from whisq.show import kept


@pytest.fixture(scope="module")
def case(rated_once) -> Case:
    draw = np.random.default_rng(2)
    rated = rated_once.copy()
    rated["split"] = draw.permutation(["train"] * 60 + ["dev"] * 30 + ["test"] * 30)
    for axis in ("omq", "ta"):
        grades = np.clip(
            np.round(rated[axis].to_numpy()[:, None] + draw.normal(0, 1, (120, 5))), 1, 5
        )
        rated[f"{axis}_raters"] = [" ".join(str(int(grade)) for grade in row) for row in grades]
        rated[axis] = grades.mean(axis=1)
    model = rated[["omq", "ta"]] + draw.normal(0, 0.4, (120, 2))
    order = pd.Series(draw.random(120) < 0.5, index=rated.index)
    ridge = rated[["omq", "ta"]] + draw.normal(0, 2, (120, 2))
    return Case(rated, model, {"some_ridge": ridge}, rated[["omq", "ta"]], order)


@pytest.fixture(scope="module")
def result(case) -> dict:
    return judge(case, "rendered corpus", "official", resamples=60, seed=0)


def test_figures_go_by_the_corpus_they_were_made_on(result):
    assert (result["corpus"], result["protocol"]) == ("rendered corpus", "official")
    assert "MusicEval" not in json.dumps(result)


def test_each_split_has_level_axis_metric_and_floors_of_the_same_form(result):
    for split in ("dev", "test"):
        parties = [result[split], *result[split]["floors"].values()]
        for party in parties:
            for level in ("utt", "sys"):
                assert {"mse", "lcc", "srcc", "ktau"} <= set(party[level]["ta"])
        assert result[split]["n_clips"] == 30
        names = {"global_mean", "system_mean", "prompt_mean", "gold_omq", "some_ridge"}
        assert set(result[split]["floors"]) == names
        assert set(result[split]["intervals"]["sys"]["omq"]["ktau"]) == {"clip", "system", "prompt"}


def test_a_good_model_stands_between_floor_and_ceiling(result):
    test = result["test"]
    assert test["utt"]["omq"]["srcc"] > test["floors"]["system_mean"]["utt"]["omq"]["srcc"]
    assert test["ceilings"]["latent_truth"]["utt"]["omq"]["srcc"] == pytest.approx(1)
    assert 0 < test["ceilings"]["raters"]["utt"]["omq"]["srcc"] < 1
    low, high = test["share"]["utt"]["omq"]["interval"]
    assert low < test["share"]["utt"]["omq"]["share"] < high


def test_floors_are_fitted_on_training_clips_alone(case):
    held_out = case.rated["split"] != "train"
    other = case.rated.assign(omq=case.rated["omq"].where(~held_out, 1.0))
    first, again = floors(case, "test"), floors(replace(case, rated=other), "test")
    for name in ("global_mean", "system_mean", "prompt_mean", "some_ridge"):
        assert first[name].equals(again[name])


def test_subsets_share_out_the_clips(case, result):
    parts = result["test"]["subsets"]
    assert sum(part["n_clips"] for part in parts.values()) == 30
    bare = judge(replace(case, order=None, latent=None), "MusicEval", "official", 20, 0)
    assert bare["test"]["subsets"] == {}
    assert set(bare["test"]["ceilings"]) == {"raters"}


def test_what_a_trial_is_told_is_part_of_what_the_pipeline_is_told(case, result):
    test = case.rated["split"] == "test"
    found = rounded(figures(replace(case, predictions=case.predictions[test]), "test"))
    assert set(found) > {"utt", "sys", "floors", "subsets"}
    assert found == {name: result["test"][name] for name in found}


def test_a_subset_is_judged_beside_floors_that_were_fitted_on_all_training_clips(case, result):
    of_order = case.rated[case.order & (case.rated["split"] == "test")]
    part = result["test"]["subsets"]["order_prompts"]
    assert part["n_clips"] == len(of_order)
    gold = ((of_order["omq"] - of_order["ta"]) ** 2).mean()
    assert part["floors"]["gold_omq"]["utt"]["ta"]["mse"] == pytest.approx(gold, abs=1e-6)
    assert set(part["floors"]) == set(result["test"]["floors"])


def test_labelled_clips_are_joined_in_the_order_of_their_ratings():
    clips = pd.DataFrame({"id": ["a", "b", "c"], "prompt": ["p", "q", "r"]})
    found = join(clips, pd.DataFrame({"id": ["c", "a"], "omq": [1.0, 2.0]}))
    assert found["prompt"].to_dict() == {"c": "r", "a": "p"}
    assert found.index.tolist() == ["c", "a"]
    with pytest.raises(ValueError, match="one-to-one"):
        join(clips, pd.DataFrame({"id": ["c", "c"], "omq": [1.0, 2.0]}))


def test_another_order_of_rows_gives_the_same_figures(case, result):
    rows = np.random.default_rng(0).permutation(120)
    moved = replace(case, rated=case.rated.iloc[rows])
    again = judge(moved, "rendered corpus", "official", resamples=60, seed=0)
    for key in ("utt", "sys", "floors", "within"):
        assert again["test"][key] == result["test"][key]


def test_all_of_it_is_json_and_an_undefined_figure_is_null(result):
    text = json.dumps(result, allow_nan=False)
    assert json.loads(text)["test"]["floors"]["global_mean"]["utt"]["omq"]["srcc"] is None


def test_a_nan_is_refused_and_the_rest_rounded():
    assert rounded({"a": [np.float64(1 / 3), np.int64(2), None, "x"]}) == {
        "a": [0.333333, 2, None, "x"]
    }
    with pytest.raises(ValueError, match="None"):
        rounded({"a": float("nan")})


def test_a_split_without_clips_is_left_out(case):
    rated = case.rated.assign(split=case.rated["split"].replace("test", "train"))
    found = judge(replace(case, rated=rated), "rendered corpus", "systems", 20, 0)
    assert "test" not in found


def test_what_goes_with_a_model_is_the_last_splits_figures_and_the_reports_own_table(result):
    told = kept.card(result, model="c0ffee")
    assert (told["model"], told["split"], told["protocol"]) == ("c0ffee", "test", "official")
    for part in ("utt", "sys", "floors", "ceilings", "intervals"):
        assert told[part] == result["test"][part]
    for said in ("rendered corpus, test, official split", "the model", "some ridge", "interval"):
        assert said in told["table"]
    json.dumps(told, allow_nan=False)
