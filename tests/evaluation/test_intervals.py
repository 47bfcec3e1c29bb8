import numpy as np
import pandas as pd
import pytest

from whisq.evaluation import floors, intervals, metrics
from whisq.evaluation.resampling import count, replicates, ways


@pytest.fixture
def answer(rated) -> pd.DataFrame:
    noise = np.random.default_rng(0).normal(0, 0.5, (len(rated), 2))
    return rated[["omq", "ta"]] + noise


@pytest.mark.parametrize("by", ["clip", "system", "prompt"])
def test_a_replicate_is_the_result_on_the_drawn_rows(rated, answer, by):
    drawn = replicates(rated, answer, by, 3, seed=5)
    groups = pd.Series(range(len(rated)) if by == "clip" else rated[by].to_numpy())
    names = sorted(groups.unique())
    draw = np.random.default_rng(5)
    counts = draw.multinomial(len(names), np.full(len(names), 1 / len(names)), size=3)
    for row in range(3):
        chosen = [
            (position, copy)
            for name, count in zip(names, counts[row], strict=True)
            for copy in range(count)
            for position in np.flatnonzero(groups == name)
        ]
        positions = [position for position, _ in chosen]
        truth = rated.iloc[positions].reset_index(drop=True)
        if by == "system":  # a system that is drawn twice is two systems
            truth["system"] += [str(copy) for _, copy in chosen]
        expected = metrics.evaluate(truth, answer.iloc[positions].reset_index(drop=True))
        for level in ("utt", "sys"):
            for axis in ("omq", "ta"):
                found = {name: drawn[level][axis][name][row] for name in metrics.METRICS}
                assert found == pytest.approx(expected[level][axis], abs=1e-9)


def test_intervals_hold_the_figure_and_tell_the_same_twice(rated, answer):
    found = intervals.intervals(rated, answer, resamples=300)
    scores = metrics.evaluate(rated, answer)
    for level in ("utt", "sys"):
        for axis in ("omq", "ta"):
            for metric in metrics.METRICS:
                assert set(found[level][axis][metric]) == {"clip", "system", "prompt"}
                low, high = found[level][axis][metric]["system"]
                assert low < scores[level][axis][metric] < high
    assert found == intervals.intervals(rated, answer, resamples=300)


def test_rows_in_another_order_have_the_same_intervals_by_group(rated, answer):
    rows = np.random.default_rng(1).permutation(len(rated))
    first = intervals.intervals(rated, answer, resamples=50)
    again = intervals.intervals(rated.iloc[rows], answer, resamples=50)
    for by in ("system", "prompt"):
        assert again["utt"]["ta"]["srcc"][by] == pytest.approx(first["utt"]["ta"]["srcc"][by])


def test_whole_systems_vary_more_than_clips_where_systems_differ(rated, answer):
    answer = answer.groupby(rated["system"]).transform("mean")
    found = intervals.intervals(rated, answer, resamples=400)["utt"]["omq"]["srcc"]
    assert np.ptp(found["system"]) > 1.2 * np.ptp(found["clip"])


def test_an_interval_holds_its_figure_even_where_resampling_biases_it(rated):
    constant = rated.groupby("system")[["omq", "ta"]].transform("mean").round(1)
    scores = metrics.evaluate(rated, constant)["sys"]["omq"]
    found = intervals.intervals(rated, constant, resamples=200)["sys"]["omq"]
    for metric in metrics.METRICS:
        for low, high in found[metric].values():
            assert low <= scores[metric] <= high


@pytest.mark.parametrize(("metric", "point"), [("srcc", 0.99), ("srcc", -1.0), ("mse", 0.0)])
def test_an_interval_stays_where_the_figure_can_be(metric, point):
    drawn = point + np.random.default_rng(0).normal(0, 0.003, 500)
    low, high = intervals.interval(np.clip(drawn, -1, 1), point, 9, intervals._scale_of(metric))
    assert low >= 0 if metric == "mse" else -1 <= low <= high <= 1


def test_half_of_the_resamples_undefined_leave_no_interval():
    drawn = np.r_[np.full(50, np.nan), np.linspace(0.1, 0.2, 50)]
    assert intervals.interval(drawn, 0.15, 20) is None
    assert intervals.interval(drawn[1:], 0.15, 20) is not None
    assert intervals.interval(drawn[50:], 0.15, 1) is None


def test_what_is_undefined_has_no_interval(rated):
    constant = rated[["omq", "ta"]] * 0 + 3
    found = intervals.intervals(rated, constant, resamples=50)
    assert found["utt"]["omq"]["srcc"]["clip"] is None
    assert found["utt"]["omq"]["mse"]["clip"] is not None


def test_without_systems_and_prompts_clips_alone_are_resampled(rated, answer):
    bare = rated.assign(system=None).drop(columns="prompt")
    assert ways(bare) == ["clip"]
    found = intervals.intervals(bare, answer, resamples=50)
    assert "sys" not in found
    assert set(found["utt"]["ta"]["lcc"]) == {"clip"}


def test_a_better_answer_is_told_from_a_worse_and_from_itself(rated, answer):
    noise = np.random.default_rng(1).normal(0, 1.5, answer.shape)
    found = intervals.compare(rated, answer, answer + noise, resamples=300)
    for metric in metrics.METRICS:
        figure = found["utt"]["omq"][metric]
        assert all(figure[by]["better"] > 0.99 for by in ("clip", "system", "prompt"))
        low, high = figure["clip"]["interval"]
        assert low < figure["difference"] < high
        assert low * high > 0
    same = intervals.compare(rated, answer, answer, resamples=50)["utt"]["omq"]["srcc"]
    assert (same["difference"], same["clip"]) == (0, {"interval": [0, 0], "better": 0.5})


def test_pairs_are_compared_more_sharply_than_their_own_intervals(rated, answer):
    other = answer + np.random.default_rng(2).normal(0, 0.05, answer.shape)
    alone = intervals.intervals(rated, answer, 300)["utt"]["ta"]["srcc"]["system"]
    paired = intervals.compare(rated, answer, other, 300)["utt"]["ta"]["srcc"]["system"]
    assert np.ptp(paired["interval"]) < np.ptp(alone) / 3


def bivariate(draw, rows, correlation):
    one, two = draw.normal(size=(2, rows))
    return np.stack([one, correlation * one + np.sqrt(1 - correlation**2) * two], axis=1)


@pytest.mark.slow
@pytest.mark.parametrize("by", ["clip", "system"])
def test_intervals_cover_the_truth_in_92_to_97_percent_of_draws(by):
    correlation, draws, hits = 0.6, 500, {}
    known = {
        "lcc": correlation,
        "srcc": 6 / np.pi * np.arcsin(correlation / 2),
        "ktau": 2 / np.pi * np.arcsin(correlation),
    }
    if by == "clip":  # of few systems the interval of MSE is a little short, as the module tells
        known["mse"] = 2 - 2 * correlation
    for seed in range(draws):
        draw = np.random.default_rng([seed, 1])
        system = np.repeat(np.arange(30), 4)
        values = bivariate(draw, 120, correlation)
        if by == "system":
            values = np.sqrt(0.5) * values + np.sqrt(0.5) * bivariate(draw, 30, correlation)[system]
        table = pd.DataFrame({"omq": values[:, 0]})
        if by == "system":
            table["system"] = system.astype(str)
        answer = pd.DataFrame({"omq": values[:, 1]})
        scores = metrics.measure(values[:, 0], values[:, 1])
        drawn = replicates(table, answer, by, 500, seed)["utt"]["omq"]
        groups = count(table, by)
        for name, value in known.items():
            low, high = intervals.interval(
                drawn[name], scores[name], groups, intervals._scale_of(name)
            )
            hits.setdefault(name, []).append(low <= value <= high)
    coverage = {name: np.mean(inside) for name, inside in hits.items()}
    assert all(0.92 <= share <= 0.97 for share in coverage.values()), coverage


def result(model, floor, ceiling):
    def levels(value):
        return {level: {"omq": {"srcc": value}} for level in ("utt", "sys")}

    floors = {"system_mean": levels(floor), "prompt_mean": levels(None), "gold_omq": levels(0.99)}
    return levels(model) | {"floors": floors, "ceilings": {"raters": levels(ceiling)}}


def test_the_share_by_hand():
    found = intervals.shares(result(0.8, 0.6, 0.9))["utt"]["omq"]
    assert found["share"] == pytest.approx(2 / 3)
    assert (found["floor"], found["floor_srcc"], found["ceiling_srcc"]) == ("system_mean", 0.6, 0.9)
    assert intervals.shares(result(0.5, 0.6, 0.9))["sys"]["omq"]["share"] == pytest.approx(-1 / 3)


@pytest.mark.parametrize("floor", [None, -0.2])
def test_where_no_floor_ranks_the_floor_is_zero(floor):
    found = intervals.shares(result(0.45, floor, 0.9))["utt"]["omq"]
    assert (found["share"], found["floor"]) == (pytest.approx(0.5), None)


@pytest.mark.parametrize(("model", "ceiling"), [(None, 0.9), (0.8, None), (0.8, 0.5), (0.8, 0.61)])
def test_an_unknown_end_or_a_narrow_gap_leaves_the_share_open(model, ceiling):
    assert intervals.shares(result(model, 0.6, ceiling))["utt"]["omq"]["share"] is None


def test_the_interval_moves_with_the_floor_on_the_same_resamples(rated):
    train, test = rated.iloc[::2], rated.iloc[1::2]
    noise = np.random.default_rng(0).normal(0, 0.2, (len(test), 2))
    model, floor = test[["omq", "ta"]] + noise, floors.FLOORS["system_mean"](train, test)
    scores = metrics.evaluate(test, model) | {
        "floors": {"system_mean": metrics.evaluate(test, floor)}
    }
    ceiling = {axis: {"srcc": 1.0} for axis in ("omq", "ta")}
    found = intervals.shares(scores | {"ceilings": {"raters": {"utt": ceiling, "sys": {}}}})
    intervals.share_intervals(found, test, model, {"system_mean": floor}, resamples=100, seed=0)
    low, high = found["utt"]["omq"]["interval"]
    assert low < found["utt"]["omq"]["share"] < high
    assert "interval" not in found["sys"]["omq"]
