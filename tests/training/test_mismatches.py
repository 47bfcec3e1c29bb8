import pytest
import torch

from whisq.losses.objective import Objective
from whisq.training.data import Data
from whisq.training.dataset import make_loader
from whisq.training.mismatches import Mismatches


@pytest.fixture
def dataset(data_folder):
    return Data.open(data_folder).dataset("train")


@pytest.fixture
def batch(dataset):
    return next(iter(make_loader(dataset, 16)))


def prompt_of(dataset, text, mask):
    """Which prompt a drawn text is."""
    for prompt in dataset.prompts:
        states = torch.from_numpy(dataset.text[prompt][0].copy()).float()
        if len(states) == mask.sum() and torch.equal(states, text[mask]):
            return prompt
    return None


@pytest.mark.parametrize("near", [0.0, 0.5, 1.0])
def test_a_drawn_prompt_is_another_one_of_the_training_set(dataset, batch, near):
    torch.manual_seed(0)
    own = dict(zip(dataset.ids, dataset.prompts, strict=True))
    drawn = Mismatches(dataset, near).draw(batch)
    for key, text, mask in zip(batch.ids, *drawn, strict=True):
        assert prompt_of(dataset, text, mask) not in (None, own[key])


def test_the_nearest_prompt_is_that_of_the_closest_mean_state(dataset, batch):
    own = dict(zip(dataset.ids, dataset.prompts, strict=True))
    means = {p: torch.from_numpy(dataset.text[p][0].copy()).float().mean(0) for p in own.values()}
    centre = torch.stack(list(means.values())).mean(0)
    text, mask = Mismatches(dataset, near=1.0).draw(batch)
    for key, states, real in zip(batch.ids, text, mask, strict=True):
        mine = means[own[key]] - centre
        cosines = {
            prompt: torch.cosine_similarity(mine, mean - centre, dim=0).item()
            for prompt, mean in means.items()
            if prompt != own[key]
        }
        assert prompt_of(dataset, states, real) == max(cosines, key=cosines.get)


def test_draws_follow_torchs_seed(dataset, batch):
    mismatches, drawn = Mismatches(dataset, 0.5), []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        drawn.append(mismatches.draw(batch)[0])
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])


def test_other_prompts_reach_the_loss(data_folder, make_recipe):
    recipe = make_recipe(loss=Objective(mismatch_weight=1.0))
    _, history = recipe.fit(Data.open(data_folder), progress=False)
    assert history.epochs[-1]["train_mismatch"] > 0
