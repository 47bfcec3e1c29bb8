"""Whatever a user points the scorer at: a clip, several, a list, a folder, a pattern."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from whisq.scoring.requests import Request, named, system_of
from whisq.scoring.tables import Given, read_table
from whisq.tables import SUFFIXES

AUDIO = (".wav", ".flac", ".ogg", ".mp3", ".opus", ".aif", ".aiff")
INSIDE = ("metadata", "prompts", "clips")  # names of the table that a folder may bring along


def read_sources(
    sources: Sequence[str], given: Given | None = None, prompt: str | None = None
) -> list[Request]:
    """Read all that a user points at.

    Args:
        sources: Clips, lists (see `tables.read_table`), folders (see `read_folder`) and patterns
            such as `out/*.wav`.
        given: The user's choice of a list's columns by field.
        prompt: For clips, in the place of the text beside them; for lists, where they have none.

    Returns:
        The requests, source by source, each with an id of its own.
    """
    requests = [request for source in sources for request in _read(source, given, prompt)]
    return named(requests)


def is_clip(source: str) -> bool:
    """Tell whether a source is one clip.

    Args:
        source: What the user points at.

    Returns:
        True for anything there that is neither a folder nor a list.
    """
    listed = Path(source).suffix.lower() in SUFFIXES
    return os.path.exists(source) and not os.path.isdir(source) and not listed


def _read(source: str, given: Given | None, prompt: str | None) -> list[Request]:
    if is_clip(source):
        return _clips([Path(source)], source, prompt)
    if os.path.isdir(source):
        return read_folder(Path(source), given, prompt)
    if os.path.exists(source):
        return list(filled(read_table(Path(source), given), prompt))
    if glob.has_magic(source):
        found = sorted(glob.glob(source, recursive=True))
        return _clips([Path(match) for match in found], source, prompt)
    raise ValueError(f"{source!r}: there is no such file, folder or pattern")


def _clips(
    paths: Sequence[Path], source: str, prompt: str | None, folder: Path | None = None
) -> list[Request]:
    if not paths:
        raise ValueError(f"{source!r} holds no clips ({', '.join(AUDIO)}): is the path right?")
    return [Request("", path, prompt or sidecar(path), system_of(path, folder)) for path in paths]


def filled(requests: Iterable[Request], prompt: str | None) -> Iterator[Request]:
    """Give a prompt to each request that has none.

    Args:
        requests: In any number.
        prompt: What they get; None leaves them as they are.

    Returns:
        The requests, in order.
    """
    return (replace(request, prompt=request.prompt or prompt) for request in requests)


def read_folder(
    folder: Path, given: Given | None = None, prompt: str | None = None
) -> list[Request]:
    """Read a folder of clips.

    Args:
        folder: Holds clips, each with a `.txt` file beside it for its prompt, if any; or a
            table of them named metadata, prompts or clips (.csv, .tsv or .jsonl).
        given: The user's choice of the table's columns by field.
        prompt: See `read_sources`.

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
        return list(filled(read_table(tables[0], given), prompt))
    clips = (path for path in folder.rglob("*") if path.suffix.lower() in AUDIO)
    return _clips(sorted(clips), str(folder), prompt, folder)


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
