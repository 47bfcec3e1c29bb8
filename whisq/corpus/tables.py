"""MusicEval's own tables: mean ratings, raters' rows, prompts, ids, system means.

Everything that is wrong is noted, in all files, before anybody is told; no row is dropped unsaid.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from math import nan
from pathlib import Path

from pandas import DataFrame

from whisq.corpus.clips import HIGHEST, LOWEST
from whisq.names import clip_id, system_and_prompt
from whisq.tables import lines_of, number, text_of

SHOWN_OF_A_KIND = 20
UNRATED = "-"
"""Stands where a clip has no rating of one axis, in a layout made from a user's table."""


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


class Problems:
    """A list of problems that ends in one error."""

    def __init__(self) -> None:
        """Begin with none."""
        self.found: list[Problem] = []

    def fatal(self, kind: str, file: str, row: int | None, what: str, remedy: str) -> None:
        """Note what must be mended before the corpus can be used: what a `Problem` holds."""
        self.found.append(Problem(kind, file, row, what, remedy))

    def warn(self, kind: str, file: str, row: int | None, what: str, remedy: str) -> None:
        """Note what is odd but leaves every label true: what a `Problem` holds."""
        self.found.append(Problem(kind, file, row, what, remedy, fatal=False))

    @property
    def warnings(self) -> list[Problem]:
        """What was noted and is not fatal."""
        return [problem for problem in self.found if not problem.fatal]

    def raise_fatal(self, corpus: str) -> None:
        """End here if anything fatal was noted, with an error that calls the corpus so.

        Raises:
            ValueError: Something fatal was noted; the message has all of it.
        """
        wrong = [problem for problem in self.found if problem.fatal]
        if wrong:
            head = f"{corpus} has {len(wrong)} problem(s) that must be mended first:"
            raise ValueError("\n".join([head, *report(wrong)]))


def report(problems: list[Problem]) -> list[str]:
    """Return a line a problem, the many of one kind cut short with their count."""
    lines, seen = [], Counter()
    for problem in problems:
        seen[problem.kind] += 1
        if seen[problem.kind] <= SHOWN_OF_A_KIND:
            where = problem.file if problem.row is None else f"{problem.file}, row {problem.row}"
            lines.append(f"  {where}: {problem.kind}: {problem.what}; {problem.remedy}")
    for kind, count in seen.items():
        if count > SHOWN_OF_A_KIND:
            lines.append(f"  {kind}: {count - SHOWN_OF_A_KIND} more, {count} in all")
    return lines


def read_mos(path: Path, problems: Problems, mapped: bool = False) -> DataFrame:
    """Read a list of mean ratings: `file.wav,overall,textual`.

    Args:
        path: The list.
        problems: What is wrong with it is noted there.
        mapped: Whether it was made from a user's table: UNRATED may stand for a rating.

    Returns:
        Columns `id, omq, ta, row`, in the list's order, labels as float and NaN where unrated or
        noted.
    """
    found = _read(path, ["id", "omq", "ta"], problems, mapped).dropna(subset="id")
    return found.astype({"omq": float, "ta": float})


def read_raters(path: Path, problems: Problems, mapped: bool = False) -> DataFrame:
    """Read the raters' own rows: `file.wav,rater,overall,textual`.

    Args:
        path: The table.
        problems: What is wrong with it is noted there.
        mapped: Whether it was made from a user's table: ratings may lie between whole marks, having
            been mapped from another scale, and UNRATED may stand for one.

    Returns:
        Columns `id, rater, omq, ta, row`, in the table's order, ratings as int from 1 to 5, or of a
        mapped table as float and NaN where unrated; rows with another rating are noted and left
        out.
    """
    found = _read(path, ["id", "rater", "omq", "ta"], problems, mapped)
    if mapped:
        return found.dropna(subset="id").astype({"omq": float, "ta": float})
    return found.dropna().astype({"omq": int, "ta": int})


def read_ids(path: Path, problems: Problems) -> DataFrame:
    """Return a list of unlabelled clips, one id a line, as columns `id, row`."""
    return _read(path, ["id"], problems).dropna()


def read_systems(path: Path, problems: Problems) -> DataFrame:
    """Return a table of system means, `Sxxx,overall,textual`: `omq, ta`, indexed by system."""
    found = _read(path, ["system", "omq", "ta"], problems).dropna()
    found = found.drop_duplicates("system", keep="last").set_index("system")
    return found[["omq", "ta"]].astype(float)


def read_prompts(path: Path, problems: Problems) -> dict[str, str]:
    """Read prompts: `id<TAB>text` under a header.

    Returns:
        The text by prompt id or, for a table of demo prompts, by clip id.
    """
    prompts: dict[str, str] = {}
    for row, (name, text) in _rows(path, "\t", 2, problems):
        key = clip_id(name)
        if key.lower() == "id":
            continue
        if not key or not text:
            problems.fatal("blank prompt", path.name, row, f"{name!r} has {text!r}", "give both")
        elif prompts.setdefault(key, text) != text:
            what = f"{key} is there before"
            problems.fatal("two prompts", path.name, row, what, "keep one of them")
    return prompts


def _read(path: Path, columns: list[str], problems: Problems, mapped: bool = False) -> DataFrame:
    # The columns and `row`; None stands where a value was noted.
    found = []
    for row, values in _rows(path, ",", len(columns), problems):
        texts = dict(zip(columns, values, strict=True))
        checked = [_checked(name, texts, path.name, row, problems, mapped) for name in columns]
        found.append((*checked, row))
    return DataFrame(found, columns=[*columns, "row"])


def _rows(
    path: Path, separator: str, fields: int, problems: Problems
) -> Iterator[tuple[int, list[str]]]:
    # Line and fields of each row that is not blank, none of a table that is not there; the last
    # field may hold the separator.
    if not path.exists():
        return
    try:
        text = text_of(path)
    except UnicodeError as error:
        problems.fatal("not UTF-8", path.name, None, str(error), "save it as UTF-8")
        return
    for row, line in lines_of(text):
        values = [value.strip() for value in line.split(separator, fields - 1)]
        if len(values) == fields and any(values):
            yield row, values
        elif any(values):
            what = f"{len(values)} field(s) in {line.strip()!r}, {fields} wanted"
            problems.fatal("malformed row", path.name, row, what, "mend the row")


def _checked(
    name: str, texts: dict[str, str], file: str, row: int, problems: Problems, mapped: bool
) -> str | float | None:
    # The value in a column, or None where it was noted.
    text = texts[name]
    if name == "id":
        key = clip_id(text)
        if system_and_prompt(key):
            return key
        problems.fatal("malformed id", file, row, repr(text), "name it [prefix-]Sxxx_Pxxx.wav")
    elif name in ("omq", "ta"):
        if mapped and text == UNRATED:
            return nan
        value, whole = number(text), "rater" in texts and not mapped
        if value is not None and LOWEST <= value <= HIGHEST and not (whole and value % 1):
            return value
        wanted = "one of 1, 2, 3, 4, 5" if whole else "a number in 1..5"
        problems.fatal("label out of range", file, row, repr(text), f"it must be {wanted}")
    else:
        return "".join(text.split())  # raters' names are kept with spaces between them
    return None
