import pytest
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from whisq.training.averaging import Averaged


def step(model):
    with torch.no_grad():
        for weight in model.parameters():
            weight += torch.randn_like(weight)


@pytest.mark.parametrize("decay", [0.0, 0.5, 0.98])
def test_weights_are_averaged_as_torch_averages_them(decay):
    model = nn.Linear(3, 2)
    ours = Averaged(model, decay)
    theirs = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(decay))
    for _ in range(5):
        step(model)
        ours.update()
        theirs.update_parameters(model)
        assert torch.equal(ours.module.weight, theirs.module.weight)
        assert torch.equal(ours.module.bias, theirs.module.bias)


def test_averaging_leaves_the_network_as_it_is():
    model = nn.Linear(3, 2)
    averaged = Averaged(model, 0.5)
    averaged.update()
    step(model)
    before = model.weight.clone()
    averaged.update()
    assert torch.equal(model.weight, before)
    assert not torch.equal(averaged.module.weight, before)


def test_an_interrupted_mean_goes_on():
    torch.manual_seed(0)
    model = nn.Linear(3, 2)
    averaged = Averaged(model, 0.5)
    averaged.update()
    resumed = Averaged(model, 0.5)
    resumed.load_state_dict(averaged.state_dict())
    step(model)
    averaged.update()
    resumed.update()
    assert torch.equal(resumed.module.weight, averaged.module.weight)
