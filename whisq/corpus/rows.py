"""Rows of MusicEval's text files and what stands in their fields.

Everything that is wrong is noted; no row is dropped unsaid.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from whisq.corpus.clips import HIGHEST, LOWEST
from whisq.corpus.problems import Problems

CLIP_NAME = re.compile(r"^(?:.*-)?(S\d{3})_(P\d{3})$")


def clip_id(name: str) -> str:
    """Name a clip as the tables of this project do.

    Args:
        name: A file name or id, with or without `.wav`.

    Returns:
        The name without `.wav`.
    """
    return name[:-4] if name.lower().endswith(".wav") else name


def system_and_prompt(key: str) -> tuple[str, str] | None:
    """Read the system and the prompt off a clip's id.

    Args:
        key: Such as `audiomos2025-track1-S001_P045`; any prefix that ends in `-`, or none.

    Returns:
        Such as `("S001", "P045")`, or None for an id of another form.
    """
    match = CLIP_NAME.match(key)
    return (match[1], match[2]) if match else None


def rows(
    path: Path, separator: str, fields: int, problems: Problems
) -> Iterator[tuple[int, list[str]]]:
    """Go through a table's rows: CRLF, a byte-order mark and blank rows are survived.

    Args:
        path: The table, UTF-8.
        separator: What stands between fields.
        fields: How many a row must have.
        problems: Where rows of another form are noted.

    Yields:
        The line's number from 1, and its fields without white space around them.
    """
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


def checked_id(name: str, file: str, row: int, problems: Problems) -> str | None:
    """Read a clip's name.

    Args:
        name: A file name or id.
        file: The table, for the note.
        row: The line, for the note.
        problems: Where a name of another form is noted.

    Returns:
        The id, or None where it was noted.
    """
    key = clip_id(name)
    if system_and_prompt(key) is None:
        remedy = "name it [prefix-]Sxxx_Pxxx.wav"
        problems.fatal("malformed id", file, row, repr(name), remedy)
        return None
    return key


def checked_label(
    text: str, file: str, row: int, problems: Problems, whole: bool = False
) -> float | None:
    """Read a rating.

    Args:
        text: What stands in the field.
        file: The table, for the note.
        row: The line, for the note.
        problems: Where anything but a number in 1..5 is noted.
        whole: Whether it must be a whole number, as one rater's is.

    Returns:
        The rating, or None where it was noted.
    """
    wanted = "one of 1, 2, 3, 4, 5" if whole else "a number in 1..5"
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not LOWEST <= value <= HIGHEST or (whole and value != int(value)):
        problems.fatal("label out of range", file, row, repr(text), f"it must be {wanted}")
        return None
    return value
