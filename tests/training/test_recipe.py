from copy import copy
from dataclasses import replace

import pytest
import torch

from whisq.corpus.card import write_card
from whisq.losses import Objective
from whisq.model.build import load
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


def test_an_encoder_beside_another_is_named_by_its_own_commit(data, make_recipe):
    audio = copy(data.audio)
    beside = [{"model": "c/d", "layers": [7]}, {"model": "e/f", "layers": [1, 4]}]
    told = {"commit": "c0ffee", "commits_beside": [None, "decade"], "spec": {"beside": beside}}
    audio.manifest = data.audio.manifest | told
    config = make_recipe().config(replace(data, audio=audio))
    assert config.audio["beside"] == [beside[0], beside[1] | {"revision": "decade"}]


def test_with_a_layer_goes_what_stands_beside_it(data, make_recipe):
    audio = copy(data.audio)
    beside = [{"model": "c/d", "layers": [7]}, {"model": "e/f", "layers": [1, 4]}]
    audio.manifest = data.audio.manifest | {"spec": {"beside": beside}}
    config = make_recipe(audio_layer=6).config(replace(data, audio=audio.only([6])))
    assert [config.audio["layers"], *(one["layers"] for one in config.audio["beside"])] == [
        [6], [7], [4],
    ]  # fmt: skip


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


@pytest.fixture
def base(data, make_recipe, tmp_path):
    """A trained model's folder."""
    make_recipe().fit(data, progress=False)[0].save_pretrained(tmp_path / "base")
    return tmp_path / "base"


def adapting(recipe, base, **choices):
    start = {"start_from": str(base), "averaging": 0.0} | choices
    return replace(recipe, train=recipe.train.model_copy(update=start))


def test_adapting_begins_with_the_models_weights_and_keeps_its_scaling(data, make_recipe, base):
    idle = adapting(make_recipe(), base, learning_rate=1e-12, epochs=1)
    start, (model, _) = load(base).state_dict(), idle.fit(data, progress=False)
    for name, weight in model.state_dict().items():
        torch.testing.assert_close(weight, start[name])
    learnt, _ = adapting(make_recipe(), base, epochs=3).fit(data, progress=False)
    scaled = [name for name in start if "scaling" in name]
    assert scaled
    assert all(torch.equal(learnt.state_dict()[name], start[name]) for name in scaled)


def test_what_makes_it_worse_is_thrown_away(data, make_recipe, base):
    wild = adapting(make_recipe(), base, learning_rate=10.0, warmup=0.0, epochs=2)
    model, history = wild.fit(data, progress=False)
    start, kept = load(base), history.kept()
    worse = [branch for branch, epoch in history.best_epochs.items() if epoch == 0]
    assert worse
    for branch in worse:
        assert kept[f"best_epoch_{branch}"] == 0
    if len(worse) == len(start.branches()):
        weights = start.state_dict()
        assert all(torch.equal(value, weights[name]) for name, value in model.state_dict().items())
        assert kept["dev_omq_utt_srcc"] == history.start["dev_omq_utt_srcc"]


def test_a_training_from_another_base_goes_on_from_no_checkpoint_of_the_first(
    data, make_recipe, base
):
    recipe = adapting(make_recipe(), base)
    config = recipe.config(data)
    first = recipe.key(config, data)
    make_recipe(seed=5).fit(data, progress=False)[0].save_pretrained(base)
    assert recipe.key(config, data) != first


def test_a_base_that_does_not_fit_is_told_by_what_differs(data, make_recipe, base):
    with pytest.raises(ValueError, match=r"train\.start_from must have .* has width 8"):
        adapting(make_recipe(width=16), base).fit(data, progress=False)
    with pytest.raises(ValueError, match="there is no /no/such"):
        adapting(make_recipe(), "/no/such").fit(data, progress=False)
