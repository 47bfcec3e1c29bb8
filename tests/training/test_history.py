import pytest
import torch
from torch import nn

from whisq.training.history import Checkpoint, History, keep


@pytest.fixture
def history():
    history = History()
    for omq, ta in [(0.5, 0.1), (0.7, None), (0.6, 0.3)]:
        record = {"dev_omq_utt_srcc": omq, "dev_ta_utt_srcc": ta, "dev_omq_utt_mse": 1 - omq}
        history.improved(record, {"omq": (), "ta": ()})
    return history


def test_each_branch_has_its_best_epoch(history):
    assert history.best_epochs == {"omq": 2, "ta": 3}
    assert history.best_score == pytest.approx(0.5)
    assert history.idle == 0


def test_what_is_kept_is_described_by_its_own_epochs(history):
    kept = history.kept()
    assert kept["dev_omq_utt_srcc"] == 0.7
    assert kept["dev_omq_utt_mse"] == pytest.approx(0.3)
    assert kept["dev_ta_utt_srcc"] == 0.3
    assert (kept["best_epoch_omq"], kept["best_epoch_ta"]) == (2, 3)


def test_a_score_that_is_not_defined_is_no_better_than_none():
    history = History()
    assert history.improved({"dev_ta_utt_srcc": None}, {"ta": ()}) == ["ta"]
    assert history.improved({"dev_ta_utt_srcc": None}, {"ta": ()}) == []
    assert history.idle == 1


def test_only_the_branch_at_its_best_is_copied():
    branches = {"omq": ("quality.",), "ta": ("alignment.",)}
    best = {}
    names = ("quality.weight", "alignment.weight", "scale")
    keep(best, {name: torch.zeros(1) for name in names}, branches, ["omq", "ta"])
    keep(best, {name: torch.ones(1) for name in names}, branches, ["omq"])
    assert {name: value.item() for name, value in best.items()} == {
        "quality.weight": 1,
        "alignment.weight": 0,
        "scale": 0,
    }


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
