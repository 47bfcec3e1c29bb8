"""Lists of clips: csv, tsv and jsonl tables, and jsonl lines that come one by one."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from whisq.scoring.columns import Columns, find
from whisq.scoring.requests import Request, named, system_of

DELIMITERS = {".csv": ",", ".tsv": "\t"}
SUFFIXES = (*DELIMITERS, ".jsonl")
SHOWN = 20  # problems told at once; a wholly wrong list need not print a million
Given = Mapping[str, str | None]


def read_table(path: Path, given: Given | None = None) -> list[Request]:
    """Read a list of clips.

    A relative path is looked for beside the list, then in the working directory. A blank
    prompt means none.

    Args:
        path: A `.csv` or `.tsv` file with a header line, or a `.jsonl` file, in UTF-8.
        given: The user's choice of columns by field; see `columns.find`.

    Returns:
        The requests in the list's order, with the ids that it gives.

    Raises:
        ValueError: The list can't be read, has no clips or no columns that fit, or some of its
            lines are wrong; all wrong lines are told at once.
    """
    requests: list[Request] = []
    lines: dict[str, int] = {}
    problems = []
    try:
        for line, values in _lines(path, given or {}):
            try:
                request = _request(values, given or {}, path.parent)
                first = lines.setdefault(request.id, line) if request.id else line
                if first != line:
                    raise ValueError(f"id {request.id!r} stands on line {first} already")
                requests.append(request)
            except ValueError as problem:
                problems.append(f"line {line}: {problem}")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8 text ({error}): save it as UTF-8") from None
    except csv.Error as error:
        raise ValueError(f"{path} is not a readable table: {error}") from None
    if problems:
        told = "".join(f"\n  {problem}" for problem in problems[:SHOWN])
        more = f"\n  and {len(problems) - SHOWN} more" if len(problems) > SHOWN else ""
        raise ValueError(f"{path} has {len(problems)} problem(s):{told}{more}")
    if not requests:
        raise ValueError(f"{path} lists no clips: it needs a line a clip (a table, a header too)")
    return requests


def read_lines(lines: Iterable[str], given: Given | None = None) -> Iterator[Request]:
    """Read jsonl lines as they come, such as standard input's.

    Args:
        lines: One JSON object a line; blank lines are passed over. Relative paths are looked
            for in the working directory.
        given: The user's choice of keys by field; see `columns.find`.

    Yields:
        One request a line; its id is the line's own or the file's name.

    Raises:
        ValueError: A line is not such an object. What came before it has been yielded.
    """
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            yield named([_request(line, given or {}, Path())])[0]
        except ValueError as problem:
            raise ValueError(f"standard input, line {number}: {problem}") from None


def _lines(path: Path, given: Given) -> Iterator[tuple[int, str | dict[str, Any]]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        if path.suffix.lower() == ".jsonl":
            yield from ((n, line) for n, line in enumerate(file, start=1) if line.strip())
            return
        table = csv.DictReader(file, delimiter=DELIMITERS[path.suffix.lower()], strict=True)
        header = table.fieldnames or []
        try:
            find(header, given)
        except ValueError as problem:
            raise ValueError(f"{path}: {problem}") from None
        yield from ((table.line_num, row) for row in table)


def _request(values: str | dict[str, Any], given: Given, folder: Path) -> Request:
    row = _object(values) if isinstance(values, str) else values
    if None in row:
        raise ValueError("more fields than the header has: quote a prompt that has commas")
    columns = _columns(tuple(row), tuple(given.items()))
    path = _text(row, columns.path)
    if not path:
        raise ValueError(f"no path in column {columns.path!r}")
    found = _found(path, folder)
    return Request(
        id=_text(row, columns.id) or "",
        path=found,
        prompt=_text(row, columns.prompt),
        system=_text(row, columns.system) or system_of(found),
    )


def _found(path: str, folder: Path) -> Path:
    # os.path.exists answers False where Path.exists raises: a name too long, one with a null.
    beside = folder / path
    return Path(path) if os.path.exists(path) and not os.path.exists(beside) else beside


@lru_cache(maxsize=64)
def _columns(header: tuple[str, ...], given: tuple[tuple[str, str | None], ...]) -> Columns:
    return find(header, dict(given))


def _object(line: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON ({error})") from None
    if not isinstance(row, dict):
        raise ValueError(f'must be an object such as {{"path": "a.wav"}}, given {line.strip()}')
    return row


def _text(row: dict[str, Any], column: str | None) -> str | None:
    value = row.get(column) if column else None
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if not isinstance(value, str):
        raise ValueError(f"{column!r} must be text, given {value!r}")
    return value
