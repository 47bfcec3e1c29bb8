"""Whatever a user points the scorer at: a clip, several, a list, a folder, a pattern."""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence
from pathlib import Path

from whisq.scoring.requests import Request, named, system_of
from whisq.scoring.tables import SUFFIXES, Given, read_table

AUDIO = (".wav", ".flac", ".ogg", ".mp3", ".opus", ".aif", ".aiff")
INSIDE = ("metadata", "prompts", "clips")  # names of the table that a folder may bring along


def read_source(source: str, given: Given | None = None) -> list[Request]:
    """Read what a user points at.

    Args:
        source: A clip, a list (see `tables.read_table`), a folder (see `read_folder`) or a
            pattern such as `out/*.wav`. A clip's prompt is the text file of its name.
        given: The user's choice of a list's columns by field.

    Returns:
        The requests, in the list's order, or sorted by path.

    Raises:
        ValueError: There is nothing there, or the list is wrong.
    """
    path = Path(source)
    if os.path.isdir(source):
        return read_folder(path, given)
    if path.suffix.lower() in SUFFIXES and os.path.isfile(source):
        return read_table(path, given)
    if not os.path.exists(source) and glob.has_magic(source):
        return read_clips([Path(match) for match in sorted(glob.glob(source, recursive=True))])
    if not os.path.exists(source):
        raise ValueError(f"{source}: there is no such file, folder or pattern")
    return read_clips([path])


def read_clips(paths: Sequence[Path], folder: Path | None = None) -> list[Request]:
    """Take each file as a clip, its prompt from the `.txt` file of the same name, if any.

    Args:
        paths: The clips, in the order wanted.
        folder: The folder they were found in; see `requests.system_of`.

    Returns:
        One request a clip.

    Raises:
        ValueError: There are no clips.
    """
    if not paths:
        where = folder or "the pattern"
        raise ValueError(f"{where} matches no clips ({', '.join(AUDIO)}): is the path right?")
    return named(Request("", path, sidecar(path), system_of(path, folder)) for path in paths)


def read_folder(folder: Path, given: Given | None = None) -> list[Request]:
    """Read a folder of clips.

    Args:
        folder: Holds clips, each with a `.txt` file beside it for its prompt, if any; or a
            table of them named metadata, prompts or clips (.csv, .tsv or .jsonl).
        given: The user's choice of the table's columns by field.

    Returns:
        The table's requests in its order, else every clip in the folder and below, by path.

    Raises:
        ValueError: There are two such tables, or no clips.
    """
    tables = [folder / f"{name}{suffix}" for name in INSIDE for suffix in SUFFIXES]
    tables = [table for table in tables if table.is_file()]
    if len(tables) > 1:
        names = " and ".join(table.name for table in tables)
        raise ValueError(f"{folder} holds {names}: name the one to score instead of the folder")
    if tables:
        return read_table(tables[0], given)
    clips = (path for path in folder.rglob("*") if path.suffix.lower() in AUDIO)
    return read_clips(sorted(clips), folder)


def sidecar(path: Path) -> str | None:
    """Read the prompt that stands beside a clip.

    Args:
        path: The clip, such as `a.wav`.

    Returns:
        The text of `a.txt`, stripped; None where there is none or it is blank.

    Raises:
        ValueError: The file is not UTF-8 text.
    """
    beside = path.with_suffix(".txt")
    if not path.name or not os.path.isfile(beside):
        return None
    try:
        return beside.read_text(encoding="utf-8-sig").strip() or None
    except UnicodeDecodeError as error:
        raise ValueError(f"{beside} is not UTF-8 text ({error}): save it as UTF-8") from None
