import json

import pytest

from whisq.evaluation.answers import read_scores

ROWS = [("S001_P001", 4.2, 3.0), ("S002_P001", 1.0, 2.6)]


def write(tmp_path, text, name="answer.txt"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "text",
    [
        "audiomos2025-track1-S001_P001.wav,4.2,3.0\naudiomos2025-track1-S002_P001.wav,1.0,2.6\n",
        "S001_P001\t4.2\t3\r\nS002_P001\t1\t2.6\r\n\r\n",
        "S001_P001 4.2 3\nS002_P001 1 2.6",
        "\ufeffid,omq,ta\nout/x-S001_P001.flac,4.2,3\nS002_P001,1,2.6\n",
        "TA;path;Overall Quality;seconds\n3;S001_P001;4.2;9\n2.6;S002_P001;1;8\n",
        '{"ta": 3, "id": "S001_P001", "omq": 4.2}\n{"id": "S002_P001", "omq": 1, "ta": 2.6}\n',
        'file,prompt,overall,textual\nS001_P001,"loud, then soft",4.2,3\nS002_P001,,1,2.6\n',
    ],
    ids=["challenge", "tabs", "spaces", "mark", "names", "jsonl", "quotes"],
)
def test_scores_are_read_in_any_form(tmp_path, text):
    table = read_scores(write(tmp_path, text))
    assert list(zip(table.index, table["omq"], table["ta"], strict=True)) == ROWS
    assert table["system"].tolist() == ["S001", "S002"]
    assert table["prompt"].tolist() == ["P001", "P001"]


def test_one_axis_is_enough(tmp_path):
    assert "ta" not in read_scores(write(tmp_path, "S001_P001,4.2\n"))
    assert "omq" not in read_scores(write(tmp_path, "id,ta\nS001_P001,4.2\n"))


def test_a_column_that_is_blank_throughout_is_no_axis_and_a_blank_field_is_an_error(tmp_path):
    table = read_scores(write(tmp_path, "id,omq,ta\nS001_P001,4,\nS002_P001,3,\n"))
    assert "ta" not in table
    lines = [json.dumps({"id": f"S00{n}_P001", "omq": n, "ta": None}) for n in (1, 2)]
    assert "ta" not in read_scores(write(tmp_path, "\n".join(lines)))
    with pytest.raises(ValueError, match="row 3: ta"):
        read_scores(write(tmp_path, "id,omq,ta\nS001_P001,4,3\nS002_P001,3,\n"))


def test_systems_of_other_data_sets_are_found_by_folder_or_by_column(tmp_path):
    folders = write(tmp_path, "musicgen/1.wav,3\nriffusion/1.wav,2\n")
    assert read_scores(folders, by="folder")["system"].tolist() == ["musicgen", "riffusion"]
    column = write(tmp_path, "id,Model Name,omq\na,x,3\nb,y,2\n")
    assert read_scores(column, by="model name")["system"].tolist() == ["x", "y"]
    assert read_scores(folders)["system"].isna().all()
    with pytest.raises(ValueError, match="column 'model' for --by"):
        read_scores(folders, by="model")


def test_systems_are_read_by_their_names(tmp_path):
    table = read_scores(write(tmp_path, "S001,4.5,3\nmy.model,2,1\n"), systems=True)
    assert table.index.tolist() == ["S001", "my.model"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "it is empty"),
        ("a,b,3,4\n", "4 column"),
        ("colour,omq\nred,3\n", "must have an id"),
        ("id,prompt\nx,y\n", "must have an id and omq or ta"),
        ('{"id": "x", "omq": 1}\n{"id": \n', "one JSON object a line"),
        ("id,omq,ta\n", "a header alone"),
    ],
)
def test_a_file_of_another_form_is_refused_with_what_is_wanted(tmp_path, text, message):
    with pytest.raises(ValueError, match=message):
        read_scores(write(tmp_path, text))


def test_every_faulty_row_is_named_at_once(tmp_path):
    rows = ["S001_P001,1,2", "x-S001_P001.wav,1,2", "S002_P001,nan,2", "S003_P001,3,", ",1,2"]
    with pytest.raises(ValueError, match="4 problem") as error:
        read_scores(write(tmp_path, "\n".join([*rows, "S004_P001,2,1"])))
    for part in ("row 2: id 'x-S001_P001.wav' is there twice", "row 3: omq", "row 4: ta", "blank"):
        assert part in str(error.value)


def test_a_nan_in_the_first_row_is_no_header(tmp_path):
    with pytest.raises(ValueError, match="row 1: omq of 'S001_P001'"):
        read_scores(write(tmp_path, "S001_P001,nan,nan\nS002_P001,1,2\n"))


def test_a_score_of_null_is_no_number(tmp_path):
    lines = [json.dumps({"id": f"S00{n}_P001", "omq": n or None, "ta": 3}) for n in (0, 1)]
    with pytest.raises(ValueError, match="omq of 'S000_P001'"):
        read_scores(write(tmp_path, "\n".join(lines)))


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(ValueError, match="can't be read"):
        read_scores(tmp_path / "none.csv")
