import pandas as pd
import pytest

from whisq.corpus import clips


@pytest.fixture
def clip_table():
    return pd.DataFrame(
        {
            "id": ["x-S001_P001", "x-S002_P001"],
            "system": ["S001", "S002"],
            "prompt_id": ["P001", "P001"],
            "prompt": ['A "lively", children’s song', "NA"],
            "path": ["raw/wav/x-S001_P001.wav", "raw/wav/x-S002_P001.wav"],
            "seconds": [10.5, 349.0],
        }
    )


@pytest.fixture
def rating_table():
    return pd.DataFrame(
        {
            "id": ["x-S001_P001", "x-S002_P001"],
            "split": ["train", "test"],
            "omq": [3.2, 5.0],
            "ta": [1.0, 4.6],
            "raters": ["R01 R02", ""],
            "omq_raters": ["3 4", ""],
            "ta_raters": ["1 1", ""],
        }
    )


def test_clips_come_back_as_they_were_written(clip_table, tmp_path):
    clips.write_clips(clip_table, tmp_path / "deep/clips.csv")
    pd.testing.assert_frame_equal(clips.read_clips(tmp_path / "deep/clips.csv"), clip_table)


def test_ratings_come_back_as_they_were_written(rating_table, tmp_path):
    clips.write_ratings(rating_table, tmp_path / "ratings.csv")
    pd.testing.assert_frame_equal(clips.read_ratings(tmp_path / "ratings.csv"), rating_table)


def test_rewordings_are_a_corpus_own_table(tmp_path):
    (tmp_path / "rewordings.csv").write_text('prompt,same,other\na flute,one flute,"one, drum"\n')
    rows = clips.read_rewordings(tmp_path).to_numpy().tolist()
    assert rows == [["a flute", "one flute", "one, drum"]]


def test_a_corpus_without_rewordings_has_none(tmp_path):
    assert clips.read_rewordings(tmp_path).empty


@pytest.mark.parametrize(
    ("text", "problem"),
    [("prompt,same\na,b\n", "column 'other' is missing"), ("prompt,same,other\na, ,c\n", "row 2")],
)
def test_rewordings_with_holes_are_refused(tmp_path, text, problem):
    (tmp_path / "rewordings.csv").write_text(text)
    with pytest.raises(ValueError, match=problem):
        clips.read_rewordings(tmp_path)


def test_preferences_come_back_as_they_were_written(tmp_path):
    rows = [["x", "y", 1, "omq", "r"], ["y", "z", 0, "", ""], ["x", "z", -1, "ta", ""]]
    words = pd.DataFrame(rows, columns=["a", "b", "vote", "axis", "rater"])
    clips.write_pairs(words.replace({"axis": {"": None}}), tmp_path)
    pd.testing.assert_frame_equal(clips.read_pairs(tmp_path), words)
    assert clips.read_pairs(tmp_path / "elsewhere").empty


@pytest.mark.parametrize("row", ["x,x,a,omq,", "x,y,left,omq,", "x,y,a,beauty,"])
def test_preferences_that_mean_nothing_are_refused_by_row(tmp_path, row):
    (tmp_path / "pairs.csv").write_text(f"a,b,preferred,axis,rater\nx,y,a,,\n{row}\n")
    with pytest.raises(ValueError, match=r"1 problem.*\n.*row 3"):
        clips.read_pairs(tmp_path)


def test_all_that_is_wrong_with_clips_is_in_one_error(clip_table, tmp_path):
    clip_table["id"] = "x-S001_P001"
    clip_table.loc[1, "prompt"] = " "
    clip_table.loc[0, "seconds"] = float("nan")
    with pytest.raises(ValueError, match="3 problem") as error:
        clips.write_clips(clip_table, tmp_path / "clips.csv")
    for part in ("more than once", "prompt is blank", "seconds must be above 0"):
        assert part in str(error.value)


def test_all_that_is_wrong_with_ratings_is_in_one_error(rating_table, tmp_path):
    rating_table.loc[0, "omq"] = 7
    rating_table.loc[1, ["omq", "ta"]] = float("nan")
    rating_table.loc[1, "split"] = "valid"
    with pytest.raises(ValueError, match="2 problem") as error:
        clips.write_ratings(rating_table, tmp_path / "ratings.csv")
    for part in ("given 7.0 for clip 'x-S001_P001'", "given 'valid'"):
        assert part in str(error.value)


def test_a_clip_may_lack_one_axis(rating_table, tmp_path):
    rating_table.loc[1, "ta"] = float("nan")
    clips.write_ratings(rating_table, tmp_path / "ratings.csv")
    pd.testing.assert_frame_equal(clips.read_ratings(tmp_path / "ratings.csv"), rating_table)


def test_a_label_that_is_no_number_is_no_blank(rating_table, tmp_path):
    labels = rating_table.astype({"ta": object}).assign(ta=["good", ""])
    labels.to_csv(tmp_path / "r.csv", index=False)
    with pytest.raises(ValueError, match=r"1 problem.*\n.*ta must be in 1\.\.5.*x-S001_P001"):
        clips.read_ratings(tmp_path / "r.csv")


def test_a_missing_column_is_named(rating_table, tmp_path):
    rating_table.drop(columns="raters").to_csv(tmp_path / "ratings.csv", index=False)
    with pytest.raises(ValueError, match="column 'raters' is missing"):
        clips.read_ratings(tmp_path / "ratings.csv")
