"""`whisq evaluate`: a model on another corpus, beside floors fitted on the one it learnt from."""

import csv
import json
import shutil

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from whisq.cli import app
from whisq.corpus.clips import write_clips, write_ratings
from whisq.corpus.musiceval import read
from whisq.evaluation.across import evaluate
from whisq.evaluation.floors import pooled, ridge
from whisq.evaluation.metrics import measure
from whisq.show.across import crossed


@pytest.fixture(scope="module")
def corpus(tmp_path_factory, make_musiceval):
    """Another corpus than the model's."""
    folder = tmp_path_factory.mktemp("other")
    return make_musiceval(folder / "raw", clips=30, seconds=0.2, seed=1)


@pytest.fixture(scope="module")
def learnt(tmp_path_factory, make_musiceval, predictor, lay_out):
    """The data folder of the model's own corpus, with its sequences."""
    data = tmp_path_factory.mktemp("data")
    found = read(make_musiceval(data / "raw", clips=30, seconds=0.2, seed=2))
    write_clips(found.clips, data / "clips.csv")
    write_ratings(found.ratings, data / "ratings.csv")
    embedded = {
        clip.id: (clip.prompt, predictor.embed(data / clip.path, clip.prompt)[0])
        for clip in found.clips.itertuples()
    }
    lay_out(data / "embeddings/audio", {key: one[1][0] for key, one in embedded.items()}, [1, 2])
    lay_out(data / "embeddings/text", {prompt: one[1] for prompt, one in embedded.values()}, [-1])
    return data


@pytest.fixture(scope="module")
def result(predictor, corpus, learnt):
    return evaluate(predictor, corpus, learnt, "its own", 40, 0)


def rated(folder):
    found = read(folder)
    return found.ratings.merge(found.clips, on="id").set_index("id")


def test_every_labelled_clip_is_judged_by_the_models_own_scores(result, predictor, corpus):
    table = rated(corpus)
    scores = [
        predictor.score(corpus.parent / clip.path, clip.prompt) for clip in table.itertuples()
    ]
    assert result["test"]["n_clips"] == len(table) == 30
    expected = measure(table["omq"].to_numpy(), np.array([one.omq for one in scores]))
    assert result["test"]["utt"]["omq"]["srcc"] == pytest.approx(expected["srcc"], abs=1e-5)
    assert result["test"]["utt"]["omq"]["mse"] == pytest.approx(expected["mse"], abs=1e-4)


def test_floors_know_the_training_corpus_alone(result, predictor, corpus, learnt):
    train, other = rated(learnt / "raw"), rated(corpus)
    mean = train[train["split"] == "train"]["omq"].mean()
    found = result["test"]["floors"]
    for name in ("global_mean", "system_mean"):  # no system of the one is one of the other
        assert found[name]["utt"]["omq"]["mse"] == pytest.approx(
            ((other["omq"] - mean) ** 2).mean()
        )
    both = pd.concat([train[train["split"] == "train"], other.set_axis("other " + other.index)])
    roots = [learnt] * (len(both) - len(other)) + [corpus.parent] * len(other)
    pairs = [
        predictor.embed(root / clip.path, clip.prompt)[0]
        for root, clip in zip(roots, both.itertuples(), strict=True)
    ]
    fitted = np.array([not key.startswith("other ") for key in both.index])
    expected = ridge(pooled(*zip(*pairs, strict=True), fitted), both, fitted)[~fitted]
    mse = ((expected["ta"].to_numpy() - other["ta"].to_numpy()) ** 2).mean()
    assert found["pooled_ridge"]["utt"]["ta"]["mse"] == pytest.approx(mse, abs=0.02)


def test_figures_have_intervals_by_clip_system_and_prompt(result):
    low, high = result["test"]["intervals"]["utt"]["omq"]["srcc"]["system"]
    assert low < result["test"]["utt"]["omq"]["srcc"] < high


def test_without_the_training_corpus_there_is_no_fitted_floor(predictor, corpus):
    found = evaluate(predictor, corpus, None, "unknown", 20, 0)["test"]
    assert "pooled_ridge" not in found["floors"]
    assert found["floors"]["global_mean"]["utt"] == {}
    assert found["utt"]["omq"]["srcc"] is not None


def test_a_model_that_learnt_quality_alone_is_judged_by_it_alone(predictor, corpus, monkeypatch):
    monkeypatch.setitem(predictor.config.corpus, "unrated", "ta")
    found = evaluate(predictor, corpus, None, "a table", 20, 0)["test"]
    assert found["utt"]["ta"]["mse"] is None
    assert found["utt"]["omq"]["mse"] is not None


def test_the_table_has_a_row_a_training_and_a_column_a_tested_corpus(result):
    again = result | {"trained_on": "another"}
    found = crossed([result, again, again | {"corpus": "third"}])
    assert [row[0].text for row in found.rows] == ["its own", "another"]
    name = result["corpus"]
    assert list(found.columns[1:]) == [
        f"OMQ on {name}",
        f"TA on {name}",
        "OMQ on third",
        "TA on third",
    ]
    assert found.rows[0][1].key == result["test"]["utt"]["omq"]["srcc"]
    assert found.rows[0][3].key is None


@pytest.fixture
def study(tmp_path, corpus):
    """The other corpus as a user's table, on another scale."""
    with (tmp_path / "study.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "prompt", "system", "mos"])
        for clip in rated(corpus).itertuples():
            mark = 10 * (clip.omq - 1) / 4
            writer.writerow([f"wav/{clip.path.split('/')[-1]}", clip.prompt, clip.system, mark])
    return tmp_path / "study.csv"


def call(*arguments):
    return CliRunner().invoke(app, ["evaluate", *map(str, arguments)])


def test_a_table_is_judged_as_the_folder_that_it_is_of(
    tiny_model, corpus, learnt, study, tmp_path, result
):
    options = ["--scale", "0-10", "--audio", corpus, "--learnt", learnt, "--resamples", 20]
    done = call(tiny_model, study, *options, "-o", tmp_path / "one.json")
    assert done.exit_code == 0, done.output
    found = json.loads((tmp_path / "one.json").read_text())
    assert found["test"]["utt"]["omq"] == pytest.approx(result["test"]["utt"]["omq"], abs=1e-5)
    assert "learnt from" in done.output
    done = call(tiny_model, study, *options, "--beside", tmp_path / "one.json")
    assert "SRCC of train x test" in done.output


def test_json_is_one_object(tiny_model, corpus):
    done = call(tiny_model, corpus, "--json", "--resamples", 20)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["test"]["n_clips"] == 30
    assert "no floor" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["no/such"], "there is no no/such"),
        (["{corpus}", "--learnt", "{corpus}"], "--learnt must hold clips.csv"),
        (["{corpus}", "--beside", "{corpus}/prompt_info.txt"], "must be a file that -o wrote"),
        (["{corpus}/prompt_info.txt"], "prompt_info.txt"),
    ],
)
def test_a_wrong_call_is_told_in_a_line(tiny_model, corpus, arguments, told):
    done = call(tiny_model, *(one.format(corpus=corpus) for one in arguments))
    assert done.exit_code == 2
    assert told in done.stderr


def test_a_corpus_without_ratings_is_refused(predictor, corpus, tmp_path):
    shutil.copytree(corpus, tmp_path / "raw")
    lists = tmp_path / "raw/sets"
    ids = "\n".join(rated(corpus).index)
    for path in lists.glob("*"):
        path.unlink()
    (lists / "eval_list.txt").write_text(ids)
    with pytest.raises(ValueError, match="must have rated clips"):
        evaluate(predictor, tmp_path / "raw", None, "x", 20, 0)
