from copy import copy
from dataclasses import replace

import pytest
import torch

from whisq.corpus.card import write_card
from whisq.losses import Objective
from whisq.training.data import Data


@pytest.fixture
def data(data_folder):
    return Data.open(data_folder)


def test_the_data_bring_dimensions_and_encoder_specs(data, make_recipe):
    config = make_recipe().config(data)
    assert (config.audio_dim, config.text_dim) == (8, 6)
    assert config.audio == {"model": "an/encoder", "layers": [2, 6]}
    assert config.text == {"model": "an/encoder"}
    assert config.preprocessing == {"audio": 1, "text": 1}
    assert config.weights == {"audio": "0" * 64, "text": "0" * 64}


def test_the_corpus_is_named_without_where_it_lay(data, make_recipe, tmp_path):
    (tmp_path / "raw").mkdir()
    write_card(tmp_path / "raw", "MusicEval", licence="CC", commit="c0", source="/home/me/m.zip")
    config = make_recipe().config(replace(data, folder=tmp_path))
    assert config.corpus == {"name": "MusicEval", "licence": "CC", "commit": "c0"}
    assert make_recipe().config(data).corpus == {"name": "unnamed corpus"}


def test_an_encoder_of_the_hub_is_named_by_its_commit_and_not_by_a_branch(data, make_recipe):
    audio = copy(data.audio)
    audio.manifest = data.audio.manifest | {"commit": "c0ffee", "spec": {"revision": "main"}}
    config = make_recipe().config(replace(data, audio=audio))
    assert config.audio["revision"] == "c0ffee"
    assert "revision" not in config.text


def test_one_seed_gives_one_network(data, make_recipe):
    weights = [make_recipe(seed).fit(data, progress=False)[0].state_dict() for seed in (0, 0, 1)]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    assert not all(torch.equal(weights[0][name], weights[2][name]) for name in weights[0])


def test_scaling_is_fitted_on_training_clips_alone(data, make_recipe):
    recipe = make_recipe()
    model, _ = recipe.fit(data, progress=False)
    dataset = data.dataset("train")
    frames = torch.cat([torch.from_numpy(data.audio[key][0].copy()) for key in dataset.ids])
    scaling = model.audio_input.scaling
    torch.testing.assert_close(scaling.mean[0], frames.float().mean(0), atol=1e-5, rtol=0)


def test_a_finished_training_leaves_no_checkpoint(data, make_recipe, tmp_path):
    make_recipe().fit(data, progress=False, checkpoints=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_training_is_named_by_its_data_and_choices(data, make_recipe):
    recipe = make_recipe()
    other = make_recipe(width=16)
    mended = replace(data, ratings=data.ratings.assign(omq=3.0))
    names = [
        recipe.key(recipe.config(data), data),
        other.key(other.config(data), data),
        recipe.key(recipe.config(data), mended),
        replace(recipe, seed=1).key(recipe.config(data), data),
        make_recipe(loss=Objective(ot_weight=0.2)).key(recipe.config(data), data),
    ]
    assert len(set(names)) == len(names)
    assert names[0] == recipe.key(recipe.config(data), data)


def test_a_split_without_clips_is_named(data, make_recipe):
    empty = replace(data, ratings=data.ratings[data.ratings["split"] != "dev"])
    with pytest.raises(ValueError, match="must have clips of split 'dev'"):
        make_recipe().fit(empty, progress=False)
