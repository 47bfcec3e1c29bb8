import json
from pathlib import Path

import pandas as pd
import pytest

from whisq.scoring.requests import Request
from whisq.scoring.rows import Row, form, row_of, write_rows

ROWS = [
    Row("a", "in/a.wav", 'slow, "calm"\nwaltz 🎵', "S001", 3.123456789012345, 1 / 3),
    Row("b", "in/b.wav", None, None, 2.5, None, note="only the first 30 s"),
    Row("c", "in/c.wav", "NA", None, None, None, error="silent"),
]
READERS = {
    "csv": lambda path: pd.read_csv(path, keep_default_na=False, na_values={"omq": "", "ta": ""}),
    "jsonl": lambda path: pd.read_json(path, lines=True, dtype=False, precise_float=True),
    "parquet": pd.read_parquet,
}


@pytest.mark.parametrize("suffix", READERS)
def test_every_form_holds_every_field_to_the_last_digit(suffix, tmp_path):
    write_rows(ROWS, tmp_path / f"out.{suffix}")
    table = READERS[suffix](tmp_path / f"out.{suffix}")
    assert list(table.columns) == [*vars(ROWS[0])]
    for row, (_, read) in zip(ROWS, table.iterrows(), strict=True):
        for name, value in vars(row).items():
            missing = read[name] in {None, ""} or pd.isna(read[name])
            assert missing if value is None else read[name] == value


def test_a_column_that_is_empty_throughout_keeps_its_type(tmp_path):
    write_rows(ROWS[2:], tmp_path / "out.parquet")
    assert pd.read_parquet(tmp_path / "out.parquet").dtypes["omq"].kind == "f"


def test_an_answer_file_lists_the_clips_that_have_a_score(tmp_path):
    write_rows([ROWS[0], ROWS[2]], tmp_path / "answer.txt")
    assert (tmp_path / "answer.txt").read_bytes() == b"a,3.123456789012345,0.3333333333333333\r\n"
    write_rows(ROWS[1:], tmp_path / "answer.txt")
    assert (tmp_path / "answer.txt").read_text() == "b,2.5\n"


def test_a_file_is_replaced_as_a_whole_or_stays(tmp_path):
    (tmp_path / "out.csv").write_text("before")
    with pytest.raises(TypeError):
        write_rows([ROWS[0], None], tmp_path / "out.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]
    assert (tmp_path / "out.csv").read_text() == "before"


def test_an_unknown_form_is_refused():
    with pytest.raises(ValueError, match=r"must end in one of \.csv"):
        form(Path("out.xlsx"))


def test_a_row_can_be_written_whatever_its_request_holds():
    row = row_of(Request("\udcff", Path("\udcff.wav"), "half \ud83d"), error="no")
    assert json.loads(row.json().encode())["prompt"] == "half ?"
