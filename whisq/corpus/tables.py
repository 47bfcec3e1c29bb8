"""MusicEval's own tables: mean ratings, raters' rows, prompts, ids, system means."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from pandas import DataFrame

from whisq.corpus.problems import Problems
from whisq.corpus.rows import checked_id, checked_label, clip_id, rows


def read_mos(path: Path, problems: Problems) -> DataFrame:
    """Read a list of mean ratings: `file.wav,overall,textual`.

    Args:
        path: The list.
        problems: Where malformed rows and labels outside 1..5 are noted.

    Returns:
        Columns `id, omq, ta, row`, in the list's order, labels as float and NaN where noted.
    """
    found = []
    for number, (name, omq, ta) in rows(path, ",", 3, problems):
        key = checked_id(name, path.name, number, problems)
        labels = [checked_label(text, path.name, number, problems) for text in (omq, ta)]
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
    for number, (name, rater, omq, ta) in rows(path, ",", 4, problems):
        key = checked_id(name, path.name, number, problems)
        ratings = [
            checked_label(text, path.name, number, problems, whole=True) for text in (omq, ta)
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
    for number, (name, text) in rows(path, "\t", 2, problems):
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
        (checked_id(name, path.name, number, problems), number)
        for number, (name,) in rows(path, ",", 1, problems)
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
    for number, (system, omq, ta) in rows(path, ",", 3, problems):
        labels = [checked_label(text, path.name, number, problems) for text in (omq, ta)]
        if None not in labels:
            found[system] = labels
    return pd.DataFrame.from_dict(found, orient="index", columns=["omq", "ta"])
