"""Anybody's scores judged, from files: what `whisq metrics` does.

An answer file, a MOS list and a table of systems are read by `whisq.tables`; without a header
their columns are the id, OMQ and, if there is a third, TA.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from pandas import DataFrame

from whisq import tables
from whisq.evaluation.floors import FLOORS
from whisq.evaluation.intervals import compare, intervals
from whisq.evaluation.judge import levels, rounded
from whisq.evaluation.metrics import AXES, evaluate
from whisq.files import tell
from whisq.names import key, system_and_prompt
from whisq.tables import Table, listed, plain

COLUMNS = {
    "id": ["id", "file", "filename", "file_name", "name", "wav", "wavname", "clip", "path",
           "audio", "utt", "utt_id", "system"],
    **{axis: list(tables.USUAL[axis]) for axis in AXES},
}  # fmt: skip
FOLDER = "folder"
FLOOR = "floor:"


@dataclass(frozen=True)
class Command:
    """A call of `whisq metrics`, whose help says what each option means.

    Attributes:
        answer: A file of scores, or `floor:` and a floor's name.
        by: Where systems are named; see `read_scores`.
        allow_missing: Whether clips that only one file has are left out, not refused.
        columns: The user's choice of ANSWER's columns for `id`, `omq`, `ta`.
        truth_columns: The same of TRUTH.
    """

    answer: str
    truth: Path
    system_truth: Path | None
    by: str | None
    against: str | None
    train: Path | None
    allow_missing: bool
    resamples: int
    seed: int
    columns: Mapping[str, str | None]
    truth_columns: Mapping[str, str | None]


def figures(command: Command) -> dict[str, Any]:
    """Evaluate an answer.

    Returns:
        `utt` and `sys` (axis by axis the four metrics), `n_clips`, `n_systems`, `system_truth`,
        `missing` and `extra` (how many clips were left out), `intervals`; with `train` also
        `floors`, with `against` also `against`.

    Raises:
        ValueError: A comparison is asked for without resamples, a file is wrong, or files lack
            clips or have others, and may not.
    """
    if command.against and not command.resamples:
        raise ValueError("--against compares on resamples: give --resamples 1 or more")
    told = {"columns": command.truth_columns, "option": "--truth-{}-column"}
    truth = read_scores(command.truth, command.by, **told)
    _say_columns(command.truth, truth)
    train = read_scores(command.train, command.by) if command.train else None
    systems = read_scores(command.system_truth, systems=True) if command.system_truth else None
    names = [name for name in (command.answer, command.against) if name]
    answers = [_answer(name, truth, train, command.columns) for name in names]
    truth, answers, left = _matched(truth, dict(zip(names, answers, strict=True)), command)
    draws = (command.resamples, command.seed, systems)
    result = evaluate(truth, answers[0], systems) | left
    result["intervals"] = intervals(truth, answers[0], *draws) if command.resamples else {}
    if train is not None:
        result["floors"] = {
            name: levels(truth, floor(train, truth), systems)
            for name, floor in FLOORS.items()
            if name != "gold_omq" or "omq" in truth
        }
    if len(answers) > 1:
        result["against"] = compare(truth, *answers, *draws)
    return rounded(result)


def _matched(
    truth: DataFrame, answers: dict[str, DataFrame], command: Command
) -> tuple[DataFrame, list[DataFrame], dict[str, int]]:
    # The clips that all files have, and how many an answer lacks or no MOS list has.
    problems, left = [], {"missing": 0, "extra": 0}
    shared = truth.index
    for name, answer in answers.items():
        gone, more = truth.index.difference(answer.index), answer.index.difference(truth.index)
        shared = shared.intersection(answer.index, sort=False)
        left = {"missing": left["missing"] + len(gone), "extra": left["extra"] + len(more)}
        for what, ids in (("lacks", gone), ("has, but the MOS list has not,", more)):
            if len(ids):
                problems.append(f"{name} {what} {len(ids)} clip(s):\n{listed(list(ids))}")
    if problems and not command.allow_missing:
        text = "\n".join(problems)
        raise ValueError(f"{text}\nmend the ids, or score the others with --allow-missing")
    if shared.empty:
        raise ValueError(f"no id is in both: {truth.index[0]!r} in the MOS list, say")
    return truth.loc[shared], [answer.loc[shared] for answer in answers.values()], left


def read_scores(
    path: str | Path,
    by: str | None = None,
    systems: bool = False,
    columns: Mapping[str, str | None] | None = None,
    failed: bool = False,
    option: str = "--{}-column",
) -> DataFrame:
    """Return one row a clip, indexed by `key` of its id, in the file's order.

    Columns are `omq`, `ta` or one of them as float, and `system` and `prompt` as the id names them,
    None where unknown. `attrs["columns"]` tells which of the file's columns were read.

    Args:
        path: The file; see `whisq.tables`.
        by: Where a clip's system is named: None reads it off ids such as `S001_P001`, `folder`
            takes the folder in the id, and anything else is a column of the file.
        systems: Whether the rows are systems, whose names are taken as they stand.
        columns: The user's choice of columns for `id`, `omq`, `ta`.
        failed: Whether the table is an answer, of which rows are left out that have no score: whose
            column `error` says why, or, beside such a column, that had no prompt.
        option: What the user names a column with, for messages.

    Raises:
        ValueError: The file has no such columns, no rows, an id twice, or a score that is not a
            finite number; all of the rows are named.
    """
    table = tables.read(path)
    places = _places(table, by, columns or {}, option)
    rows, axes = _rows(table, places, failed and "error" in places)
    problems, found = [], {}
    for number, row in rows:
        name = row["id"] or ""
        clip = {axis: table.number(row[axis]) for axis in axes}
        bad = [axis for axis, value in clip.items() if value is None]
        problems += [f"row {number}: {axis} of {name!r} is not a finite number" for axis in bad]
        own = name if systems else key(name)
        if not own or own in found:
            problems.append(f"row {number}: id {name!r} is {'there twice' if own else 'blank'}")
        system, prompt = (not systems and system_and_prompt(own)) or (None, None)
        if by is not None:
            system = _folder(name) if by == FOLDER else row["system"]
        found[own] = clip | {"system": system, "prompt": prompt}
    if problems:
        raise ValueError(tables.told(problems, str(path)))
    scores = DataFrame.from_dict(found, orient="index", columns=[*axes, "system", "prompt"])
    names = table.header or [f"column {place + 1}" for place in range(3)]
    scores.attrs["columns"] = {field: names[places[field]] for field in ("id", *axes)}
    return scores.rename_axis("id")


def _rows(
    table: Table, places: Mapping[str, int], partial: bool
) -> tuple[list[tuple[int, dict[str, str | None]]], list[str]]:
    # Each row's number and cells by field, without those that have no score, and the axes.
    rows = [(n, {field: row[place] for field, place in places.items()}) for n, row in table.rows]
    rows = [(n, row) for n, row in rows if not partial or row["error"] is None]
    # A scorer that was given no prompts leaves the whole column blank: that axis is not there.
    axes = [axis for axis in AXES if axis in places]
    axes = [axis for axis in axes if any(row[axis] is not None for _, row in rows)] or axes
    if partial:
        # Of a clip without a prompt there is no alignment to judge.
        rows = [(n, row) for n, row in rows if None not in map(row.get, axes)]
    return rows, axes


def _folder(name: str) -> str | None:
    return PurePosixPath(name.replace("\\", "/")).parent.name or None


def _answer(
    name: str, truth: DataFrame, train: DataFrame | None, columns: Mapping[str, str | None]
) -> DataFrame:
    if not name.startswith(FLOOR):
        answer = read_scores(name, columns=columns, failed=True)
        _say_columns(name, answer)
        return answer
    floor = name.removeprefix(FLOOR)
    if floor not in FLOORS:
        raise ValueError(f"a floor must be one of {', '.join(FLOORS)}, given {floor!r}")
    if train is None:
        raise ValueError(f"{name} needs the training MOS list: give it with --train")
    return FLOORS[floor](train, truth)


def _say_columns(name: str | Path, scores: DataFrame) -> None:
    used = ", ".join(f"{what} from {column!r}" for what, column in scores.attrs["columns"].items())
    tell(f"{name}: {used}")


def _places(
    table: Table, by: str | None, columns: Mapping[str, str | None], option: str
) -> dict[str, int]:
    column = None if by == FOLDER else by
    if table.header is None:
        if any(columns.values()) or column:
            raise ValueError(f"{table.name} must have a header, to name a column of it")
        width = len(table.rows[0][1])
        if not 2 <= width <= 3:
            raise ValueError(f"{table.name} has {width} column(s) and no header: give it one")
        return dict(zip(("id", *AXES), range(width), strict=False))
    header = list(table.header)
    if column and plain(column) not in map(plain, header):
        raise ValueError(f"{table.name} must have a header with a column {by!r} for --by")
    usual = COLUMNS | ({"system": [plain(column)]} if column else {})
    try:
        found = tables.find(header, usual, columns, around=AXES, option=option)
    except ValueError as error:
        raise ValueError(f"{table.name}: {error}") from None
    if "id" not in found or not set(AXES) & set(found):
        wanted = "; ".join(f"{what}: {', '.join(names)}" for what, names in COLUMNS.items())
        raise ValueError(
            f"{table.name} must have an id and omq or ta, but its columns are "
            f"{', '.join(map(repr, header))}. Names that are known: {wanted}"
        )
    places = {what: header.index(name) for what, name in found.items()}
    errors = [place for place, name in enumerate(header) if plain(name) == "error"]
    return places | ({"error": errors[0]} if errors else {})
