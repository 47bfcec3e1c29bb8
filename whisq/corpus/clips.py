"""The tables that everything after the corpus reads: clips, ratings, preferences, reworded prompts.

`clips.csv` says what to embed and `ratings.csv` what to learn. They are two files so that a
new split or a mended label embeds nothing again.
"""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
from pandas import DataFrame

CLIP_COLUMNS = ["id", "system", "prompt_id", "prompt", "path", "seconds"]
RATING_COLUMNS = ["id", "split", "omq", "ta", "raters", "omq_raters", "ta_raters"]
REWORDINGS = "rewordings.csv"  # of a corpus that has them
REWORDING_COLUMNS = ["prompt", "same", "other"]
PAIRS = "pairs.csv"  # likewise
PAIR_COLUMNS = ["a", "b", "preferred", "axis", "rater"]
VOTES = {"a": 1, "b": -1, "tie": 0}
SPLITS = ("train", "dev", "test")
LOWEST, HIGHEST = 1.0, 5.0


def read_clips(path: str | Path) -> DataFrame:
    """Return the table of clips, checked as by `write_clips`: text, and `seconds` as float."""
    return _check_clips(_read(path, CLIP_COLUMNS, numbers=["seconds"]), str(path))


def write_clips(clips: DataFrame, path: str | Path) -> None:
    """Check the table of clips and write it.

    Missing columns, ids that are there twice, blank text and clips of no length are one
    `ValueError` that names all of them.

    Args:
        clips: One row a clip, with CLIP_COLUMNS; `path` is relative to the table's folder.
        path: Where to; folders are made.
    """
    _write(_check_clips(clips, str(path)), CLIP_COLUMNS, path)


def read_ratings(path: str | Path) -> DataFrame:
    """Return the table of ratings, checked as by `write_ratings`: text, `omq` and `ta` as float."""
    return _check_ratings(_read(path, RATING_COLUMNS, numbers=["omq", "ta"]), str(path))


def write_ratings(ratings: DataFrame, path: str | Path) -> None:
    """Check the table of ratings and write it.

    Missing columns, ids that are there twice, unknown splits and labels outside 1..5 are one
    `ValueError` that names all of them.

    Args:
        ratings: One row a labelled clip, with RATING_COLUMNS; an axis that was not rated is NaN,
            both of a clip that was compared with others alone; `raters, omq_raters, ta_raters` are
            space-separated, blank where unknown.
        path: Where to; folders are made.
    """
    _write(_check_ratings(ratings, str(path)), RATING_COLUMNS, path)


def read_rewordings(corpus: str | Path) -> DataFrame:
    """Read what was made of prompts: the same in other words, and those asking for something else.

    Missing columns and blank cells are one `ValueError` that names all of them.

    Args:
        corpus: The corpus's folder, which need not have them.

    Returns:
        Rows of `prompt`, `same` (asks for the same in other words) and `other` (in the words of
        `same`, but not for the same), none without a `rewordings.csv`.
    """
    path = Path(corpus) / REWORDINGS
    if not path.exists():
        return DataFrame(columns=REWORDING_COLUMNS)
    table = _read(path, REWORDING_COLUMNS, numbers=[])
    problems = _missing_columns(table, REWORDING_COLUMNS)
    if not problems:
        blank = table.index[(table.apply(lambda cells: cells.str.strip()) == "").any(axis=1)]
        problems += [f"a cell is blank in row {row + 2}" for row in blank]
    return _checked(table, problems, str(path))


def read_pairs(corpus: str | Path) -> DataFrame:
    """Read which of two clips listeners preferred.

    Missing columns and cells that mean nothing are one `ValueError` that names all of them.

    Args:
        corpus: The corpus's folder, which need not have such a table.

    Returns:
        A row a word: `a`, `b`, clips' ids; `vote`, 1 where the first is preferred, -1 where the
        second is, 0 for a tie; `axis`, blank where the word is on the whole; `rater`, blank where
        unknown. None without a `pairs.csv`.
    """
    path = Path(corpus) / PAIRS
    if not path.exists():
        return DataFrame(columns=["a", "b", "vote", "axis", "rater"])
    table = _read(path, PAIR_COLUMNS, numbers=[])
    problems = _missing_columns(table, PAIR_COLUMNS)
    if not problems:
        wrong = ~table["preferred"].isin(VOTES) | ~table["axis"].isin(["omq", "ta", ""])
        wrong |= table["a"] == table["b"]
        problems += [
            f"row {row + 2} must name two clips, which is preferred (a, b, tie) and omq, ta or "
            "nothing for the axis"
            for row in table.index[wrong]
        ]
    table = _checked(table, problems, str(path))
    return table.assign(vote=table["preferred"].map(VOTES))[["a", "b", "vote", "axis", "rater"]]


def write_pairs(pairs: DataFrame, corpus: str | Path) -> None:
    """Write such words, as `read_pairs` gives them, into a corpus's folder."""
    words = {vote: word for word, vote in VOTES.items()}
    table = pairs.assign(preferred=pairs["vote"].map(words)).fillna({"axis": "", "rater": ""})
    _write(table, PAIR_COLUMNS, Path(corpus) / PAIRS)


def _check_clips(clips: DataFrame, name: str) -> DataFrame:
    problems = _missing_columns(clips, CLIP_COLUMNS)
    if not problems:
        problems += _duplicates(clips)
        for column in ("id", "system", "prompt_id", "prompt", "path"):
            blank = clips["id"][clips[column].str.strip() == ""]
            problems += [f"{column} is blank for clip {key!r}" for key in blank]
        short = clips["id"][~(clips["seconds"] > 0)]
        problems += [f"seconds must be above 0 for clip {key!r}" for key in short]
    return _checked(clips, problems, name)


def _check_ratings(ratings: DataFrame, name: str) -> DataFrame:
    problems = _missing_columns(ratings, RATING_COLUMNS)
    if not problems:
        problems += _duplicates(ratings)
        for row in ratings[~ratings["split"].isin(SPLITS)].itertuples():
            problems.append(f"split must be one of {SPLITS}, given {row.split!r} for {row.id!r}")
        for axis in ("omq", "ta"):
            wrong = ratings[~(ratings[axis].between(LOWEST, HIGHEST) | ratings[axis].isna())]
            problems += [
                f"{axis} must be in 1..5, given {value} for clip {key!r}"
                for key, value in zip(wrong["id"], wrong[axis], strict=True)
            ]
    return _checked(ratings, problems, name)


def _read(path: str | Path, columns: list[str], numbers: list[str]) -> DataFrame:
    table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")
    for column in set(numbers) & set(table.columns):
        found = pd.to_numeric(table[column], errors="coerce")
        # A blank is not known; what else is no number is out of every range, and so is told.
        table[column] = found.mask(found.isna() & (table[column].str.strip() != ""), -math.inf)
    return table[[name for name in columns if name in table.columns]]


def _write(table: DataFrame, columns: list[str], path: str | Path) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    table[columns].to_csv(path, index=False, lineterminator="\n", encoding="utf-8")


def _missing_columns(table: DataFrame, columns: list[str]) -> list[str]:
    return [f"column {name!r} is missing" for name in columns if name not in table]


def _duplicates(table: DataFrame) -> list[str]:
    twice = table["id"][table["id"].duplicated()].unique()
    return [f"clip {key!r} is there more than once" for key in twice]


def _checked(table: DataFrame, problems: list[str], name: str) -> DataFrame:
    if problems:
        shown = "\n".join(f"  {line}" for line in problems[:50])
        raise ValueError(f"{name} has {len(problems)} problem(s); mend them:\n{shown}")
    return table
