"""Scores in files: anybody's answer file, MOS list or table of systems.

A file is csv, tsv, txt (any of comma, tab, semicolon, spaces) or jsonl, with or without a header.
Without one its columns are the id, OMQ and, if there is a third, TA.
"""

from __future__ import annotations

import csv
import json
import math
import re
from pathlib import Path, PurePosixPath
from typing import Any

from pandas import DataFrame

from whisq.corpus.rows import system_and_prompt

COLUMNS = {
    "id": ["id", "file", "filename", "file_name", "name", "wav", "wavname", "clip", "path",
           "audio", "utt", "utt_id", "system"],
    "omq": ["omq", "overall", "overall_quality", "mi", "musical_impression", "quality", "mos"],
    "ta": ["ta", "textual", "textual_alignment", "alignment", "text_alignment"],
}  # fmt: skip
SOUND = re.compile(r"\.(wav|flac|ogg|mp3|opus|m4a)$", re.IGNORECASE)
FOLDER = "folder"
SHOWN = 10  # of a long list of faulty rows or ids


def read_scores(path: str | Path, by: str | None = None, systems: bool = False) -> DataFrame:
    """Read scores and what their ids say.

    Args:
        path: The file.
        by: Where a clip's system is named: None reads it off ids such as `S001_P045`, `folder`
            takes the folder in the id, and anything else is a column of the file.
        systems: Whether the rows are systems, whose names are taken as they stand.

    Returns:
        One row a clip, indexed by `key` of its id, in the file's order: `omq`, `ta` or one of
        them as float, `system` and `prompt`, None where unknown.

    Raises:
        ValueError: The file has no such columns, no rows, an id twice, or a score that is not a
            finite number; all of the rows are named.
    """
    header, rows = _table(Path(path))
    places = _places(header, rows[0][1], path, by)
    axes = _axes(rows, places)
    problems, found = [], {}
    for number, row in rows:
        name = row[places["id"]] if len(row) > places["id"] else ""
        clip = {axis: _number(row, places[axis]) for axis in axes}
        bad = [axis for axis, value in clip.items() if value is None]
        problems += [f"row {number}: {axis} of {name!r} is not a finite number" for axis in bad]
        own = name if systems else key(name)
        if not own or own in found:
            problems.append(f"row {number}: id {name!r} is {'there twice' if own else 'blank'}")
        system, prompt = (None, None) if systems else _groups(own, name, by, row, places)
        found[own] = clip | {"system": system, "prompt": prompt}
    if problems:
        raise ValueError(f"{path} has {len(problems)} problem(s); mend them:\n{listed(problems)}")
    return DataFrame.from_dict(found, orient="index").rename_axis("id")


def key(name: str) -> str:
    """Bring a clip's name to the form in which files agree.

    Args:
        name: Such as `audiomos2025-track1-S001_P045.wav`, or a path of any other form.

    Returns:
        `S001_P045`, whatever the folder, prefix and ending; of other names the path without
        ending.
    """
    path = PurePosixPath(SOUND.sub("", name.strip().replace("\\", "/")))
    pair = system_and_prompt(path.name)
    return "_".join(pair) if pair else str(path) if name.strip() else ""


def listed(lines: list[str]) -> str:
    """Write a list that may be long.

    Args:
        lines: What to list.

    Returns:
        One line each, the first few.
    """
    more = [f"and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else []
    return "\n".join(f"  {line}" for line in lines[:SHOWN] + more)


def _table(path: Path) -> tuple[list[str] | None, list[tuple[int, list[str]]]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} must be a text file of scores: {error}") from None
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    if not lines:
        raise ValueError(f"{path} must have a row of scores at least; it is empty")
    if lines[0][1].lstrip().startswith("{"):
        return _objects(path, lines)
    separator = next((mark for mark in "\t,;" if mark in lines[0][1]), None)
    rows = [(number, _fields(line, separator)) for number, line in lines]
    if any(_is_number(field) for field in rows[0][1][1:]):
        return None, rows
    if not rows[1:]:
        raise ValueError(f"{path} must have a row of scores at least; it has a header alone")
    return [_plain(name) for name in rows[0][1]], rows[1:]


def _objects(path: Path, lines: list[tuple[int, str]]) -> tuple:
    try:
        rows = [(number, json.loads(line)) for number, line in lines]
    except json.JSONDecodeError as error:
        raise ValueError(f"{path} must have one JSON object a line: {error}") from None
    names = list(dict.fromkeys(name for _, row in rows for name in row))
    filled = [
        (number, ["" if row.get(name) is None else str(row[name]) for name in names])
        for number, row in rows
    ]
    return [_plain(name) for name in names], filled


def _fields(line: str, separator: str | None) -> list[str]:
    if separator is None:
        return line.split()
    # A tail of separators is litter; a blank field in the middle is a missing score.
    return [
        field.strip()
        for field in next(csv.reader([line.rstrip(f"{separator} ")], delimiter=separator))
    ]


def _places(
    header: list[str] | None, first: list[str], path: str | Path, by: str | None
) -> dict[str, int]:
    places = dict(zip(("id", "omq", "ta"), range(len(first)), strict=False))
    if header is not None:
        places = {
            what: next(header.index(name) for name in names if name in header)
            for what, names in COLUMNS.items()
            if set(names) & set(header)
        }
    elif not 2 <= len(first) <= 3:
        raise ValueError(f"{path} has {len(first)} column(s) and no header: give it one")
    if by not in (None, FOLDER):
        if header is None or _plain(by) not in header:
            raise ValueError(f"{path} must have a header with a column {by!r} for --by")
        places["system"] = header.index(_plain(by))
    if "id" not in places or len({"omq", "ta"} & set(places)) == 0:
        wanted = "; ".join(f"{what}: {', '.join(names)}" for what, names in COLUMNS.items())
        raise ValueError(f"{path} must have an id and omq or ta. Names that are known: {wanted}")
    return places


def _axes(rows: list[tuple[int, list[str]]], places: dict[str, int]) -> list[str]:
    # A scorer that was given no prompts leaves the whole column blank: that axis is not there.
    axes = [axis for axis in ("omq", "ta") if axis in places]
    return [
        axis for axis in axes if any(row[places[axis] :][:1] not in ([], [""]) for _, row in rows)
    ] or axes


def _groups(own: str, name: str, by: str | None, row: list[str], places: dict) -> tuple:
    pair = system_and_prompt(own) or (None, None)
    if by == FOLDER:
        return PurePosixPath(name.replace("\\", "/")).parent.name or None, pair[1]
    if by is not None:
        return (row[places["system"]] if len(row) > places["system"] else None) or None, pair[1]
    return pair


def _number(row: list[str], place: int) -> float | None:
    if place >= len(row) or not _is_number(row[place]):
        return None
    return float(row[place]) if math.isfinite(float(row[place])) else None


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _plain(name: Any) -> str:
    return re.sub(r"[\s-]+", "_", str(name).strip().lower())
