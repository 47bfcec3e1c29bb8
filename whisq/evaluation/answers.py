"""Scores in files: anybody's answer file, MOS list or table of systems.

Files are read by `whisq.tables`; without a header their columns are the id, OMQ and, if there is a
third, TA.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from pandas import DataFrame

from whisq import tables
from whisq.names import key, system_and_prompt
from whisq.tables import Table, plain

COLUMNS = {
    "id": ["id", "file", "filename", "file_name", "name", "wav", "wavname", "clip", "path",
           "audio", "utt", "utt_id", "system"],
    "omq": ["omq", "overall", "overall_quality", "mi", "musical_impression", "quality", "mos"],
    "ta": ["ta", "textual", "textual_alignment", "alignment", "text_alignment"],
}  # fmt: skip
FOLDER = "folder"


def read_scores(
    path: str | Path,
    by: str | None = None,
    systems: bool = False,
    columns: Mapping[str, str | None] | None = None,
    failed: bool = False,
    option: str = "--{}-column",
) -> DataFrame:
    """Read scores and what their ids say.

    Args:
        path: The file; see `whisq.tables`.
        by: Where a clip's system is named: None reads it off ids such as `S001_P001`, `folder`
            takes the folder in the id, and anything else is a column of the file.
        systems: Whether the rows are systems, whose names are taken as they stand.
        columns: The user's choice of columns for `id`, `omq`, `ta`.
        failed: Whether the table is an answer, of which rows are left out that have no score: whose
            column `error` says why, or, beside such a column, that had no prompt.
        option: What the user names a column with, for messages.

    Returns:
        One row a clip, indexed by `key` of its id, in the file's order: `omq`, `ta` or one of
        them as float, `system` and `prompt`, None where unknown. Its `attrs["columns"]` tell which
        columns were read.

    Raises:
        ValueError: The file has no such columns, no rows, an id twice, or a score that is not a
            finite number; all of the rows are named.
    """
    table = tables.read(path)
    places = _places(table, by, columns or {}, option)
    rows = [row for row in table.rows if not (failed and _failed(table, row[1]))]
    axes = _axes(rows, places)
    if failed and _has_errors(table):
        # Of a clip without a prompt there is no alignment to judge.
        rows = [row for row in rows if all(row[1][places[axis]] is not None for axis in axes)]
    problems, found = [], {}
    for number, row in rows:
        name = (row[places["id"]] if len(row) > places["id"] else None) or ""
        clip = {
            axis: table.number(row[places[axis]] if len(row) > places[axis] else None)
            for axis in axes
        }
        bad = [axis for axis, value in clip.items() if value is None]
        problems += [f"row {number}: {axis} of {name!r} is not a finite number" for axis in bad]
        own = name if systems else key(name)
        if not own or own in found:
            problems.append(f"row {number}: id {name!r} is {'there twice' if own else 'blank'}")
        system, prompt = (None, None) if systems else _groups(own, name, by, row, places)
        found[own] = clip | {"system": system, "prompt": prompt}
    if problems:
        raise ValueError(tables.told(problems, str(path)))
    scores = DataFrame.from_dict(found, orient="index", columns=[*axes, "system", "prompt"])
    scores.attrs["columns"] = _used(table, places, axes)
    return scores.rename_axis("id")


def _places(
    table: Table, by: str | None, columns: Mapping[str, str | None], option: str
) -> dict[str, int]:
    width = max(len(row) for _, row in table.rows)
    if table.header is None:
        if any(columns.values()) or by not in (None, FOLDER):
            raise ValueError(f"{table.name} must have a header, to name a column of it")
        if not 2 <= width <= 3:
            raise ValueError(f"{table.name} has {width} column(s) and no header: give it one")
        return dict(zip(("id", "omq", "ta"), range(width), strict=False))
    usual = COLUMNS if by in (None, FOLDER) else COLUMNS | {"system": [plain(by)]}
    header = list(table.header)
    if by not in (None, FOLDER) and plain(by) not in map(plain, header):
        raise ValueError(f"{table.name} must have a header with a column {by!r} for --by")
    try:
        found = tables.find(header, usual, columns, around=("omq", "ta"), option=option)
    except ValueError as error:
        raise ValueError(f"{table.name}: {error}") from None
    if "id" not in found or not {"omq", "ta"} & set(found):
        wanted = "; ".join(f"{what}: {', '.join(names)}" for what, names in COLUMNS.items())
        raise ValueError(
            f"{table.name} must have an id and omq or ta, but its columns are "
            f"{', '.join(map(repr, header))}. Names that are known: {wanted}"
        )
    return {what: header.index(name) for what, name in found.items()}


def _has_errors(table: Table) -> bool:
    return "error" in map(plain, table.header or ())


def _failed(table: Table, row: tables.Cells) -> bool:
    names = [plain(name) for name in table.header or ()]
    return _has_errors(table) and row[names.index("error")] is not None


def _used(table: Table, places: Mapping[str, int], axes: list[str]) -> dict[str, str]:
    header = table.header or [f"column {place + 1}" for place in range(len(places))]
    return {what: header[places[what]] for what in ("id", *axes)}


def _axes(rows: list[tuple[int, tables.Cells]], places: Mapping[str, int]) -> list[str]:
    # A scorer that was given no prompts leaves the whole column blank: that axis is not there.
    axes = [axis for axis in ("omq", "ta") if axis in places]
    said = [
        axis
        for axis in axes
        if any(row[places[axis] :][:1] not in ((), (None,)) for _, row in rows)
    ]
    return said or axes


def _groups(
    own: str, name: str, by: str | None, row: tables.Cells, places: Mapping[str, int]
) -> tuple[str | None, str | None]:
    pair = system_and_prompt(own) or (None, None)
    if by == FOLDER:
        return PurePosixPath(name.replace("\\", "/")).parent.name or None, pair[1]
    if by is not None:
        return row[places["system"]], pair[1]
    return pair
