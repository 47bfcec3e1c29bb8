"""One reader of users' tables: the same rows in every form that they come in."""

import io
import json
import math
import sys

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from whisq import tables

HEADER = ("id", "prompt", "omq")
ROWS = [
    ("a", 'slow, "calm"\nthen loud', "3.5"),
    ("b", "Ünïcode\u2028🎵", "1.0"),
    ("7", None, "2.25"),
]


def quoted(delimiter, newline="\n", tail=""):
    def field(value):
        return "" if value is None else '"' + value.replace('"', '""') + '"'

    lines = [HEADER, *ROWS]
    return "".join(delimiter.join(map(field, line)) + tail + newline for line in lines)


def objects():
    return [dict(zip(HEADER, row, strict=True)) | {"omq": float(row[2])} for row in ROWS]


def as_parquet(rows):
    file = io.BytesIO()
    parquet.write_table(pa.Table.from_pylist(rows), file)
    return file.getvalue()


FORMS = {
    "comma.csv": quoted(",").encode(),
    "semicolon.csv": quoted(";").encode(),
    "tab.csv": quoted("\t").encode(),
    "tab.tsv": quoted("\t").encode(),
    "crlf.csv": quoted(",", "\r\n").encode(),
    "mark.csv": quoted(",").encode("utf-8-sig"),
    "utf16.csv": quoted(",").encode("utf-16"),
    "utf16.txt": quoted("\t", "\r\n").encode("utf-16"),
    "blank_rows.csv": (quoted(",") + ",,\n\n , ,\n").encode(),
    "blank_columns.csv": quoted(",", tail=",,").encode(),
    "lines.jsonl": "".join(json.dumps(row) + "\n\n" for row in objects()).encode(),
    "lines.ndjson": "".join(
        json.dumps(row, ensure_ascii=False) + "\n" for row in objects()
    ).encode(),
    "array.json": json.dumps(objects(), indent=1).encode(),
    "a.parquet": as_parquet(objects()),
}


@pytest.mark.parametrize("name", FORMS)
def test_every_form_says_the_same(tmp_path, name):
    (tmp_path / name).write_bytes(FORMS[name])
    table = tables.read(tmp_path / name)
    assert table.header == HEADER
    assert [values for _, values in table.rows] == ROWS


@pytest.mark.parametrize("nothing", ["", "  ", "nan", "NaN", "None", "null", "N/A", "NA", "<NA>"])
@pytest.mark.parametrize("form", ["csv", "jsonl", "json", "parquet"])
def test_a_cell_that_means_nothing_means_it_everywhere(tmp_path, nothing, form):
    rows = [{"path": "a.wav", "prompt": nothing}, {"path": "b.wav", "prompt": "nanny"}]
    content = {
        "csv": "path,prompt\n" + "".join(f"{row['path']},{row['prompt']}\n" for row in rows),
        "jsonl": "".join(json.dumps(row) + "\n" for row in rows),
        "json": json.dumps(rows),
    }.get(form)
    path = tmp_path / f"l.{form}"
    path.write_bytes(as_parquet(rows) if content is None else content.encode())
    assert [values for _, values in tables.read(path).rows] == [("a.wav", None), ("b.wav", "nanny")]


@pytest.mark.parametrize("value", [None, math.nan, float("nan")])
def test_a_missing_number_is_nothing(value):
    assert tables.cell(value) is None


@pytest.mark.parametrize("value", [[1], {"a": 1}, b"x"])
def test_a_cell_of_another_kind_is_refused(value):
    with pytest.raises(ValueError, match="must be text or a number"):
        tables.cell(value)


@pytest.mark.parametrize(
    ("text", "number"),
    [("1.5", 1.5), (" 2 ", 2.0), ("-1e-3", -0.001), (".5", 0.5), ("3.", 3.0)]
    + [(text, None) for text in ("1_1", "1,5", "nan", "inf", "0x1", "1.2.3", "", "one", "١")],
)
def test_a_number_is_what_people_write(text, number):
    assert tables.Table("t", None, []).number(text) == number


def test_a_comma_is_a_decimal_point_where_it_does_not_separate(tmp_path):
    path = tmp_path / "l.csv"
    path.write_text("id;omq\na;1,5\n")
    table = tables.read(path)
    assert table.number(table.rows[0][1][1]) == 1.5
    path.write_text("id,omq\na,1,5\n")
    with pytest.raises(ValueError, match="3 fields where the header has 2"):
        tables.read(path)


def test_lines_are_numbered_as_an_editor_numbers_them(tmp_path):
    path = tmp_path / "l.csv"
    path.write_text('id,prompt\n\na,"one\ntwo"\nb,three\n')
    assert [number for number, _ in tables.read(path).rows] == [3, 5]


@pytest.mark.parametrize(
    ("text", "header"),
    [
        ("S001_P001,4,3\n", None),
        ("S001_P001 4 3\n", None),
        ("S001_P001,nan,nan\nS002_P001,1,2\n", None),
        ("S001_P001,nan,3\n", None),
        ("id,omq,ta\na,1,2\n", ("id", "omq", "ta")),
        ("id,omq,ta,,\na,1,2,,\n", ("id", "omq", "ta")),
        (",id,omq\n0,a,1\n", ("", "id", "omq")),
    ],
)
def test_a_header_is_a_first_row_of_names(tmp_path, text, header):
    (tmp_path / "l.txt").write_text(text)
    assert tables.read(tmp_path / "l.txt").header == header


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("l.csv", b"", "it is empty"),
        ("l.csv", b"\n \n,,\n", "it is empty"),
        ("l.csv", b"id,omq\n", "a header alone"),
        ("l.csv", b"id\n\xe9\n", "save it as UTF-8"),
        ("l.csv", b'id,omq\na,"1\n', "not a readable table"),
        ("l.jsonl", b'{"id": 1}\n{"id": \n', "one JSON object a line; line 2"),
        ("l.jsonl", b"[1]\n", "array of objects"),
        ("l.json", b'{"id": 1}', "array of objects"),
        ("l.jsonl", b'{"id": [1]}\n', "text or a number"),
        ("l.parquet", b"PAR1", "parquet"),
    ],
)
def test_what_is_no_table_says_what_is_wanted(tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=words):
        tables.read(tmp_path / name)


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(ValueError, match="no_such"):
        tables.read(tmp_path / "no_such.csv")


def test_parquet_that_can_not_be_read_here_names_what_to_install(tmp_path, monkeypatch):
    (tmp_path / "l.parquet").write_bytes(FORMS["a.parquet"])
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(
        ValueError, match=r"l\.parquet needs pyarrow: pip install 'whisq\[parquet\]'"
    ):
        tables.read(tmp_path / "l.parquet")


USUAL = {"id": ("id", "clip_id"), "omq": ("omq", "mos"), "ta": ("ta",)}


@pytest.mark.parametrize(
    "header", [("ID", "Mos"), ("clip-id", "pred_mos"), ("x", "id", "omq_pred")]
)
def test_columns_are_found_by_their_usual_names(header):
    found = tables.find(header, USUAL, {}, needed=("id",), around=("omq",))
    assert set(found) == {"id", "omq"}


@pytest.mark.parametrize(
    "header",
    [("id", "mos", "pred_mos"), ("id", "omq", "omq_pred"), ("id", "mos_true", "mos_predicted")],
)
def test_truth_beside_a_prediction_is_told_apart_by_the_user_alone(header):
    with pytest.raises(ValueError, match="could each be the omq: say which with --omq-column"):
        tables.find(header, USUAL, {}, around=("omq",))
    assert tables.find(header, USUAL, {"omq": header[2]}, around=("omq",))["omq"] == header[2]


def test_a_column_of_the_fields_own_name_goes_before_its_other_names():
    usual = {"id": ("id", "path", "system")}
    assert tables.find(["path", "Id", "system"], usual, {}) == {"id": "Id"}
    assert tables.find(["path", "id"], usual, {"id": "path"}) == {"id": "path"}
    with pytest.raises(ValueError, match="'path' and 'system' could each be the id"):
        tables.find(["path", "system"], usual, {})


def test_all_that_is_wrong_with_columns_is_told_at_once():
    with pytest.raises(ValueError, match="--id-column") as error:
        tables.find(["omq", "mos", "mood"], USUAL, {"ta": "tone"}, needed=("id",), around=("omq",))
    for said in ("'omq' and 'mos'", "no column 'tone'", "'mood'", "--omq-column"):
        assert said in str(error.value)


@given(
    st.binary(max_size=300),
    st.sampled_from([".csv", ".txt", ".tsv", ".json", ".jsonl", ".parquet"]),
)
def test_bytes_of_any_kind_are_a_table_or_a_value_error(tmp_path_factory, data, suffix):
    path = tmp_path_factory.getbasetemp() / f"fuzz{suffix}"
    path.write_bytes(data)
    try:
        table = tables.read(path)
    except ValueError:
        return
    assert table.rows
    if table.header is not None:
        assert {len(values) for _, values in table.rows} == {len(table.header)}
