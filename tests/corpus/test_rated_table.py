"""A user's table of rated clips becomes a corpus like any other."""

import csv
import json

import numpy as np
import pytest
import soundfile

from whisq import audio
from whisq.corpus.card import read_card
from whisq.corpus.musiceval import read
from whisq.corpus.rated_table import Columns, RatedTable, lay_out

FORMATS = ("wav", "flac", "mp3")


@pytest.fixture
def own(tmp_path, sound):
    """Write a table with a clip a row: `own(rows, clips=9)`; each row has what is given."""

    def write(rows, name="ratings.csv", clips=9):
        (tmp_path / "clips").mkdir(exist_ok=True)
        for at in range(clips):
            path = tmp_path / f"clips/{at}.{FORMATS[at % 3]}"
            soundfile.write(path, sound(0.3, at), 16_000)
        fields = list(dict.fromkeys(key for row in rows for key in row))
        with (tmp_path / name).open("w", newline="") as file:
            writer = csv.DictWriter(file, fields)
            writer.writeheader()
            writer.writerows(rows)
        return tmp_path / name

    return write


def row(at, **others):
    clip = {"path": f"clips/{at}.{FORMATS[at % 3]}", "prompt": f"piece {at // 3}"}
    return clip | {"system": f"model {at % 3}", "omq": 3, "ta": 4} | others


def laid(path, tmp_path, **choices):
    lay_out(RatedTable(path=str(path), **choices), tmp_path / "data/raw")
    corpus = read(tmp_path / "data/raw")
    assert not corpus.problems.warnings
    return corpus


def names(tmp_path):
    with (tmp_path / "data/raw/names.csv").open() as file:
        return {line["id"]: line for line in csv.DictReader(file)}


def test_each_clip_keeps_its_words_and_its_sound_in_any_format(own, tmp_path):
    corpus = laid(own([row(at) for at in range(9)]), tmp_path)
    known = names(tmp_path)
    assert len(corpus.clips) == len(corpus.ratings) == 9
    for clip in corpus.clips.itertuples():
        given = known[clip.id]
        at = int(given["path"][len("clips/")])
        assert clip.prompt == f"piece {at // 3}"
        assert given["system"] == f"model {at % 3}"
        there = audio.read(tmp_path / "data" / clip.path).digest
        assert there == audio.read(tmp_path / given["path"]).digest


def test_the_same_table_in_another_order_is_the_same_corpus(own, tmp_path):
    rows = [row(at, omq=1 + at % 5) for at in range(9)]
    one = laid(own(rows), tmp_path)
    two = laid(own(rows[::-1]), tmp_path)
    for table in ("clips", "ratings"):
        assert getattr(one, table).equals(getattr(two, table))


@pytest.mark.parametrize(
    ("scale", "given", "mapped"),
    [("1-7", "1", 1), ("1-7", "7", 5), ("1-7", "4", 3), ("0-100", "25", 2), ("-3-3", "0", 3),
     ("5-1", "5", 1), ("5-1", "2", 4), ("0-1", "0.5", 3)],
)  # fmt: skip
def test_any_scale_is_mapped_linearly_and_the_card_says_so(own, tmp_path, scale, given, mapped):
    rows = [row(at, omq=given, ta=given) for at in range(9)]
    corpus = laid(own(rows), tmp_path, scale=scale)
    assert corpus.ratings["omq"].to_numpy() == pytest.approx(mapped)
    assert read_card(tmp_path / "data/raw")["scale"] == f"{scale}, mapped linearly to 1-5"


def test_ratings_of_one_clip_are_averaged_and_kept(own, tmp_path):
    marks = list(enumerate((1, 4, 7)))
    rows = [row(at, rater=f"anna {n}", omq=mark) for at in range(9) for n, mark in marks]
    corpus = laid(own(rows), tmp_path, scale="1-7")
    assert len(corpus.ratings) == 9
    assert corpus.ratings["omq"].tolist() == [3.0] * 9
    assert set(corpus.ratings["omq_raters"]) == {"1 3 5"}
    assert set(corpus.ratings["raters"]) == {"anna0 anna1 anna2"}


def test_raters_without_names_are_counted(own, tmp_path):
    rows = [row(at, omq=mark) for at in range(9) for mark in (2, 3)]
    corpus = laid(own(rows), tmp_path)
    assert set(corpus.ratings["raters"]) == {"row1 row2"}
    assert corpus.ratings["omq"].tolist() == [2.5] * 9


def test_means_have_no_raters(own, tmp_path):
    corpus = laid(own([row(at, omq=3.1428) for at in range(9)]), tmp_path)
    assert set(corpus.ratings["raters"]) == {""}
    assert corpus.ratings["omq"].tolist() == [3.1428] * 9


@pytest.mark.parametrize("axis", ["omq", "ta"])
def test_a_table_of_one_axis_leaves_the_other_unrated(own, tmp_path, axis, capsys):
    other = {"omq": "ta", "ta": "omq"}[axis]
    rows = [row(at) for at in range(9)]
    for one in rows:
        one.pop(other)
    corpus = laid(own(rows), tmp_path)
    assert corpus.ratings[axis].notna().all()
    assert corpus.ratings[other].isna().all()
    assert read_card(tmp_path / "data/raw")["unrated"] == {axis: 0, other: 9}
    assert f"{other} is not rated for 9 of 9 clips" in capsys.readouterr().err


def test_some_rows_may_lack_an_axis_and_a_clip_without_both_is_unlabelled(own, tmp_path):
    bare = [row(0, ta=""), row(1, omq="nan"), row(2, omq="", ta="")]
    rows = [*bare, *(row(at) for at in range(3, 9))]
    corpus = laid(own(rows), tmp_path)
    assert len(corpus.clips) == 9
    assert len(corpus.ratings) == 8
    assert corpus.ratings[["omq", "ta"]].isna().sum().tolist() == [1, 1]


def test_quality_alone_needs_no_prompt(own, tmp_path):
    rows = [{"path": row(at)["path"], "mos": 2} for at in range(9)]
    corpus = laid(own(rows), tmp_path, protocol="clips")
    assert set(corpus.clips["prompt"]) == {"music"}
    assert corpus.clips["id"].is_unique


def test_clips_of_one_prompt_and_system_get_numbers_of_their_own(own, tmp_path):
    rows = [row(at, prompt="rain", system="m") for at in range(9)]
    corpus = laid(own(rows), tmp_path, protocol="clips")
    assert set(corpus.clips["prompt"]) == {"rain"}
    assert set(corpus.clips["system"]) == {"S001"}
    assert corpus.clips["prompt_id"].nunique() == 9


@pytest.mark.parametrize(("protocol", "column"), [("prompts", "prompt"), ("systems", "system")])
def test_without_a_split_whole_groups_are_held_out(own, tmp_path, protocol, column):
    corpus = laid(own([row(at) for at in range(9)]), tmp_path, protocol=protocol)
    splits = corpus.ratings.merge(corpus.clips, on="id").groupby(column)["split"]
    assert (splits.nunique() == 1).all()
    assert set(corpus.ratings["split"]) == {"train", "dev", "test"}
    assert read_card(tmp_path / "data/raw")["split"].startswith(f"by {protocol}")


def test_a_split_that_is_given_is_kept(own, tmp_path):
    given = ["train"] * 6 + ["Validation", "val", "eval"]
    corpus = laid(own([row(at, split=given[at]) for at in range(9)]), tmp_path)
    assert corpus.ratings["split"].value_counts().to_dict() == {"train": 6, "dev": 2, "test": 1}
    assert read_card(tmp_path / "data/raw")["split"] == "as the table says"


def test_columns_and_the_folder_of_sounds_may_be_named(own, tmp_path):
    rows = [{"Sound": f"{at}.{FORMATS[at % 3]}", "text": f"p {at}", "OVL": 50} for at in range(9)]
    columns = Columns(path="Sound", omq="OVL")
    audio_folder = str(tmp_path / "clips")
    corpus = laid(own(rows), tmp_path, audio=audio_folder, columns=columns, scale="0-100")
    assert corpus.ratings["omq"].tolist() == [3.0] * 9


def test_a_thousand_prompts_have_ids_that_sort_and_read(own, tmp_path):
    rows = [row(0, prompt=f"p {at}") for at in range(1001)]
    corpus = laid(own(rows), tmp_path)
    assert corpus.clips["prompt_id"].nunique() == 1001
    assert corpus.clips["prompt_id"].str.len().unique().tolist() == [5]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"omq": 8}, "line 4: omq must be a number in 1..5"),
        ({"ta": "good"}, "line 4: ta must be a number in 1..5"),
        ({"prompt": ""}, "line 4: its prompt is blank"),
        ({"path": "none.wav"}, "line 4: .*none.wav' can't be found"),
        ({"path": ""}, "line 4: it names no sound file"),
        ({"split": "tset"}, "line 4: split must be one of train"),
    ],
)
def test_what_is_wrong_is_told_by_line_and_the_old_corpus_stays(own, tmp_path, change, told):
    whole = {"split": "train"}
    laid(own([row(at, **whole) for at in range(9)]), tmp_path)
    before = json.dumps(read_card(tmp_path / "data/raw"))
    rows = [row(at, **(change if at == 2 else whole)) for at in range(9)]
    rows[2] = whole | rows[2]
    with pytest.raises(ValueError, match=told):
        laid(own(rows), tmp_path)
    assert json.dumps(read_card(tmp_path / "data/raw")) == before


def test_all_wrong_rows_are_told_at_once(own, tmp_path):
    with pytest.raises(ValueError, match="3 problem"):
        laid(own([row(at, omq=9 if at < 3 else 3) for at in range(9)]), tmp_path)


def test_a_clip_in_two_splits_is_refused(own, tmp_path):
    rows = [row(at, split="train") for at in range(9)] + [row(8, split="test")]
    with pytest.raises(ValueError, match=r"clips/8\.mp3 is in the splits train and test"):
        laid(own(rows), tmp_path)


@pytest.mark.parametrize(
    ("choices", "told"),
    [
        ({"path": None}, "corpus.table.path must name your table"),
        ({"path": "/no/such.csv"}, "there is no /no/such.csv"),
        ({"audio": "/no/such"}, "corpus.table.audio must exist"),
        ({"columns": Columns(omq="mood")}, "corpus.table.columns.omq"),
        ({"protocol": "systems"}, "3 systems at least .* it has 1: set corpus.table.protocol"),
    ],
)
def test_a_wrong_choice_is_told_by_its_name(own, tmp_path, choices, told):
    rows = [row(at, system="one") for at in range(9)]
    given = {"path": str(own(rows))} | choices
    with pytest.raises(ValueError, match=told):
        lay_out(RatedTable(**given), tmp_path / "raw")


@pytest.mark.parametrize("missing", [("omq", "ta"), ("prompt",)])
def test_a_table_without_ratings_or_prompts_for_alignment_is_refused(own, tmp_path, missing):
    rows = [{k: v for k, v in row(at).items() if k not in missing} for at in range(9)]
    with pytest.raises(ValueError, match="must have a column of"):
        laid(own(rows), tmp_path)


@pytest.mark.parametrize("scale", ["5", "1-1", "one-five", "1..5"])
def test_a_scale_must_have_two_ends(scale):
    with pytest.raises(ValueError, match="scale"):
        RatedTable(scale=scale)


def test_silence_is_told_by_the_name_that_the_user_knows(own, tmp_path):
    path = own([row(at) for at in range(9)])
    soundfile.write(tmp_path / "clips/3.wav", np.zeros(8000), 16_000)
    with pytest.raises(ValueError, match=r"line 5: .*clips/3\.wav.*silent"):
        laid(path, tmp_path)


def test_a_musiceval_list_may_still_lack_nothing(own, tmp_path):
    laid(own([row(at) for at in range(9)]), tmp_path)
    raw = tmp_path / "data/raw"
    (raw / "CORPUS.json").write_text('{"name": "a corpus of the layout"}')
    listed = raw / "sets/train_mos_list.txt"
    listed.write_text(listed.read_text().replace(",4.0", ",-", 1))
    with pytest.raises(ValueError, match="label out of range"):
        read(raw)
