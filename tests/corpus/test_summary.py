import pandas as pd
import pytest

from whisq.corpus import musiceval
from whisq.corpus.summary import reliability, summarise


def test_reliability_is_that_of_shrout_and_fleiss():
    # Their table 2; they report .17 and .44.
    ratings = ["9 2 5 8", "6 1 3 2", "8 4 6 8", "7 1 2 6", "10 5 6 9", "6 2 4 7"]
    found = reliability(pd.Series(ratings))
    assert (round(found["icc1"], 2), round(found["icck"], 2)) == (0.17, 0.44)
    assert (found["per_clip"], found["clips"]) == (4, 6)


def test_raters_of_one_mind_are_fully_reliable():
    found = reliability(pd.Series(["3 3", "4 4", "", "1 1"]))
    assert found["icc1"] == found["icck"] == 1
    assert found["clips"] == 3


@pytest.mark.parametrize("ratings", [["", ""], ["3", "4"], ["2 2", "2 2"], ["2 3"]])
def test_where_reliability_is_undefined_it_is_none(ratings):
    found = reliability(pd.Series(ratings))
    assert found["icc1"] is None
    assert found["icck"] is None


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
    assert summary["labels"]["omq"]["sd"] == pytest.approx(
        found.ratings.head(50)["omq"].std(), abs=1e-4
    )


def test_a_corpus_without_labels_is_counted_too(corpus):
    found = musiceval.read(corpus)
    summary = summarise(found.clips, found.ratings.head(0), "a corpus")
    assert summary["splits"] == {}
    assert summary["omq_ta_correlation"] is None
    assert summary["labels"]["omq"] == {"mean": None, "sd": None, "levels": 0}
