import numpy as np
import pandas as pd
import pytest

from whisq.corpus import musiceval
from whisq.corpus.summary import grades, reliability, summarise


def test_grades_are_read_of_clips_that_have_as_many_as_most():
    table = grades(pd.Series(["1 2 3", "4 5", "", "5 5 1", "3 3 3 3"]))
    assert table.shape == (5, 3)
    assert table[[0, 3]].tolist() == [[1, 2, 3], [5, 5, 1]]
    assert np.isnan(table[[1, 2, 4]]).all()


def test_reliability_by_hand():
    """Two clips, two raters: 1 2 and 4 5. Between 2 x 4.5 = 9, within 0.5, so 8.5 / 9.5."""
    found = reliability(np.array([[1.0, 2], [4, 5]]))
    assert found == pytest.approx((8.5 / 9.5, 8.5 / 9))


def test_reliability_is_the_share_of_variance_that_raters_agree_on():
    draw = np.random.default_rng(0)
    table = draw.normal(size=(4000, 1)) + draw.normal(size=(4000, 5))
    assert reliability(table) == pytest.approx((0.5, 5 / 6), abs=0.02)


def test_reliability_is_that_of_shrout_and_fleiss():
    # Their table 2; they report .17 and .44.
    ratings = ["9 2 5 8", "6 1 3 2", "8 4 6 8", "7 1 2 6", "10 5 6 9", "6 2 4 7"]
    one, mean = reliability(grades(pd.Series(ratings)))
    assert (round(one, 2), round(mean, 2)) == (0.17, 0.44)


def test_raters_of_one_mind_are_fully_reliable():
    assert reliability(grades(pd.Series(["3 3", "4 4", "", "1 1"]))) == (1, 1)


@pytest.mark.parametrize("ratings", [["", ""], ["3", "4"], ["2 2", "2 2"], ["2 3"]])
def test_where_reliability_is_undefined_it_is_no_number(ratings):
    assert np.isnan(reliability(grades(pd.Series(ratings)))).all()


def test_a_corpus_is_counted(corpus):
    found = musiceval.read(corpus)
    clips = found.clips.assign(seconds=[29.0, 30.0, 31.0, 349.0] + [10.0] * 56)
    summary = summarise(clips, found.ratings.head(50), "a corpus")
    assert summary["clips"] == 60
    assert summary["unlabelled"] == 10
    assert summary["past_window"] == 2
    assert summary["hours"] == pytest.approx((29 + 30 + 31 + 349 + 560) / 3600, abs=1e-4)
    assert sum(summary["splits"].values()) == 50
    assert summary["raters"]["ta"]["per_clip"] == 5
    assert summary["raters"]["ta"]["clips"] == 50
    assert 0 < summary["raters"]["ta"]["icc1"] < summary["raters"]["ta"]["icck"] < 1
    assert summary["labels"]["omq"]["sd"] == pytest.approx(
        found.ratings.head(50)["omq"].std(), abs=1e-4
    )


def test_a_corpus_without_labels_is_counted_too(corpus):
    found = musiceval.read(corpus)
    summary = summarise(found.clips, found.ratings.head(0), "a corpus")
    assert summary["splits"] == {}
    assert summary["omq_ta_correlation"] is None
    assert summary["labels"]["omq"] == {"mean": None, "sd": None, "levels": 0}
    nobody = {"per_clip": None, "clips": 0, "icc1": None, "icck": None}
    assert summary["raters"] == {"omq": nobody, "ta": nobody}
