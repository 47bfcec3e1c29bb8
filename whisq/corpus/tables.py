"""MusicEval's own tables: mean ratings, raters' rows, prompts, ids, system means.

Everything that is wrong is noted, in all files, before anybody is told; no row is dropped unsaid.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from pandas import DataFrame

from whisq.corpus.clips import HIGHEST, LOWEST
from whisq.names import clip_id, system_and_prompt

SHOWN_OF_A_KIND = 20


@dataclass(frozen=True)
class Problem:
    """One thing that is not as it must be.

    Attributes:
        kind: Short name of the rule that is broken, such as `label out of range`.
        file: The file it was found in, relative to the corpus.
        row: The line in that file, from 1, or None where it is about the whole file.
        what: What was found.
        remedy: What to do about it.
        fatal: Whether training on it would teach something false.
    """

    kind: str
    file: str
    row: int | None
    what: str
    remedy: str
    fatal: bool = True

    def line(self) -> str:
        """Tell where, what and what to do.

        Returns:
            One line.
        """
        where = self.file if self.row is None else f"{self.file}, row {self.row}"
        return f"{where}: {self.kind}: {self.what}; {self.remedy}"


class Problems:
    """A list of problems that ends in one error."""

    def __init__(self) -> None:
        """Begin with none."""
        self.found: list[Problem] = []

    def fatal(self, kind: str, file: str, row: int | None, what: str, remedy: str) -> None:
        """Note what must be mended before the corpus can be used: what a `Problem` holds."""
        self.found.append(Problem(kind, file, row, what, remedy, fatal=True))

    def warn(self, kind: str, file: str, row: int | None, what: str, remedy: str) -> None:
        """Note what is odd but leaves every label true: what a `Problem` holds."""
        self.found.append(Problem(kind, file, row, what, remedy, fatal=False))

    @property
    def warnings(self) -> list[Problem]:
        """What was noted and is not fatal."""
        return [problem for problem in self.found if not problem.fatal]

    def raise_fatal(self, corpus: str) -> None:
        """End here if anything fatal was noted.

        Args:
            corpus: What the corpus is called in the error.

        Raises:
            ValueError: Something fatal was noted; the message has all of it.
        """
        wrong = [problem for problem in self.found if problem.fatal]
        if wrong:
            raise ValueError(
                f"{corpus} has {len(wrong)} problem(s) that must be mended first:\n"
                + "\n".join(report(wrong))
            )


def report(problems: list[Problem]) -> list[str]:
    """Write problems as lines, the many of one kind cut short with their count.

    Args:
        problems: What was found.

    Returns:
        One line a problem in the order found, at most `SHOWN_OF_A_KIND` of a kind, and one
        line for the rest of that kind.
    """
    lines, seen = [], Counter()
    for problem in problems:
        seen[problem.kind] += 1
        if seen[problem.kind] <= SHOWN_OF_A_KIND:
            lines.append(f"  {problem.line()}")
    for kind, count in seen.items():
        if count > SHOWN_OF_A_KIND:
            lines.append(f"  {kind}: {count - SHOWN_OF_A_KIND} more, {count} in all")
    return lines


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
    # Line and fields of each row, none of a table that is not there: CRLF, a byte-order mark and
    # blank rows are survived.
    if not path.exists():
        return
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
