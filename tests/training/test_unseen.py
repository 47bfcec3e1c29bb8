"""What is told of a model where systems and prompts were held out: means and intervals."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from pandas import DataFrame, concat, read_csv
from scipy.stats import spearmanr

from whisq.trials.trial import attempt
from whisq.trials.unseen import unseen

ROOT = Path(__file__).parents[2]


def fold(number, systems, knows=1.0, clips=8):
    """Clips of some systems; the model says their rating and noise, the ridge noise alone."""
    draw = np.random.default_rng(number)
    rows = [(f"S{system:02d}", f"prompt {clip}") for system in systems for clip in range(clips)]
    table = DataFrame(rows, columns=["system", "prompt"])
    for axis in ("omq", "ta"):
        grades = draw.integers(1, 6, (len(table), 5))
        table[f"{axis}_raters"] = [" ".join(map(str, row)) for row in grades]
        table[axis] = grades.mean(axis=1)
        table[f"model_{axis}"] = knows * table[axis] + 0.1 * draw.normal(size=len(table))
        table[f"pooled_ridge_{axis}"] = draw.normal(size=len(table))
        table[f"system_mean_{axis}"] = 3.0
    table["gold_omq_ta"] = table["omq"]
    return table.assign(swap=[1.0, 0.0, np.nan, np.nan] * (len(table) // 4))


@pytest.fixture(scope="module")
def folds():
    return [fold(number, range(4 * number, 4 * number + 4)) for number in range(3)]


@pytest.fixture(scope="module")
def judged(folds):
    return unseen({"systems": folds}, 200, 0)["systems"]


def test_a_figure_is_the_mean_over_folds_each_ranked_by_itself(folds, judged):
    alone = [spearmanr(part["ta"], part["model_ta"]).statistic for part in folds]
    found = judged["parties"]["model"]["ta"]["srcc"]
    assert found["folds"] == pytest.approx(alone, abs=1e-6)
    assert found["mean"] == pytest.approx(np.mean(alone), abs=1e-6)
    low, high = found["interval"]
    assert low < found["mean"] < high < 1


def test_the_counts_are_of_all_folds_together(judged):
    assert (judged["n_clips"], judged["n_systems"], judged["n_prompts"]) == (96, 12, 8)


def test_the_model_is_held_against_the_ridge_of_the_same_folds(judged):
    for axis in ("omq", "ta"):
        own, ridge = (judged["parties"][p][axis]["srcc"] for p in ("model", "pooled_ridge"))
        less = judged["less_ridge"][axis]
        assert less["mean"] == pytest.approx(own["mean"] - ridge["mean"], abs=2e-6)
        assert less["interval"][0] > 0  # it knows the ratings, and the ridge nothing


def test_a_floor_that_says_the_same_of_every_clip_ranks_nothing(judged):
    mean = judged["parties"]["system_mean"]["omq"]
    assert mean["srcc"] == {"mean": None, "interval": None, "folds": [None] * 3}
    assert mean["agreement"] == 0.5
    assert set(judged["parties"]["gold_omq"]) == {"ta"}


def test_swap_counts_only_the_clips_that_were_asked(judged):
    assert judged["swap"]["folds"] == [0.5] * 3
    nobody = [fold(0, range(4)).assign(swap=np.nan)]
    assert unseen({"prompts": nobody}, 20, 0)["prompts"]["swap"]["mean"] is None


def test_systems_of_all_folds_are_drawn_as_one_where_each_fold_hears_them_all():
    # The same clips in each fold: drawn apart, three folds would seem to know more than one does.
    once, thrice = ([fold(0, range(6), 0.05)] * count for count in (1, 3))
    ends = [
        unseen({"prompts": part}, 400, 0)["prompts"]["parties"]["model"]["omq"]["srcc"]["interval"]
        for part in (once, thrice)
    ]
    assert ends[0] == pytest.approx(ends[1], abs=1e-6)


def test_one_rater_is_held_against_the_mean_of_the_others(judged):
    # Raters at random: their own grade in the mean would have made them agree.
    for axis in ("omq", "ta"):
        assert judged["raters"][axis]["one"] == pytest.approx(0.5, abs=0.06)
    bare = [fold(0, range(4)).assign(omq_raters="", ta_raters="")]
    raters = unseen({"systems": bare}, 20, 0)["systems"]["raters"]
    assert raters == {axis: {"ceiling": None, "one": None} for axis in ("omq", "ta")}


@pytest.mark.parametrize("protocol", ["systems", "systems_and_prompts"])
def test_a_trial_s_answers_give_its_record(make_trial, protocol):
    record = attempt(replace(make_trial(protocol), answers=True))
    answers = record.pop("answers")
    plain = attempt(make_trial(protocol))
    assert {k: v for k, v in plain.items() if k != "seconds"} == {
        k: v for k, v in record.items() if k != "seconds"
    }
    found = unseen({protocol: [answers]}, 20, 0)[protocol]
    for axis in ("omq", "ta"):
        for party, name in (("model", f"utt_{axis}_srcc"), ("pooled_ridge", f"ridge_{axis}_srcc")):
            assert found["parties"][party][axis]["srcc"]["mean"] == pytest.approx(
                record[name], abs=1e-6
            )
    if "swap" in record:
        assert found["swap"]["mean"] == pytest.approx(record["swap"], abs=1e-6)


def test_as_many_trials_as_folds_answer_for_every_clip_once(make_trial):
    answers = [
        attempt(replace(make_trial("systems", seed), answers=True))["answers"] for seed in range(5)
    ]
    assert concat(answers).index.is_unique
    assert len(concat(answers)) == 120


@pytest.fixture
def project(store, data_folder, monkeypatch):
    """A project's folder with what the pipeline leaves before training, and few short folds."""
    values = yaml.safe_load((ROOT / "params.yaml").read_text())
    values["unseen"] = {"protocols": ["systems"], "folds": 3, "workers": 1}
    values["train"]["epochs"], values["evaluate"]["resamples"] = 1, 20
    Path("params.yaml").write_text(yaml.safe_dump(values))
    shutil.copytree(data_folder, "data", dirs_exist_ok=True)
    Path("data/raw/CORPUS.json").write_text('{"name": "toy corpus"}')
    Path("metrics").mkdir()
    monkeypatch.syspath_prepend(ROOT)
    return values


@pytest.mark.filterwarnings("default")  # MLflow's own imports warn
def test_the_stage_trains_a_model_a_fold_and_keeps_figures_and_a_run(project, capsys):
    from mlflow.tracking import MlflowClient

    from stages.unseen import main

    assert "3 trainings" in main()
    assert "by systems that it never heard" in capsys.readouterr().out
    found = json.loads(Path("metrics/unseen.json").read_text())
    assert found["corpus"] == "toy corpus"
    assert found["protocols"]["systems"]["n_clips"] == 120
    numbers = json.loads(Path("metrics/unseen_headline.json").read_text())
    own = {"systems_omq_srcc", "systems_ta_srcc", "systems_swap"}
    assert set(numbers) == own | {"systems_ridge_omq_srcc", "systems_ridge_ta_srcc"}
    client = MlflowClient()
    (run,) = client.search_runs([client.get_experiment_by_name("whisq").experiment_id])
    assert run.info.run_name.endswith(" · unseen")
    assert run.data.metrics["systems_omq_srcc"] == pytest.approx(numbers["systems_omq_srcc"])
    assert "ridge" in run.data.tags["mlflow.note.content"]


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("share", [3, 1])
def test_clips_without_a_rating_of_alignment_are_left_out_of_it(project, share, capsys):
    from stages.unseen import main
    from whisq.show.unseen import standing, standings

    ratings = read_csv("data/ratings.csv", dtype=str)
    ratings.loc[::share, ["ta", "ta_raters"]] = ""
    ratings.to_csv("data/ratings.csv", index=False)
    assert "3 trainings" in main()
    found = json.loads(Path("metrics/unseen.json").read_text())
    judged = found["protocols"]["systems"]
    assert judged["parties"]["model"]["omq"]["srcc"]["mean"] is not None
    own = judged["parties"]["model"].get("ta")
    assert (own is None) == (share == 1)
    assert ("alignment (TA)" in capsys.readouterr().out) == (share != 1)
    assert ("TA, unseen systems" in standings(found).markdown()) == (share != 1)
    assert len(standing(found)) == (1 if share == 1 else 2)


@pytest.mark.filterwarnings("default")
def test_a_training_that_fails_ends_the_stage(project):
    from stages.unseen import main

    project["model"]["audio_layer"] = 4  # was not embedded
    Path("params.yaml").write_text(yaml.safe_dump(project))
    with pytest.raises(RuntimeError, match="3 of 3 trainings failed"):
        main()
    assert not Path("metrics/unseen.json").exists()


@pytest.mark.filterwarnings("default")
def test_without_a_protocol_nothing_is_trained(project):
    from stages.unseen import main

    project["unseen"]["protocols"] = []
    Path("params.yaml").write_text(yaml.safe_dump(project))
    assert "0 trainings" in main()
    assert json.loads(Path("metrics/unseen_headline.json").read_text()) == {}
