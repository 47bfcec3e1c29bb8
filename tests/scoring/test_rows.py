import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from whisq.scoring.requests import Request
from whisq.scoring.rows import Provenance, Row, form, row_of, summary, write_rows

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


TOLD = Provenance("m", "a" * 64, "w@c0", None, "t", "b" * 64, "0.1", "2.6")
WHOLE = replace(TOLD, seconds=31.0, seconds_heard=30.0, source_rate=44100, source_channels=2)


@pytest.mark.parametrize("suffix", READERS)
def test_every_form_holds_every_field_to_the_last_digit(suffix, tmp_path):
    write_rows(ROWS, tmp_path / f"out.{suffix}")
    table = READERS[suffix](tmp_path / f"out.{suffix}")
    assert list(table.columns) == [*ROWS[0].cells]
    for row, (_, read) in zip(ROWS, table.iterrows(), strict=True):
        for name, value in row.cells.items():
            missing = read[name] in {None, ""} or pd.isna(read[name])
            assert missing if value is None else read[name] == value


@pytest.mark.parametrize("suffix", READERS)
def test_where_a_score_comes_from_is_a_column_a_fact(suffix, tmp_path):
    rows = [replace(ROWS[0], provenance=WHOLE), replace(ROWS[2], provenance=TOLD)]
    write_rows(rows, tmp_path / f"out.{suffix}")
    table = READERS[suffix](tmp_path / f"out.{suffix}")
    assert list(table.columns) == [*rows[0].cells]
    assert table["audio_encoder"].tolist() == ["w@c0", "w@c0"]
    assert float(table["source_rate"][0]) == 44100
    assert pd.isna(table["source_rate"][1]) or table["source_rate"][1] == ""


def test_a_row_comes_back_from_its_cells():
    for row in (*ROWS, replace(ROWS[0], provenance=WHOLE)):
        assert Row.of_cells(row.cells) == row


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
    with pytest.raises(AttributeError):
        write_rows([ROWS[0], None], tmp_path / "out.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]
    assert (tmp_path / "out.csv").read_text() == "before"


def test_an_unknown_form_is_refused():
    with pytest.raises(ValueError, match=r"must end in one of \.csv"):
        form(Path("out.xlsx"))


def test_a_row_can_be_written_whatever_its_request_holds():
    row = row_of(Request("\udcff", Path("\udcff.wav"), "half \ud83d"), error="no")
    assert json.loads(row.json().encode())["prompt"] == "half ?"


def _told(scores):
    """Mean and margin, as people read them."""
    rows = [Row(str(n), "a.wav", None, "S", score, None) for n, score in enumerate(scores)]
    mean, _, margin = summary(rows).splitlines()[1].split()[3:6]
    return float(mean), float(margin)


def test_the_interval_is_students():
    scores = np.random.default_rng(0).normal(3, 1, 12)
    mean, margin = _told(scores)
    low, high = stats.t.interval(0.95, 11, scores.mean(), stats.sem(scores))
    assert (mean - margin, mean + margin) == pytest.approx((low, high), abs=0.01)


def test_intervals_hold_the_true_mean_as_often_as_they_say():
    noise = np.random.default_rng(1)
    means = [_told(noise.normal(3, 1, 5)) for _ in range(2000)]
    held = np.mean([abs(mean - 3) <= margin for mean, margin in means])
    assert held == pytest.approx(0.95, abs=0.02)


@pytest.mark.parametrize(("scores", "said"), [([], "-"), ([3.0], "3.00"), ([2, 2], "2.00 ± 0.00")])
def test_too_few_scores_promise_no_interval(scores, said):
    rows = [Row(str(n), "a.wav", None, "S", score, score) for n, score in enumerate(scores)]
    rows = rows or [Row("a", "a.wav", None, "S", None, None, error="silent")]
    assert summary(rows).splitlines()[1].split("  ")[-1].strip() == said


def test_failed_and_nameless_clips_are_counted_where_they_belong():
    rows = [
        Row("a", "a.wav", "p", "S002", 4.0, 2.0),
        Row("b", "b.wav", "p", "S002", None, None, error="silent"),
        Row("c", "c.wav", None, None, 3.0, None),
    ]
    lines = [line.split() for line in summary(rows).splitlines()]
    assert lines[0][:3] == ["system", "clips", "failed"]
    assert lines[1:] == [["-", "1", "0", "3.00", "-"], ["S002", "2", "1", "4.00", "2.00"]]
