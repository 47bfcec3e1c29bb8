import shutil

import pytest
from huggingface_hub.errors import LocalEntryNotFoundError

from whisq.addresses import bring
from whisq.model.card import fingerprint


def test_a_folder_is_itself(tiny_model):
    assert bring(tiny_model) == tiny_model
    assert bring(str(tiny_model)) == tiny_model


def test_one_model_somewhere_in_a_folder_is_found_and_two_are_not(tiny_model, tmp_path):
    shutil.copytree(tiny_model, tmp_path / "run/artifacts/model")
    assert bring(tmp_path) == tmp_path / "run/artifacts/model"
    shutil.copytree(tiny_model, tmp_path / "other")
    with pytest.raises(ValueError, match=r"holds no model: config\.json and model\.safetensors"):
        bring(tmp_path)


def test_a_hub_id_and_its_revision_are_fetched_without_pickles(tiny_model, monkeypatch):
    asked = {}

    def download(name, **options):
        asked.update(options, name=name)
        return str(tiny_model)

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    assert bring("someone/whisq@v1") == tiny_model
    assert asked == {
        "name": "someone/whisq",
        "revision": "v1",
        "allow_patterns": ["config.json", "model.safetensors", "card.json"],
    }


def test_a_hub_that_does_not_answer_is_no_traceback(monkeypatch):
    def download(*_, **__):
        raise LocalEntryNotFoundError("no network")

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    with pytest.raises(ValueError, match=r"the hub does not give it \(no network\)"):
        bring("someone/whisq")


@pytest.mark.parametrize("where", ["data/model", "./model", "/nowhere/model", "model", "a/b/c"])
def test_what_looks_like_a_folder_is_not_asked_of_the_hub(where, tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="train a model first"):
        bring(where)


def test_the_fingerprint_is_of_all_that_scores_depend_on(tiny_model, tmp_path):
    shutil.copytree(tiny_model, tmp_path / "m")
    before = fingerprint(tmp_path / "m")
    assert before == fingerprint(tiny_model)
    (tmp_path / "m/README.md").write_text("card")
    assert fingerprint(tmp_path / "m") == before
    config = tmp_path / "m/config.json"
    config.write_text(config.read_text().replace("clip", "padded"))
    assert fingerprint(tmp_path / "m") != before
