import pytest
import torch

from whisq.training.history import History, keep


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
