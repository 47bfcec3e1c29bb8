"""Clips that lack a rating of one axis: that axis is judged by the others alone."""

import numpy as np
import pytest
from pandas import DataFrame

from whisq.evaluation.floors import FLOORS, ridge
from whisq.evaluation.intervals import intervals
from whisq.evaluation.judge import Case, judge
from whisq.evaluation.metrics import evaluate, within
from whisq.show.predictions import Predictions
from whisq.show.results import Judged, every_metric, said


@pytest.fixture
def rated():
    """60 clips of 6 systems and 10 prompts, rated on both axes by three raters."""
    random = np.random.default_rng(0)
    grades = random.integers(1, 6, (2, 60, 3))
    names = [f"S{at % 6}" for at in range(60)], [f"piece {at // 6}" for at in range(60)]
    table = DataFrame({"system": names[0], "prompt": names[1]})
    for axis, given in zip(("omq", "ta"), grades, strict=True):
        table[axis] = given.mean(1)
        table[f"{axis}_raters"] = [" ".join(map(str, row)) for row in given]
    table["split"] = np.repeat(["train", "dev", "test"], 20)
    return table.set_index(table.index.map("clip{}".format).rename("id"))


@pytest.fixture
def predicted(rated):
    return rated[["omq", "ta"]] + np.random.default_rng(1).normal(0, 1, (60, 2))


def without(rated, chosen, axis="ta"):
    chosen = np.asarray(chosen)
    return rated.assign(
        **{
            axis: rated[axis].where(~chosen),
            f"{axis}_raters": rated[f"{axis}_raters"].where(~chosen, ""),
        }
    )


def test_an_axis_is_measured_on_the_clips_that_are_rated(rated, predicted):
    chosen = np.arange(60) % 4 == 0
    some = evaluate(without(rated, chosen), predicted)
    alone = evaluate(rated[~chosen], predicted[~chosen])
    for level in ("utt", "sys"):
        assert some[level]["ta"] == alone[level]["ta"]
        assert some[level]["omq"] == evaluate(rated, predicted)[level]["omq"]


def test_what_is_known_within_groups_is_of_the_rated_clips(rated, predicted):
    chosen = np.arange(60) % 4 == 0
    some, alone = (
        within(without(rated, chosen), predicted),
        within(rated[~chosen], predicted[~chosen]),
    )
    assert {group: axes["ta"] for group, axes in some.items()} == {
        group: axes["ta"] for group, axes in alone.items()
    }


def test_an_axis_that_nobody_rated_has_no_figure_and_says_so(rated, predicted):
    found = evaluate(without(rated, np.ones(60, bool)), predicted)
    assert found["utt"]["ta"]["mse"] is None
    assert found["utt"]["ta"]["undefined"] == "nothing is rated on it"
    assert found["utt"]["omq"]["srcc"] is not None


def test_intervals_of_a_rated_part_hold_its_figure(rated, predicted):
    some = without(rated, rated["system"] == "S0")  # a whole system lacks the axis
    found, figures = intervals(some, predicted, 200), evaluate(some, predicted)
    for level in ("utt", "sys"):
        for by in ("clip", "system", "prompt"):
            low, high = found[level]["ta"]["lcc"][by]
            assert low < figures[level]["ta"]["lcc"] < high


def test_intervals_are_those_of_the_full_table_where_all_is_rated(rated, predicted):
    assert intervals(without(rated, np.zeros(60, bool)), predicted, 50) == intervals(
        rated, predicted, 50
    )


@pytest.mark.parametrize("name", FLOORS)
def test_floors_know_the_rated_clips_alone(rated, name):
    some = without(without(rated, np.arange(60) % 3 == 0), np.arange(60) % 5 == 0, "omq")
    train, test = some[some["split"] == "train"], some[some["split"] == "test"]
    floor = FLOORS[name](train, test)
    assert floor.notna().all(axis=None)
    none = FLOORS[name](train.assign(ta=np.nan, omq=np.nan), test.assign(omq=np.nan))
    assert none.columns.empty


def test_a_ridge_is_fitted_on_the_rated_clips(rated):
    features = {axis: rated[[axis]].to_numpy() for axis in ("omq", "ta")}
    chosen = np.arange(60) % 3 == 0
    found = ridge(features, without(rated, chosen), np.ones(60, bool))
    assert found["ta"].to_numpy() == pytest.approx(rated["ta"].to_numpy(), abs=0.1)
    assert "ta" not in ridge(features, without(rated, np.ones(60, bool)), np.ones(60, bool))


@pytest.mark.parametrize("axis", ["omq", "ta"])
@pytest.mark.parametrize("share", [0.4, 1.0])
def test_the_judge_and_its_pages_cope_with_what_is_missing(rated, predicted, axis, share):
    chosen = np.random.default_rng(2).random(60) < share
    some = without(rated, chosen, axis)
    predictions = predicted.assign(split=rated["split"])
    result = judge(Case(some, predictions), "own", "official", 50, 0)
    judged, other = Judged.of(result, "test"), {"omq": "TA", "ta": "OMQ"}[axis]
    lines = " ".join(said(result, "test"))
    assert f"{other}: model SRCC" in lines
    assert ("No clip is rated on" in lines) == (share == 1)
    assert len(judged.standing) == (1 if share == 1 else 2)
    assert every_metric(judged.found, "all").rows
    assert judged.standings.rows
    test = some[some["split"] == "test"].join(predicted.add_suffix("_prediction"))
    shown = Predictions(test, judged.found["calibration"], "own")
    plots = [*shown.scatters, *shown.calibration, *shown.residuals]
    assert all(plot.svg.startswith("<svg") for plot in plots)
    assert len(plots) == (4 if share == 1 else 8)
    assert shown.by_prompt.rows
    assert len(shown.calibrated)
