"""A search draws from params.yaml's space, judges on dev, and goes on wherever it was stopped."""

from pathlib import Path

import pytest
import yaml
from mlflow.tracking import MlflowClient
from pandas import DataFrame, read_csv

from stages import search
from whisq import params
from whisq.corpus.splits import Split, assign
from whisq.training.data import Data
from whisq.trials import trial

ROOT = Path(__file__).parents[2]
SMALL = {"unseen.folds": 3, "trials.workers": 1, "train.epochs": 1, "train.batch_size": 16}
SMALL |= {"model.width": 8, "model.hidden": 8, "model.heads": 2}
SPACE = {
    "loss.ot_weight": {"low": 0.0, "high": 0.5},
    "train.epochs": {"low": 1, "high": 40, "log": True},
    "model.quality_layers": [[], [6]],
}
pytestmark = pytest.mark.filterwarnings("default")  # MLflow's own imports warn


@pytest.fixture
def project(store, data_folder, monkeypatch):
    """A project with small choices: `project(trials=4, space=...)` writes its params.yaml."""
    monkeypatch.setattr(search, "get_ready", lambda: None)  # no processes are asked for
    (store / "data").symlink_to(data_folder)
    (store / "metrics").mkdir()

    def write(trials=4, space=SPACE, protocol="systems_and_prompts", **changes):
        values = yaml.safe_load((ROOT / "params.yaml").read_text())
        values["search"] = {"protocol": protocol, "trials": trials, "space": space}
        for name, value in (SMALL | changes).items():
            section, key = name.split(".")
            values[section][key] = value
        Path("params.yaml").write_text(yaml.safe_dump(values, sort_keys=False))

    write()
    return write


class Judge:
    """In place of training: what was asked for, and a dev score that is best at a weight of 0.2."""

    def __init__(self):
        self.points, self.dies_at = [], None

    def __call__(self, name, changes, parent):
        if len(self.points) == self.dies_at:
            self.dies_at = None
            raise KeyboardInterrupt
        self.points.append(changes)
        return dict.fromkeys(search.FIGURES, 0.5 - abs(changes["loss.ot_weight"] - 0.2))


@pytest.fixture
def judge(monkeypatch):
    judge = Judge()
    monkeypatch.setattr(search, "train", judge)
    return judge


def table():
    return read_csv(search.TABLE, index_col="trial")


def test_points_are_trained_and_judged_on_dev_in_every_fold(project, capsys):
    project(trials=2)
    line = search.main()
    found = table()
    assert list(found.columns) == [*search.FIGURES, *SPACE]
    assert len(found) == 2
    assert found["dev_score"].between(-1, 1).all()
    assert line.endswith(f"with a dev score of {found['dev_score'].max():.3f}")
    assert "FAILED" not in capsys.readouterr().err


def test_the_first_point_is_that_of_params_yaml_and_all_lie_in_the_space(project, judge):
    project(trials=25, **{"loss.ot_weight": 0.3})
    search.main()
    assert judge.points[0] == dict(zip(SPACE, [0.3, 1, []], strict=True))
    points = DataFrame(judge.points)
    assert points["loss.ot_weight"].between(0, 0.5).all()
    assert points["loss.ot_weight"].nunique() > 20
    assert set(points["train.epochs"]) <= set(range(1, 41))
    assert points["train.epochs"].nunique() > 5
    assert set(map(tuple, points["model.quality_layers"])) == {(), (6,)}


def test_the_best_is_chosen_by_dev_and_written_as_dvc_takes_it(project, judge, capsys):
    project(trials=15)
    search.main()
    best = table().loc[table()["dev_score"].idxmax()]
    command = next(line for line in capsys.readouterr().out.splitlines() if "dvc exp run" in line)
    written = dict(word.split("=") for word in command.split() if "=" in word)
    assert float(written["loss.ot_weight"]) == pytest.approx(best["loss.ot_weight"], rel=1e-5)
    assert abs(best["loss.ot_weight"] - 0.2) == abs(table()["loss.ot_weight"] - 0.2).min()


@pytest.mark.parametrize("at", [0, 1, 12])
def test_a_search_that_was_stopped_goes_on_as_if_it_never_was(project, judge, at):
    project(trials=14, space={"loss.ot_weight": {"low": 0.0, "high": 0.5}})
    judge.dies_at = at
    with pytest.raises(KeyboardInterrupt):
        search.main()
    search.main()
    stopped, tried = table(), list(judge.points)
    search.STORE.unlink()
    judge.points.clear()
    search.main()
    assert tried == judge.points
    assert stopped.equals(table())
    assert table()["loss.ot_weight"].nunique() == 14


def test_more_trials_go_on_and_other_values_begin_anew(project, judge):
    project(trials=3)
    search.main()
    search.main()
    assert len(judge.points) == 3
    project(trials=5)
    search.main()
    assert len(judge.points) == 5
    project(trials=3, **{"train.weight_decay": 0.5})
    search.main()
    assert len(judge.points) == 8


def test_a_point_that_is_drawn_again_is_not_trained_again(project, judge):
    project(trials=12, space={"loss.ot_weight": [0.0, 0.1, 0.3]})
    search.main()
    assert len(table()) == 12
    assert len(judge.points) == table()["loss.ot_weight"].nunique() <= 3


def test_each_trial_is_a_run_below_the_search_which_holds_the_best_and_the_table(
    project, monkeypatch
):
    monkeypatch.setattr(search, "run", lambda trials, _: [{"dev_score": 0.1}, {"dev_score": 0.3}])
    monkeypatch.setattr(search, "FIGURES", ["dev_score"])
    project(trials=2)
    search.main()
    client = MlflowClient()
    experiment = client.get_experiment_by_name("whisq-ablations").experiment_id
    runs = client.search_runs([experiment], order_by=["attributes.start_time"])
    (parent,) = [run for run in runs if run.data.tags.get("table") == "search"]
    children = [
        run for run in runs if run.data.tags.get("mlflow.parentRunId") == parent.info.run_id
    ]
    assert [run.info.run_name for run in children] == ["trial 0", "trial 1"]
    logged = [float(run.data.params["loss.ot_weight"]) for run in children]
    assert logged == pytest.approx(list(table()["loss.ot_weight"]), rel=1e-5)
    figures = [run.data.metrics for run in (*children, parent)]
    assert figures == [{"dev_score": pytest.approx(0.2)}] * 3
    assert [item.path for item in client.list_artifacts(parent.info.run_id)] == ["search.csv"]


def test_what_cannot_be_trained_is_told_and_the_rest_is_tried(project, capsys):
    project(trials=3, space={"model.audio_layer": [3, 2], "train.epochs": [1]})
    search.main()
    assert "FAILED trial" in capsys.readouterr().err
    assert table()["dev_score"].notna().sum() < 3
    assert (table()["dev_score"].isna() == (table()["model.audio_layer"] == 3)).all()


def test_where_nothing_can_be_trained_the_search_says_so(project, capsys):
    project(trials=2, space={"model.audio_layer": [3]})
    with pytest.raises(SystemExit) as ended:
        search.main()
    assert ended.value.code == 2
    assert "no point of search.space could be trained" in capsys.readouterr().err


def test_everything_that_is_wrong_with_a_space_is_told_at_once(project, judge, capsys):
    wrong = {
        "loss.ot_weigth": [0.1],
        "loss.ot_weight": {"low": -1.0, "high": 0.5},
        "model.coattention": ["none", "all"],
        "embed_audio.pool": [4, 8],
    }
    project(space=wrong)
    with pytest.raises(SystemExit) as ended:
        search.main()
    told = capsys.readouterr().err
    assert ended.value.code == 2
    assert "4 problem(s)" in told
    assert "search.space: loss.ot_weigth: no such parameter" in told
    assert "search.space: loss.ot_weight: Input should be greater than or equal to 0" in told
    assert "search.space: model.coattention: " in told
    assert "search.space: embed_audio.pool is none of model, loss, train" in told
    assert not judge.points


@pytest.mark.parametrize(
    ("drawn", "told"),
    [
        ({"low": 1.0, "high": 0.5}, "low must be below high"),
        ({"low": 0.0, "high": 0.5, "log": True}, "above 0 where log is true"),
        ({"low": 0.1}, "high: missing; add it"),
        ({"low": 0.1, "hihg": 0.5}, "hihg: no such parameter"),
        ([], "at least 1 item"),
        (0.3, "given 0.3"),
    ],
)
def test_a_range_that_is_none_is_told_by_its_name(project, drawn, told):
    project(space={"loss.ot_weight": drawn})
    with pytest.raises(ValueError, match=f"search.space.loss.ot_weight.*{told}"):
        params.load()


def test_the_space_of_the_projects_own_params_can_be_drawn_from():
    assert params.load_search(ROOT / "params.yaml").search.space


@pytest.mark.parametrize("folds", [3, 5])
def test_no_dev_clip_of_a_search_is_a_test_clip_of_the_headline(project, folds):
    project(**{"unseen.folds": folds})
    values, data = params.load(), Data.open("data")

    def clips(seeds, part):
        found = set()
        for seed in seeds:
            fold = trial.nth_fold("systems_and_prompts", folds, seed)
            split = Split(protocol="systems_and_prompts", folds=folds, fold=fold)
            table = assign(data.ratings, data.clips, split)
            found |= set(table["id"][table["split"] == part])
        return found

    dev = clips([one.recipe.seed for one in search.trainings(values)], "dev")
    headline = clips(range(folds), "test")
    assert not any(one.judged for one in search.trainings(values))
    assert dev
    assert headline
    assert not dev & headline
