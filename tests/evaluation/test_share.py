import numpy as np
import pytest

from whisq.evaluation.floors import system_mean
from whisq.evaluation.metrics import evaluate
from whisq.evaluation.share import share_intervals, shares


def result(model, floor, ceiling):
    def levels(value):
        return {level: {"omq": {"srcc": value}} for level in ("utt", "sys")}

    floors = {"system_mean": levels(floor), "prompt_mean": levels(None), "gold_omq": levels(0.99)}
    return levels(model) | {"floors": floors, "ceilings": {"raters": levels(ceiling)}}


def test_the_share_by_hand():
    found = shares(result(0.8, 0.6, 0.9))["utt"]["omq"]
    assert found["share"] == pytest.approx(2 / 3)
    assert (found["floor"], found["floor_srcc"], found["ceiling_srcc"]) == ("system_mean", 0.6, 0.9)
    assert shares(result(0.5, 0.6, 0.9))["sys"]["omq"]["share"] == pytest.approx(-1 / 3)


@pytest.mark.parametrize("floor", [None, -0.2])
def test_where_no_floor_ranks_the_floor_is_zero(floor):
    found = shares(result(0.45, floor, 0.9))["utt"]["omq"]
    assert (found["share"], found["floor"]) == (pytest.approx(0.5), None)


@pytest.mark.parametrize(("model", "ceiling"), [(None, 0.9), (0.8, None), (0.8, 0.5), (0.8, 0.61)])
def test_an_unknown_end_or_a_narrow_gap_leaves_the_share_open(model, ceiling):
    assert shares(result(model, 0.6, ceiling))["utt"]["omq"]["share"] is None


def test_the_interval_moves_with_the_floor_on_the_same_resamples(rated):
    train, test = rated.iloc[::2], rated.iloc[1::2]
    noise = np.random.default_rng(0).normal(0, 0.2, (len(test), 2))
    model, floor = test[["omq", "ta"]] + noise, system_mean(train, test)
    scores = evaluate(test, model) | {"floors": {"system_mean": evaluate(test, floor)}}
    ceiling = {axis: {"srcc": 1.0} for axis in ("omq", "ta")}
    found = shares(scores | {"ceilings": {"raters": {"utt": ceiling, "sys": {}}}})
    share_intervals(found, test, model, {"system_mean": floor}, resamples=100, seed=0)
    low, high = found["utt"]["omq"]["interval"]
    assert low < found["utt"]["omq"]["share"] < high
    assert "interval" not in found["sys"]["omq"]
