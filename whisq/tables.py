"""Users' lists and tables: one reader of files, of cells and of column names.

Read are csv and its kin (comma, semicolon or tab; .txt also spaces), with or without a header,
with a byte-order mark or in UTF-16 as Excel writes them; .jsonl and .ndjson (an object a line),
.json (an array of objects), .parquet. Blank rows are passed over. A row that is longer than its
header is an error: commas in it were not quoted, or stand for decimal points.

A cell that means nothing (blank, `nan`, `None`, `null`, `N/A`, `NA`) is None, in every format.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from whisq.extras import require

NOTHING = {"", "nan", "none", "null", "n/a", "na", "<na>", "nat"}
SUFFIXES = (".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".parquet")
MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
USUAL = {
    "path": ("path", "file", "filename", "file_name", "filepath", "file_path", "audio",
             "audio_path", "audio_filepath", "wav", "wav_path", "clip"),
    "prompt": ("prompt", "text", "caption", "description"),
    "id": ("id", "clip_id", "utt_id", "utterance", "key"),
    "system": ("system", "system_id", "sys", "model"),
    "omq": ("omq", "overall", "overall_quality", "mi", "musical_impression", "quality", "mos"),
    "ta": ("ta", "textual", "textual_alignment", "alignment", "text_alignment"),
}  # fmt: skip
"""Names that a column of clips usually has, by what it holds."""
SHOWN = 20  # problems told at once; a wholly wrong list need not print a million
# What stands beside an axis's name where a table holds truth and predictions together.
AROUND = {"pred", "prediction", "predicted", "predictions", "est", "estimate", "estimated", "hat"}
AROUND |= {"true", "truth", "gt", "target", "label", "gold", "human", "listener", "listeners"}
AROUND |= {"mean", "avg", "average", "score", "rating", "model"}

Cells = tuple[str | None, ...]


@dataclass(frozen=True)
class Table:
    """A file's rows as text.

    Attributes:
        name: What to call it in messages.
        header: Names of the columns as they stand, None where there is no header.
        rows: The number of each row (its line, from 1) and its cells, as many in each row; None
            means nothing.
        comma: Whether a comma can be a decimal point: it does not separate fields.
    """

    name: str
    header: tuple[str, ...] | None
    rows: list[tuple[int, Cells]]
    comma: bool = False

    def number(self, text: str | None) -> float | None:
        """Return the number in a cell, None for what is not a finite one."""
        plain = (text or "").strip()
        return number(plain.replace(",", ".") if self.comma else plain)


def read(path: str | Path, headed: bool | None = None) -> Table:
    """Return a file's rows.

    Args:
        path: See the module.
        headed: Whether its first row is a header; None: unless a number stands in it.

    Raises:
        ValueError: It can't be read, is empty, or some rows are longer than the header, all of
            which are named.
    """
    try:
        table = _read(Path(path), headed)
    except UnicodeError as error:
        raise ValueError(f"{path} is no text in UTF-8 ({error}): save it as UTF-8") from None
    except OSError as error:
        raise ValueError(f"{path} can't be read: {error}") from None
    if not table.rows:
        what = "has a header alone" if table.header else "is empty"
        raise ValueError(f"{path} must have a row at least; it {what}")
    return table


def text_of(path: Path) -> str:
    """Return a file's text: UTF-8 with or without a byte-order mark, or UTF-16 with one."""
    data = path.read_bytes()
    encoding = next((MARKS[mark] for mark in MARKS if data.startswith(mark)), "utf-8")
    return data.decode(encoding)


def lines_of(text: str) -> Iterable[tuple[int, str]]:
    """Return a text's lines with their numbers, from 1."""
    # Not splitlines: a prompt may hold a character that it takes for the end of a line.
    return enumerate(text.split("\n"), start=1)


def cell(value: Any) -> str | None:
    """Return a value as a cell's text, None where it means nothing.

    Raises:
        ValueError: It is neither text, a number, a truth value nor None.
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if not isinstance(value, str | int | float):
        raise ValueError(f"a field must be text or a number, given {value!r:.60}")
    text = str(value)
    return None if text.strip().lower() in NOTHING else text


def number(text: str) -> float | None:
    """Return the number that people write so, None for what is not a finite one."""
    # float() alone takes 1_1 for 11.
    value = float(text) if NUMBER.fullmatch(text) else math.nan
    return value if math.isfinite(value) else None


def object_of(line: str) -> dict[str, Any]:
    """Return a line of JSON as the object that it must be.

    Raises:
        ValueError: The line is not one.
    """
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON ({error})") from None
    if not isinstance(row, dict):
        raise ValueError(f'must be an object such as {{"path": "a.wav"}}, given {line.strip():.60}')
    return row


def plain(name: Any) -> str:
    """Return a column's name as spellings agree: `Overall-Quality` is `overall_quality`."""
    return re.sub(r"[\s-]+", "_", str(name).strip().lower())


def find(
    header: Sequence[str],
    usual: Mapping[str, Sequence[str]],
    given: Mapping[str, str | None],
    needed: Sequence[str] = (),
    around: Sequence[str] = (),
    option: str = "--{}-column",
) -> dict[str, str]:
    """Return the column of each field that a table has: by its usual names, or the user's word.

    Args:
        header: The column names.
        usual: By field the names that it usually has, in any case; its own name goes before.
        given: The user's own choice by field; None or absent leaves it to the usual names.
        needed: Fields that must be there.
        around: Fields whose names may also have words like `pred` or `true` beside them, as
            `mos` and `pred_mos` have: two such columns in a table are told apart by the user.
        option: What the user says so with, `{}` standing for the field.

    Raises:
        ValueError: A given or needed column is not there, or two could be meant. All such
            problems are named at once, with the columns that there are.
    """
    found: dict[str, str] = {}
    problems = []
    for field, names in usual.items():
        wanted, said = given.get(field), option.format(field)
        if wanted is not None:
            fitting = [name for name in header if name == wanted]
            fitting = fitting or [name for name in header if plain(name) == plain(wanted)]
            if not fitting:
                problems.append(f"there is no column {wanted!r}, asked for by {said}")
        else:
            fitting = _fitting(header, field, names, field in around)
            if len(fitting) > 1:
                both = " and ".join(map(repr, fitting))
                problems.append(f"{both} could each be the {field}: say which with {said}")
            elif not fitting and field in needed:
                problems.append(
                    f"no column is named as a {field} usually is ({', '.join(names[:3])}, ...): "
                    f"add a header line, or name the column with {said}"
                )
        if len(fitting) == 1:
            found[field] = fitting[0]
    if problems:
        columns = ", ".join(map(repr, header)) or "none"
        raise ValueError("; ".join(problems) + f". The columns are: {columns}.")
    return found


def told(problems: Sequence[str], name: str) -> str:
    """Return one message of many problems, a sentence each, and of what has them."""
    return f"{name} has {len(problems)} problem(s); mend them:\n{listed(problems)}"


def listed(lines: Sequence[str]) -> str:
    """Return a list that may be long as lines, the first few."""
    more = [f"and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else []
    return "\n".join(f"  {line}" for line in [*lines[:SHOWN], *more])


def _fitting(header: Sequence[str], field: str, names: Sequence[str], around: bool) -> list[str]:
    fitting = [name for name in header if plain(name) in names]
    if not around:
        # `id` beside `path` and `system` is the id.
        return [name for name in fitting if plain(name) == field] or fitting
    return [name for name in header if name in fitting or _without(plain(name)) in names]


def _without(name: str) -> str:
    return "_".join(word for word in name.split("_") if word not in AROUND)


def _read(path: Path, headed: bool | None) -> Table:
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        return _of_objects(path, enumerate(_parquet(path), 1))
    text = text_of(path)
    start = text.lstrip()[:1]
    if suffix == ".json" or start == "[":
        return _of_objects(path, enumerate(_array(text, path), 1))
    if suffix in {".jsonl", ".ndjson"} or start == "{":
        return _of_objects(path, _lines(text, path))
    return _delimited(text, path, headed)


def _parquet(path: Path) -> list[dict[str, Any]]:
    require("parquet", "pyarrow", by=str(path))
    from pyarrow import ArrowInvalid, parquet

    try:
        return parquet.read_table(path).to_pylist()
    except ArrowInvalid as error:
        raise ValueError(f"{path} is not readable as parquet: {error}") from None


def _array(text: str, path: Path) -> list[dict[str, Any]]:
    try:
        rows = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"{path} must be an array of objects: {error}") from None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ValueError(f'{path} must be an array of objects: [{{"path": "a.wav"}}, ...]')
    return rows


def _lines(text: str, path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    for line_number, line in lines_of(text):
        if line.strip():
            try:
                yield line_number, object_of(line)
            except ValueError as error:
                raise ValueError(
                    f"{path} must have one JSON object a line; line {line_number}: {error}"
                ) from None


def _of_objects(path: Path, objects: Iterable[tuple[int, dict[str, Any]]]) -> Table:
    numbered = list(objects)
    header = tuple(dict.fromkeys(key for _, row in numbered for key in row))
    rows, problems = [], []
    for place, row in numbered:
        try:
            rows.append((place, tuple(cell(row.get(key)) for key in header)))
        except ValueError as error:
            problems.append(f"row {place}: {error}")
    if problems:
        raise ValueError(told(problems, str(path)))
    return Table(str(path), header, rows)


def _delimited(text: str, path: Path, headed: bool | None) -> Table:
    start = next((line for _, line in lines_of(text) if line.strip()), "")
    delimiter = _delimiter(start, path.suffix.lower())
    rows = list(_fields(text, delimiter, path))
    table = Table(str(path), None, rows, comma=delimiter in {";", "\t"})
    first = rows[0][1] if rows else ()
    if headed is None:
        # A first row of blanks and NaN has no names in it either.
        values = [value.strip().lower() for value in first[1:] if value is not None]
        headed = bool(values) and not any(
            value in {"inf", "-inf"} or table.number(value) is not None for value in values
        )
    if headed:
        named = max((place for place, name in enumerate(first, 1) if name is not None), default=0)
        header, rows, width = tuple(name or "" for name in first[:named]), rows[1:], named
        problems = [
            f"line {line}: {len(values)} fields where the header has {width}: quote a field "
            "that has commas in it, and write decimals with a point"
            for line, values in rows
            if any(value is not None for value in values[width:])
        ]
        if problems:
            raise ValueError(told(problems, str(path)))
    else:
        header, width = None, max((len(values) for _, values in rows), default=0)
    padded = [(line, (*values, *[None] * width)[:width]) for line, values in rows]
    return Table(str(path), header, padded, table.comma)


def _delimiter(line: str, suffix: str) -> str | None:
    counts = {mark: line.count(mark) for mark in "\t;,"}
    if suffix == ".tsv" or counts["\t"]:
        return "\t"
    if not any(counts.values()):
        return "," if suffix == ".csv" else None
    return ";" if counts[";"] and (counts[";"] >= counts[","] or suffix != ".csv") else ","


def _fields(text: str, delimiter: str | None, path: Path) -> Iterator[tuple[int, Cells]]:
    if delimiter is None:
        split = ((line_number, line.split()) for line_number, line in lines_of(text))
    else:
        split = _quoted(text, delimiter, path)
    for line, values in split:
        row = tuple(map(cell, values))
        if any(value is not None for value in row):
            yield line, row


def _quoted(text: str, delimiter: str, path: Path) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    begins = 1
    try:
        for values in reader:
            yield begins, values
            begins = reader.line_num + 1
    except csv.Error as error:
        raise ValueError(f"{path} is not a readable table: line {begins}: {error}") from None
