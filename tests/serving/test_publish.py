"""What train logs is a model that MLflow can load, rank and serve."""

import base64
import json
import os
import shutil
import urllib.error

import pytest

import whisq
from whisq.addresses import about as whisq_about

# MLflow's own imports warn, and about type hints where it loads a model.
pytestmark = pytest.mark.filterwarnings("default")
PROMPT = "a calm piano waltz"
FACTS = {"corpus": "rendered corpus", "protocol": "official", "dev_score": "0.5", "data": "a"}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A store of its own, made once."""
    mlflow = pytest.importorskip("mlflow")
    folder = tmp_path_factory.mktemp("store")
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
    mlflow.create_experiment("whisq", artifact_location=(folder / "artifacts").as_uri())
    mlflow.set_experiment("whisq")
    yield folder
    mlflow.set_tracking_uri(before)
    os.environ.pop("MLFLOW_TRACKING_URI", None)


@pytest.fixture(scope="module")
def published(store, tiny_model):
    import mlflow

    from whisq.serving.promote import promote
    from whisq.serving.publish import publish

    with mlflow.start_run() as run:
        address = publish(tiny_model, FACTS, "the first of them")
    assert promote("1") == ["champion-rendered-official", "champion"]
    return address, run.info.run_id


def _version(number, **tags):
    """A version of no model of its own, with other facts."""
    import mlflow

    client = mlflow.MlflowClient()
    source = client.get_model_version("whisq", "1").source
    made = client.create_model_version("whisq", source, tags=FACTS | tags)
    return str(made.version)


def test_the_first_model_is_champion(published):
    import mlflow

    client = mlflow.MlflowClient()
    champion = client.get_model_version_by_alias("whisq", "champion")
    assert published[0] == f"models:/whisq/{champion.version}"
    assert champion.run_id == published[1]
    assert champion.description == "the first of them"
    assert champion.tags == FACTS
    model = client.get_logged_model(champion.source.removeprefix("models:/"))
    assert model.tags.items() >= FACTS.items()


def test_what_a_version_has_come_to_is_said_of_it(published):
    import mlflow

    from whisq.serving.publish import describe

    describe(published[1], "OMQ 0.73")
    describe("0" * 32, "a run that registered nothing")
    assert mlflow.MlflowClient().get_model_version("whisq", "1").description == "OMQ 0.73"


@pytest.mark.parametrize(
    ("score", "data", "wins_it"),
    [("0.6", "a", True), ("0.5", "a", False), ("0.4", "a", False), ("0.9", "other", False)],
)
def test_a_champion_is_beaten_by_a_better_one_on_the_same_data_alone(score, data, wins_it):
    from whisq.serving.promote import wins

    assert wins(FACTS | {"dev_score": score, "data": data}, FACTS) is wins_it
    assert wins(FACTS | {"dev_score": score, "data": data}, None)


def test_the_rendered_corpus_never_displaces_real_ratings(published):
    import mlflow

    from whisq.serving.promote import promote, standing

    client = mlflow.MlflowClient()
    held = client.get_model_version_by_alias("whisq", "champion").version
    try:
        real = _version(2, corpus="MusicEval", dev_score="0.1")
        assert promote(real) == ["champion-musiceval-official", "champion"]
        better = _version(3, dev_score="0.9")
        assert promote(better) == ["champion-rendered-official"]
        told = f"champion-rendered-official, models:/whisq@champion is version {real}"
        assert standing(better) == told
        assert promote(better, by_hand=True) == ["champion-rendered-official"]
        other = _version(4, corpus="MusicEval", protocol="systems", dev_score="0.9")
        assert promote(other) == ["champion-musiceval-systems"]
        assert promote(other, by_hand=True) == ["champion-musiceval-systems", "champion"]
        worse = _version(5, corpus="MusicEval", dev_score="0.05")
        assert promote(worse) == []
        assert promote(worse, by_hand=True) == ["champion-musiceval-official", "champion"]
    finally:
        for alias in ("champion", "champion-rendered-official"):
            client.set_registered_model_alias("whisq", alias, held)


def test_a_version_that_is_none_is_an_error_that_names_those_that_are(published):
    from whisq.serving.promote import promote

    with pytest.raises(ValueError, match=r"one of 1.*, given 99"):
        promote("99")


@pytest.mark.parametrize(
    ("corpus", "alias"),
    [("MusicEval", "champion-musiceval-official"),
     ("corpus in MusicEval's layout", "champion-corpus-in-musiceval-s-layout-official")],
)  # fmt: skip
def test_an_alias_is_one_that_mlflow_takes(corpus, alias):
    from whisq.serving.promote import alias_of

    assert alias_of({"corpus": corpus, "protocol": "official"}) == alias


@pytest.mark.parametrize("address", ["models:/whisq@champion", "models:/whisq/1"])
def test_an_mlflow_address_loads_the_same_model(address, published, clips, predictor):
    loaded = whisq.load(address)
    assert loaded.score(clips[0], PROMPT) == predictor.score(clips[0], PROMPT)


def test_a_runs_own_folder_loads_too(store, tiny_model, clips, predictor):
    import mlflow

    with mlflow.start_run() as run:
        mlflow.log_artifacts(str(tiny_model), "model")
    loaded = whisq.load(f"runs:/{run.info.run_id}/model")
    assert loaded.score(clips[0]) == predictor.score(clips[0])


def test_the_served_model_says_what_it_learnt_from_and_what_it_is_no_good_for(
    store, tiny_model, tmp_path
):
    import mlflow

    from whisq.serving.publish import publish

    shutil.copytree(tiny_model, tmp_path / "m")
    config = json.loads((tmp_path / "m/config.json").read_text())
    config["corpus"] = {"name": "rendered corpus"}
    (tmp_path / "m/config.json").write_text(json.dumps(config))
    with mlflow.start_run():
        address = publish(tmp_path / "m", FACTS | {"dev_score": "-1.0"}, "another")
    told = mlflow.models.get_model_info(address).metadata
    assert told["corpus"] == {"name": "rendered corpus"}
    assert "nothing on real music" in told["reach"]


def test_what_a_logged_model_is_worth_is_found_with_the_run_that_trained_it(
    published, store, tmp_path
):
    import mlflow

    before = whisq_about(published[0])
    assert before["judged"] is None
    told = {"model": before["sha256"], "protocol": "systems", "split": "test", "table": "SRCC"}
    (tmp_path / "card.json").write_text(json.dumps(told))
    mlflow.MlflowClient().log_artifact(published[1], str(tmp_path / "card.json"))
    for address in (published[0], "models:/whisq@champion"):
        assert whisq_about(address)["judged"] == told


def test_an_address_without_a_model_says_so(store):
    with pytest.raises(ValueError, match="MLflow has no model at models:/nothing"):
        whisq.load("models:/nothing@champion")


def test_the_logged_model_holds_no_pickle(published, store):
    files = [path for path in store.rglob("*") if path.is_file()]
    assert any(path.name == "model.safetensors" for path in files)
    assert not [path for path in files if path.suffix in {".pkl", ".pickle", ".pt", ".bin"}]


def test_the_logged_model_predicts_as_the_predictor_does(published, clips, predictor, monkeypatch):
    import mlflow
    import pandas as pd

    monkeypatch.chdir(clips[0].parent)
    model = mlflow.pyfunc.load_model("models:/whisq@champion")
    rows = pd.DataFrame({"audio": [clip.name for clip in clips], "prompt": [PROMPT, None] * 4})
    answers = model.predict(rows)
    for clip, prompt, answer in zip(clips, rows["prompt"], answers, strict=True):
        score = predictor.score(clip, prompt if isinstance(prompt, str) else None)
        assert answer == {
            "omq": pytest.approx(score.omq, abs=1e-5),
            "ta": pytest.approx(score.ta, abs=1e-5),
            "note": None,
        }
    many = pd.DataFrame({"audio": ["a.wav"] * 65, "prompt": None})
    with pytest.raises(mlflow.exceptions.MlflowException, match="may hold 64 clips, given 65"):
        model.predict(many)


def test_a_misspelt_field_is_named_and_a_missing_one_too(published):
    import mlflow
    import pandas as pd

    model = mlflow.pyfunc.load_model("models:/whisq@champion")
    with pytest.raises(mlflow.exceptions.MlflowException, match=r"'prompt'.*extra.*'promt'"):
        model.predict(pd.DataFrame({"audio": ["a.wav"], "promt": [PROMPT]}))


def test_an_error_names_a_file_as_the_client_did(published, clips, monkeypatch):
    import mlflow
    import pandas as pd

    monkeypatch.setenv("WHISQ_AUDIO_ROOT", str(clips[0].parent))
    model = mlflow.pyfunc.load_model("models:/whisq@champion")
    for name in ("in/missing.wav", str(clips[0].parent / "in/missing.wav")):
        with pytest.raises(mlflow.exceptions.MlflowException) as told:
            model.predict(pd.DataFrame({"audio": [name], "prompt": [PROMPT]}))
        assert "row 0: " in str(told.value)
        assert "in/missing.wav" in str(told.value)
        assert str(clips[0].parent) not in str(told.value)


@pytest.fixture
def server(published, store, clips, roads):
    served = roads.served
    with served.serve("models:/whisq@champion", store, clips[0].parent) as running:
        yield running


def _refused(server, row):
    with pytest.raises(urllib.error.HTTPError) as error:
        server.ask([row])
    return error.value.code, json.load(error.value)["message"]


@pytest.mark.slow
def test_the_server_answers_with_scores_or_reasons(server, clips, predictor):
    whole = base64.b64encode(clips[1].read_bytes()).decode()
    rows = [{"audio": clips[0].name, "prompt": PROMPT}, {"audio": whole, "prompt": None}]
    expected = [predictor.score(clips[0], PROMPT), predictor.score(clips[1])]
    for row, score in zip(server.ask(rows), expected, strict=True):
        assert row["omq"] == pytest.approx(score.omq, abs=1e-5)
        assert row["ta"] == pytest.approx(score.ta, abs=1e-5)
    for row, reason in [
        ({"audio": "missing.wav", "prompt": PROMPT}, "can't be found"),
        ({"audio": clips[0].name, "prompt": 3}, "must be text"),
        ({"audio": "/etc/passwd", "prompt": PROMPT}, "outside the folder"),
        ({"prompt": PROMPT}, "missing inputs"),
        ({"audio": clips[0].name, "promt": PROMPT}, "extra inputs: ['promt']"),
    ]:
        status, said = _refused(server, row)
        assert status == 400
        assert reason in said
        assert str(clips[0].parent) not in said
