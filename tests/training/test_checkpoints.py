import pytest
import torch
from torch import nn

from whisq.training.checkpoints import Checkpoint, key_of


@pytest.fixture
def started():
    torch.manual_seed(0)
    model = nn.Linear(3, 2)
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    return model, optimizer


def test_network_optimiser_and_progress_come_back(started, tmp_path):
    model, optimizer = started
    best = {"weight": torch.ones(2, 3)}
    weights = {"now": model.state_dict(), "best": best}
    Checkpoint(tmp_path, "a").save(weights, optimizer, {"epochs": [{"epoch": 1}]})
    other = nn.Linear(3, 2)
    other_optimizer = torch.optim.AdamW(other.parameters())
    loaded, progress = Checkpoint(tmp_path, "a").load(other_optimizer)
    other.load_state_dict(loaded["now"])
    assert torch.equal(loaded["best"]["weight"], best["weight"])
    assert progress == {"epochs": [{"epoch": 1}]}
    for one, two in ((model, optimizer), (other, other_optimizer)):
        two.zero_grad()
        one(torch.arange(3.0).unsqueeze(0)).square().sum().backward()
        two.step()
    assert torch.equal(model.weight, other.weight)


def test_another_key_resumes_nothing(started, tmp_path):
    Checkpoint(tmp_path, "a").save({}, started[1], {})
    assert Checkpoint(tmp_path, "b").load(started[1]) is None


def test_what_has_ended_is_removed(started, tmp_path):
    checkpoint = Checkpoint(tmp_path / "new", "a")
    checkpoint.save({}, started[1], {})
    checkpoint.remove()
    assert list((tmp_path / "new").iterdir()) == []
    checkpoint.remove()


def test_the_key_changes_with_any_setting_and_not_with_their_order():
    settings = {"loss": {"ot_weight": 0.1}, "seed": 0}
    assert key_of(settings) == key_of(dict(reversed(settings.items())))
    assert key_of(settings) != key_of(settings | {"seed": 1})
    assert key_of(settings) != key_of({"loss": {"ot_weight": 0.2}, "seed": 0})
