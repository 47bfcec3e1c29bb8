import json
import shutil

import pytest
import torch

from whisq.model.build import ARCHITECTURES, build, load
from whisq.model.variants import Model, Variant
from whisq.model.whisq import WhisQ


@pytest.fixture
def saved(make_config, draw_batch, tmp_path):
    torch.manual_seed(0)
    model = build(make_config(text_scaling="whiten", audio={"layers": [0], "model": "a/b"}))
    batch = draw_batch()
    model.fit_scaling([tuple(vars(batch).values())])
    model.save_pretrained(tmp_path / "model")
    return model.eval(), batch, tmp_path / "model"


def test_a_saved_network_rates_as_before(saved):
    model, batch, folder = saved
    again = load(folder)
    assert torch.equal(again(*vars(batch).values()).ta, model(*vars(batch).values()).ta)
    assert again.config.audio["model"] == "a/b"
    assert not again.training


def test_loading_prints_nothing(saved, capsys):
    load(saved[2])
    assert capsys.readouterr().out == ""


def test_the_files_hold_no_pickle(saved):
    assert {path.suffix for path in saved[2].iterdir()} == {".json", ".safetensors", ".md"}


def test_a_saved_network_saves_the_same_files_again(saved, tmp_path):
    load(saved[2]).save_pretrained(tmp_path / "again")
    for name in ("config.json", "model.safetensors"):
        assert (tmp_path / "again" / name).read_bytes() == (saved[2] / name).read_bytes()


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_missing_file_is_named(saved, name):
    (saved[2] / name).unlink()
    with pytest.raises(ValueError, match=rf"must hold {name}"):
        load(saved[2])


def test_missing_weights_are_an_error(saved, make_config, tmp_path):
    torch.manual_seed(0)
    build(make_config(text_scaling="whiten", coattention="none")).save_pretrained(tmp_path / "less")
    shutil.copy(tmp_path / "less" / "model.safetensors", saved[2])
    with pytest.raises(RuntimeError, match="Missing key"):
        load(saved[2])


def test_a_key_of_another_version_is_named(saved):
    path = saved[2] / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"spin": 1}))
    with pytest.raises(ValueError, match=r"1 problem.*spin: no such parameter"):
        load(saved[2])


def test_an_unknown_architecture_is_named(make_config):
    with pytest.raises(ValueError, match=r"'whisq'.*"):
        make_config(architecture="odd")


def test_every_architecture_that_params_may_name_is_there():
    named = Model.model_json_schema()["properties"]["architecture"]["enum"]
    assert list(ARCHITECTURES) == named


def test_the_default_is_the_papers_own_network(make_config):
    assert type(build(make_config())) is WhisQ
    assert type(build(make_config(segments=2))) is Variant


def test_a_trained_network_is_read_by_its_class_too(saved):
    assert torch.equal(
        WhisQ.from_pretrained(saved[2]).project_audio[0].weight, saved[0].project_audio[0].weight
    )


def test_a_config_of_before_is_refused_with_what_differs(saved):
    path = saved[2] / "config.json"
    values = json.loads(path.read_text())
    values["audio_layers"] = [values.pop("audio_layer")]
    path.write_text(json.dumps(values))
    with pytest.raises(
        ValueError, match=r"audio_layer: missing.* audio_layers: no such.* another version"
    ):
        load(saved[2])
