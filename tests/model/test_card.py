import json

import pytest
import torch

from whisq.model import card
from whisq.model.build import build, load

JUDGED = {"protocol": "official", "split": "test", "table": "SRCC (toy)\n\n| who | OMQ |"}
AUDIO = {"layers": [0], "model": "openai/whisper-base", "revision": "c0ffee"}
TEXT = {"model": "/home/me/encoder", "revision": None}


@pytest.fixture
def make_model(make_config, tmp_path):
    """A saved model: `make_model(corpus={"name": "MusicEval"})`."""

    def make(corpus=None):
        torch.manual_seed(0)
        own = {"audio": AUDIO, "text": TEXT, "weights": {"audio": "a" * 64, "text": "b" * 64}}
        build(make_config(**own, corpus=corpus or {})).save_pretrained(tmp_path / "model")
        return tmp_path / "model"

    return make


def _judge(folder, place):
    told = JUDGED | {"model": card.fingerprint(folder)}
    (place / "card.json").write_text(json.dumps(told))
    return told


def _about(folder):
    model = load(folder)
    return card.about(model.config.model_dump(mode="json"), model.judged)


def test_what_comes_of_real_music_is_said_of_the_rendered_corpus_alone(make_model):
    rendered = _about(make_model({"name": "rendered corpus"}))
    assert "nothing on real music" in rendered["reach"]
    assert rendered["reach"] in card.text(rendered)
    for corpus in ({"name": "MusicEval"}, {"name": "unnamed corpus"}, {}):
        assert card.reach(corpus) is None


@pytest.mark.parametrize("place", [".", ".."], ids=["in the folder", "beside it"])
def test_figures_are_found_with_their_model(place, make_model):
    folder = make_model({"name": "rendered corpus"})
    told = _judge(folder, folder / place)
    found = _about(folder)
    assert found["judged"] == told
    assert JUDGED["table"] in card.text(found)
    assert found["never_tried"][0] == "ratings of real music"
    assert "random by clip" in found["never_tried"][1]


def test_another_models_figures_are_not_taken(make_model):
    folder = make_model()
    _judge(folder, folder.parent)
    config = folder / "config.json"
    config.write_text(config.read_text().replace("c0ffee", "cafe00"))
    found = _about(folder)
    assert found["judged"] is None
    assert "It was not judged" in card.text(found)


def test_each_encoder_has_its_hash_and_its_weights_licence(make_model):
    found = _about(make_model({"name": "MusicEval", "licence": "CC BY-NC 4.0"}))
    assert found["encoders"]["audio"] == {
        "model": "openai/whisper-base",
        "revision": "c0ffee",
        "sha256": "a" * 64,
        "licence": "Apache-2.0",
    }
    assert "not known" in found["encoders"]["text"]["licence"]
    said = card.text(found)
    for part in ("MusicEval", "CC BY-NC 4.0", "whisper-base at c0ffee", "/home/me/encoder"):
        assert part in said


def test_the_hubs_card_says_what_about_prints_and_figures_travel_with_the_model(
    make_model, tmp_path
):
    folder = make_model({"name": "rendered corpus"})
    _judge(folder, folder.parent)
    load(folder).save_pretrained(tmp_path / "there/model")
    readme = (tmp_path / "there/model/README.md").read_text()
    assert card.text(_about(folder)).strip() in readme
    assert _about(tmp_path / "there/model") == _about(folder)
    assert "It was not judged" in (folder / "README.md").read_text()
