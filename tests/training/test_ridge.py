"""A ridge beside the network: what it says, what it leaves alone, and what is kept of it."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from whisq.evaluation.floors import pooled_ridge
from whisq.evaluation.judge import join
from whisq.evaluation.metrics import AXES
from whisq.losses import Objective
from whisq.model.build import build, load
from whisq.model.ridge import PooledRidge
from whisq.training.data import Data, make_loader
from whisq.training.loop import predict

LAYERS = {"audio_layer": 6, "quality_layers": [2]}


@pytest.fixture
def data(data_folder):
    return Data.open(data_folder)


@pytest.fixture
def trained(data, make_recipe):
    return make_recipe(ridge=0.25, **LAYERS).fit(data, progress=False)


def said(model, data, split="test"):
    """OMQ and TA of a split's clips, (clips, 2), with their ids."""
    batches = list(make_loader(data.dataset(split), 16))
    ids = [key for batch in batches for key in batch.ids]
    return ids, predict(model, batches).T.double().numpy()


def alone(model, data):
    """What the network says without its ridge."""
    ridge, model.ridge = model.ridge, None
    try:
        return said(model, data)[1]
    finally:
        model.ridge = ridge


@pytest.mark.parametrize("place", range(2))
def test_a_rating_has_its_share_of_the_floor_of_the_same_name(data, trained, place):
    model, _ = trained
    ids, together = said(model, data)
    floor = pooled_ridge(join(data.clips, data.ratings), data.audio.only([6, 2]), data.text)
    expected = 0.75 * alone(model, data)[:, place] + 0.25 * floor.loc[ids, AXES[place]]
    np.testing.assert_allclose(together[:, place], expected, atol=2e-4)
    assert np.ptp(floor.loc[ids, AXES[place]]) > 0.1


def test_the_network_learns_as_without(data, make_recipe, trained):
    _, history = make_recipe(**LAYERS).fit(data, progress=False)
    for one, other in zip(history.epochs, trained[1].epochs, strict=False):
        assert one["train_loss"] == pytest.approx(other["train_loss"], abs=1e-6)


def test_it_is_kept_with_the_weights(data, trained, tmp_path):
    trained[0].save_pretrained(tmp_path)
    np.testing.assert_array_equal(said(load(tmp_path), data)[1], said(trained[0].eval(), data)[1])


def test_an_axis_that_nobody_rated_is_the_networks_own(data, make_recipe):
    unrated = replace(data, ratings=data.ratings.assign(ta=np.nan))
    model, _ = make_recipe(ridge=0.5, **LAYERS).fit(unrated, progress=False)
    assert model.ridge.known.tolist() == [1, 0]
    gap = np.abs(said(model, data)[1] - alone(model, data)).max(0)
    assert gap[0] > 0.01
    assert gap[1] == 0


def test_what_no_rating_may_teach_is_not_fitted_to_ratings(data, make_recipe):
    recipe = make_recipe(ridge=0.5, **LAYERS)
    apart = {f"{name}_weight": 0.0 for name in recipe.loss.weights()} | {"contrast_weight": 1.0}
    model, _ = replace(recipe, loss=Objective(**apart)).fit(data, progress=False)
    assert model.ridge.known.tolist() == [0, 0]


def test_a_ridge_that_was_not_fitted_says_nothing():
    ridge, ratings = PooledRidge(4, 3), (torch.tensor([2.0]), torch.tensor([4.0]))
    kept = ridge.beside(ratings, torch.ones(1, 4), torch.ones(1, 3), 0.5)
    assert [rating.item() for rating in kept] == [2, 4]


def test_a_peers_network_has_none_beside_it(data, make_recipe):
    config = make_recipe(architecture="astar", ridge=0.5).config(data)
    assert build(config).ridge is None
