"""What `whisq score` writes is read again: by `whisq metrics`, and as a list to score."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whisq.evaluation.answers import read_scores
from whisq.names import key
from whisq.scores import Score
from whisq.scoring.requests import Request, read_table, written
from whisq.scoring.rows import Provenance, row_of, write_rows

LETTERS = "aé\n\r\t\v\f\x1c\x85\u2028\u2029,;|\"' \\#🎵"
ODD = st.text(st.sampled_from(LETTERS), min_size=1, max_size=12)
PROMPTS = st.none() | st.just("nan") | ODD | st.text(min_size=1, max_size=12)
SCORES = st.floats(1, 5)
TOLD = Provenance("m", "a" * 64, "w@c0", None, "t", "b" * 64, "0.1", "2.6")


@st.composite
def answered(draw):
    """Rows with odd prompts, some failed, at least one with a score; told where from or not."""
    rows, told = [], draw(st.sampled_from([None, TOLD]))
    whole = told and replace(told, seconds=3.0, source_rate=44100, peak_dbfs=-1.0)
    for number in range(draw(st.integers(1, 5))):
        request = Request(f"clip {number}", Path(f"in/{number}.wav"), draw(PROMPTS))
        if number and draw(st.booleans()):
            rows.append(row_of(request, error=draw(ODD) + "x", provenance=told))
        else:
            ta = None if request.prompt is None else draw(SCORES)
            score, note = Score(draw(SCORES), ta), draw(st.none() | ODD)
            rows.append(row_of(request, score, note, provenance=whole))
    return rows


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet", "txt"])
@settings(deadline=None)
@given(rows=answered())
def test_metrics_reads_what_score_writes(suffix, rows, tmp_path_factory):
    path = tmp_path_factory.mktemp("answer") / f"answer.{suffix}"
    if suffix == "txt":  # has one form of line
        rows = [row for row in rows if (row.ta is None) == (rows[0].ta is None)]
    write_rows(rows, path)
    read = read_scores(path, failed=True)
    scored = [row for row in rows if row.error is None]
    prompted = [row for row in scored if row.ta is not None]
    assert list(read.index) == [key(row.id) for row in prompted or scored]
    assert list(read["omq"]) == [row.omq for row in prompted or scored]
    if prompted:
        assert list(read["ta"]) == [row.ta for row in prompted]


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
@settings(deadline=None)
@given(names=st.lists(st.binary(min_size=1, max_size=8), min_size=1, max_size=4, unique=True))
def test_a_clip_of_any_name_is_found_by_the_row_that_was_written(suffix, names, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bytes")
    made = []
    for number, name in enumerate(names):
        plain = name.replace(b"/", b"-").replace(b"\0", b"-")
        path = folder / os.fsdecode(b"%d%s.wav" % (number, plain))
        path.touch()
        made.append(Request(str(number), path))
    write_rows([row_of(request, Score(3.0, None)) for request in made], folder / f"o.{suffix}")
    read = read_table(folder / f"o.{suffix}")
    assert [request.path for request in read] == [request.path for request in made]


def test_a_path_that_is_no_text_is_written_as_an_address():
    assert written(Path("/in/café, 1%.wav")) == "/in/café, 1%.wav"
    assert written(Path("/in/caf\udce9 1.wav")) == "file:///in/caf%E9%201.wav"
