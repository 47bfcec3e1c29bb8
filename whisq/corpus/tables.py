"""MusicEval's own tables: mean ratings, raters' rows, prompts, ids, system means.

Everything that is wrong is noted; no row is dropped unsaid.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from pandas import DataFrame

from whisq.corpus.clips import HIGHEST, LOWEST
from whisq.corpus.problems import Problems
from whisq.names import clip_id, system_and_prompt


def read_mos(path: Path, problems: Problems) -> DataFrame:
    """Read a list of mean ratings: `file.wav,overall,textual`.

    Args:
        path: The list.
        problems: Where malformed rows and labels outside 1..5 are noted.

    Returns:
        Columns `id, omq, ta, row`, in the list's order, labels as float and NaN where noted.
    """
    found = []
    for number, (name, omq, ta) in _rows(path, ",", 3, problems):
        key = _checked_id(name, path.name, number, problems)
        labels = [_checked_label(text, path.name, number, problems) for text in (omq, ta)]
        if key:
            found.append((key, *labels, number))
    return DataFrame(found, columns=["id", "omq", "ta", "row"]).astype({"omq": float, "ta": float})


def read_raters(path: Path, problems: Problems) -> DataFrame:
    """Read the raters' own rows: `file.wav,rater,overall,textual`.

    Args:
        path: The table.
        problems: Where malformed rows and ratings other than 1, 2, 3, 4, 5 are noted.

    Returns:
        Columns `id, rater, omq, ta, row`, in the table's order, ratings as int.
    """
    found = []
    for number, (name, rater, omq, ta) in _rows(path, ",", 4, problems):
        key = _checked_id(name, path.name, number, problems)
        ratings = [
            _checked_label(text, path.name, number, problems, whole=True) for text in (omq, ta)
        ]
        if key and None not in ratings:
            found.append((key, "".join(rater.split()), *map(int, ratings), number))
    return DataFrame(found, columns=["id", "rater", "omq", "ta", "row"])


def read_prompts(path: Path, problems: Problems) -> dict[str, str]:
    """Read prompts: `id<TAB>text` under a header.

    Args:
        path: The table.
        problems: Where ids with no text or two texts are noted.

    Returns:
        The text by prompt id or, for a table of demo prompts, by clip id.
    """
    prompts: dict[str, str] = {}
    for number, (name, text) in _rows(path, "\t", 2, problems):
        key = clip_id(name)
        if key.lower() == "id":
            continue
        if not key or not text:
            problems.fatal("blank prompt", path.name, number, f"{name!r} has {text!r}", "give both")
        elif prompts.get(key, text) != text:
            problems.fatal(
                "two prompts", path.name, number, f"{key} is there before", "keep one of them"
            )
        else:
            prompts[key] = text
    return prompts


def read_ids(path: Path, problems: Problems) -> DataFrame:
    """Read a list of unlabelled clips, one id a line.

    Args:
        path: The list.
        problems: Where malformed ids are noted.

    Returns:
        Columns `id, row`.
    """
    found = [
        (_checked_id(name, path.name, number, problems), number)
        for number, (name,) in _rows(path, ",", 1, problems)
    ]
    return DataFrame([pair for pair in found if pair[0]], columns=["id", "row"])


def read_systems(path: Path, problems: Problems) -> DataFrame:
    """Read a table of system means: `Sxxx,overall,textual`.

    Args:
        path: The table.
        problems: Where labels outside 1..5 are noted.

    Returns:
        Columns `omq, ta`, indexed by system.
    """
    found = {}
    for number, (system, omq, ta) in _rows(path, ",", 3, problems):
        labels = [_checked_label(text, path.name, number, problems) for text in (omq, ta)]
        if None not in labels:
            found[system] = labels
    return pd.DataFrame.from_dict(found, orient="index", columns=["omq", "ta"])


def _rows(
    path: Path, separator: str, fields: int, problems: Problems
) -> Iterator[tuple[int, list[str]]]:
    # Line and fields of each row: CRLF, a byte-order mark and blank rows are survived.
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        problems.fatal("not UTF-8", path.name, None, str(error), "save it as UTF-8")
        return
    # Not splitlines: a prompt may hold a character that it takes for the end of a line.
    for number, line in enumerate(text.split("\n"), start=1):
        values = [value.strip() for value in line.split(separator, fields - 1)]
        if not any(values):
            continue
        if len(values) != fields:
            what = f"{len(values)} field(s) in {line.strip()!r}, {fields} wanted"
            problems.fatal("malformed row", path.name, number, what, "mend the row")
            continue
        yield number, values


def _checked_id(name: str, file: str, row: int, problems: Problems) -> str | None:
    # The id, or None where a name of another form was noted.
    key = clip_id(name)
    if system_and_prompt(key) is None:
        remedy = "name it [prefix-]Sxxx_Pxxx.wav"
        problems.fatal("malformed id", file, row, repr(name), remedy)
        return None
    return key


def _checked_label(
    text: str, file: str, row: int, problems: Problems, whole: bool = False
) -> float | None:
    # The rating, or None where it was noted: no number in 1..5, or no whole one where it must be.
    wanted = "one of 1, 2, 3, 4, 5" if whole else "a number in 1..5"
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not LOWEST <= value <= HIGHEST or (whole and value != int(value)):
        problems.fatal("label out of range", file, row, repr(text), f"it must be {wanted}")
        return None
    return value
