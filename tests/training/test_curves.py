"""Learning curves: what each point learns from, and what is told of more."""

import numpy as np
import pytest
from pandas import DataFrame
from scipy.stats import spearmanr

from whisq.corpus.clips import RATING_COLUMNS
from whisq.corpus.splits import bag
from whisq.rendered.requests import sentence
from whisq.rendered.takes import cast
from whisq.show import curves as shown
from whisq.trials.curves import judge_points, learn, table
from whisq.trials.part import Part, rated_by
from whisq.trials.pool import Curves

SMALL = Curves(
    prompts=[4, 8, 16],
    clips=[8, 16],
    raters=[1, 2, 8],
    at_clips=16,
    at_prompts=8,
    at_ratings=64,
    train_systems=8,
    dev_systems=2,
    test_systems=3,
    dev_prompts=5,
    test_prompts=6,
    held_out_clips=4,
    draws=2,
)


@pytest.fixture(scope="module")
def pool():
    """What the small curves take of their corpus, as the tables that a stage makes of it."""
    takes = cast(SMALL.rendered, SMALL.pool).takes
    clips = DataFrame(
        [(take.id, take.system, sentence(take.prompt.request)) for take in takes],
        columns=["id", "system", "prompt"],
    )
    rows = [
        (take.id, take.split, *take.mos, *(" ".join(map(str, own)) for own in take.ratings.T))
        for take in takes
    ]
    return clips, DataFrame(rows, columns=RATING_COLUMNS)


def test_no_training_meets_a_system_or_the_words_of_a_prompt_that_is_held_out(pool):
    clips, ratings = pool
    joined = ratings.merge(clips, on="id")
    joined["prompt"] = joined["prompt"].map(bag)
    for column in ("system", "prompt"):
        met = [set(part[column]) for _, part in joined.groupby("split")]
        assert len(met) == 3
        assert not (met[0] & met[1] | met[0] & met[2] | met[1] & met[2])
    tested = joined[joined["split"] == "test"]
    assert (tested.groupby("system").size() == SMALL.held_out_clips).all()
    assert tested["system"].nunique() == SMALL.test_systems


@pytest.mark.parametrize("curve", ["prompts", "clips", "raters"])
def test_the_pool_has_what_each_point_of_a_curve_asks_for(pool, curve):
    clips, ratings = pool
    for part in SMALL.points[curve]:
        found = part.of(ratings, clips)
        train = found[found["split"] == "train"].merge(clips, on="id")
        assert (train.groupby("prompt").size() == part.each).all()
        assert train["prompt"].nunique() == part.prompts
        assert (train["omq_raters"].str.split().map(len) == part.raters).all()
        assert {(part.prompts, part.clips, part.raters)[list(SMALL.points).index(curve)]} <= {
            *getattr(SMALL, curve)
        }


def test_along_a_curve_the_rest_stays():
    points = SMALL.points
    assert {(part.clips, part.raters) for part in points["prompts"]} == {(16, 5)}
    assert {(part.prompts, part.raters) for part in points["clips"]} == {(8, 5)}
    assert {part.clips * part.raters for part in points["raters"]} == {64}


def test_what_is_held_out_is_the_same_for_every_point_and_draws_differ(pool):
    clips, ratings = pool
    held = ratings[ratings["split"] != "train"].reset_index(drop=True)
    one, same, other = (Part(4, 4, 5, draw).of(ratings, clips) for draw in (0, 0, 1))
    for found in (one, other):
        assert found[found["split"] != "train"].reset_index(drop=True).equals(held)
    assert one.equals(same)
    assert set(one["id"]) != set(other["id"])


def test_too_much_asked_of_a_pool_is_refused(pool):
    clips, ratings = pool
    with pytest.raises(ValueError, match="30 prompts must have 4 training clips each, but only"):
        Part(30, 4, 5).of(ratings, clips)


def test_fewer_raters_are_some_of_the_clip_s_own_with_their_mean():
    row = ("a", "train", 3.0, 2.0, "R1 R2 R3 R4", "1 2 4 5", "1 1 3 3")
    blank = ("b", "train", 3.5, 2.5, "", "", "")
    ratings = DataFrame([row, blank], columns=RATING_COLUMNS)
    grades = {"R1": ("1", "1"), "R2": ("2", "1"), "R3": ("4", "3"), "R4": ("5", "3")}
    for seed in range(5):
        found = rated_by(ratings, 2, np.random.default_rng(seed))
        one = found.iloc[0]
        who = one["raters"].split()
        assert len(set(who)) == 2
        for at, axis in enumerate(("omq", "ta")):
            own = [grades[rater][at] for rater in who]
            assert one[f"{axis}_raters"].split() == own
            assert one[axis] == np.mean([int(grade) for grade in own])
        assert tuple(found.iloc[1]) == blank
    assert rated_by(ratings, 9, np.random.default_rng(0)).equals(ratings)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"prompts": [3, 8]}, "prompts: 3 prompts must have a whole number of clips each"),
        ({"clips": [8, 128]}, r"one to train_systems \(8\), given 128 clips"),
        ({"held_out_clips": 6}, "at most dev_prompts and test_prompts"),
    ],
)
def test_points_that_can_t_be_made_are_told(changes, said):
    with pytest.raises(ValueError, match=said):
        Curves(**SMALL.model_dump() | changes)


def answers(draw, knows):
    """The same test clips each time; the model knows so much, the ridge nothing."""
    fixed, noise = np.random.default_rng(0), np.random.default_rng([draw, round(100 * knows)])
    rows = [(f"S{system}", f"prompt {clip}") for system in range(8) for clip in range(10)]
    said = DataFrame(rows, columns=["system", "prompt"])
    for axis in ("omq", "ta"):
        grades = fixed.integers(1, 6, (len(said), 5))
        said[f"{axis}_raters"] = [" ".join(map(str, row)) for row in grades]
        said[axis] = grades.mean(axis=1)
        said[f"model_{axis}"] = knows * said[axis] + noise.normal(size=len(said))
        said[f"pooled_ridge_{axis}"] = noise.normal(size=len(said))
    return said


PARTS = {"prompts": [Part(2, 8, 5), Part(4, 4, 5)], "clips": [Part(4, 2, 5), Part(4, 4, 5)]}
KNOWN = {Part(2, 8, 5): 0.2, Part(4, 4, 5): 3.0, Part(4, 2, 5): 3.01}


@pytest.fixture(scope="module")
def points():
    return {part: [answers(draw, knows) for draw in range(3)] for part, knows in KNOWN.items()}


@pytest.fixture(scope="module")
def judged(points):
    return judge_points(PARTS, points, 200, 0)


def test_a_point_is_the_mean_over_draws_with_an_interval(points, judged):
    for name, parts in PARTS.items():
        for part, point in zip(parts, judged["curves"][name], strict=True):
            assert (point["prompts"], point["clips"]) == (part.prompts, part.clips)
            for axis in ("omq", "ta"):
                alone = [spearmanr(d[axis], d[f"model_{axis}"]).statistic for d in points[part]]
                figure = point[axis]["srcc"]
                assert figure["draws"] == pytest.approx(alone, abs=1e-6)
                assert figure["mean"] == pytest.approx(np.mean(alone), abs=1e-6)
                assert figure["interval"][0] < figure["mean"] < figure["interval"][1]
    assert (judged["n_clips"], judged["n_systems"], judged["draws"]) == (80, 8, 3)


def test_a_gain_is_clear_of_zero_where_there_is_one_and_not_where_there_is_none(judged):
    first, second = judged["curves"]["prompts"]
    assert first["ta"]["less_first"] is None
    gain = second["ta"]["less_first"]
    assert gain["mean"] == pytest.approx(second["ta"]["srcc"]["mean"] - first["ta"]["srcc"]["mean"])
    assert gain["interval"][0] > 0
    low, high = judged["curves"]["clips"][1]["ta"]["less_first"]["interval"]
    assert low < 0 < high
    assert second["ta"]["less_ridge"]["interval"][0] > 0


def test_the_curves_are_a_table_and_pictures(judged):
    rows = table(judged)
    assert len(rows) == 2 * sum(map(len, PARTS.values()))
    assert rows["srcc"].notna().all()
    found = {"corpus": "a corpus", **judged}
    text = shown.standings(found).markdown()
    assert "80 test clips of 8 systems" in text
    assert len(shown.standings(found).rows) == 4
    assert all(plot.svg.startswith("<svg") for plot in shown.plots(found))
    said = shown.said(found)
    assert said[1].startswith("TA from 2 to 4 prompts (16 clips, 5 raters each): ")
    assert "not told" not in said[1]
    assert said[3].startswith("TA from 8 to 16 clips (4 prompts, 5 raters each): ")
    assert said[3].endswith("not told from nothing.")


def test_every_point_is_trained_once_a_draw(data_folder, make_recipe):
    curves = SMALL.model_copy(
        update={"prompts": [2, 4], "clips": [4, 8], "raters": [1, 2], "at_clips": 8}
        | {"at_prompts": 4, "at_ratings": 8, "workers": 1, "at_raters": 1}
    )
    found = learn(make_recipe(), curves, data_folder)
    parts = {part for points in curves.points.values() for part in points}
    assert set(found) == parts
    assert all(len(draws) == 2 for draws in found.values())
    assert {tuple(said.index) for draws in found.values() for said in draws} == {
        tuple(found[next(iter(parts))][0].index)
    }
    assert np.isfinite(
        judge_points(curves.points, found, 20, 0)["curves"]["prompts"][0]["omq"]["srcc"]["mean"]
    )
