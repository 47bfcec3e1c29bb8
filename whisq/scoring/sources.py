"""Whatever a user points the scorer at: a clip, several, a list, a folder, a pattern."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from whisq.containers import SUFFIXES as SOUND
from whisq.files import tell
from whisq.scoring.requests import Given, Request, named, read_table, system_of
from whisq.tables import SUFFIXES

INSIDE = ("metadata", "prompts", "clips")  # names of the table that a folder may bring along
NAMED = 5  # files that are named of those that were left out


def read_sources(
    sources: Sequence[str], given: Given | None = None, prompt: str | None = None
) -> list[Request]:
    """Read all that a user points at.

    * A clip's prompt stands in a `.txt` file of its name, if any.
    * A list is read by `requests.read_table`.
    * A folder's table, named metadata, prompts or clips, is read as a list. Without one every
      clip in the folder and below is taken, by path. Hidden files are passed over; other files
      that are neither sound that can be read nor text or tables are named on standard error.
    * A pattern such as `out/*.wav` stands for the files that match it.

    Args:
        sources: Clips, lists, folders and patterns.
        given: The user's choice of a list's columns by field.
        prompt: For clips, in the place of the text beside them; for lists, where they have none.

    Returns:
        The requests, source by source, each with an id of its own. A source that is not there,
        holds no clips or two tables, or can't be read is an error.
    """
    return named(request for source in sources for request in _read(source, given, prompt))


def is_clip(source: str) -> bool:
    """Tell whether a source is one clip.

    Args:
        source: What the user points at.

    Returns:
        True for anything there that is neither a folder nor a list.
    """
    listed = Path(source).suffix.lower() in SUFFIXES
    return os.path.exists(source) and not os.path.isdir(source) and not listed


def inputs(sources: Sequence[str], requests: Iterable[Request]) -> Iterator[Path]:
    """Name every file that a job reads, so that it does not write into one.

    Args:
        sources: As `read_sources` takes them.
        requests: What it made of them.

    Yields:
        Lists, prompts beside clips, and clips; not all need be there.
    """
    for source in map(Path, sources):
        yield source
        yield from _tables(source)
    for request in requests:
        yield request.path
        yield _beside(request.path)


def _read(source: str, given: Given | None, prompt: str | None) -> Iterable[Request]:
    if is_clip(source):
        return _clips([Path(source)], prompt)
    if os.path.isdir(source):
        return _folder(Path(source), given, prompt)
    if os.path.exists(source):
        return read_table(Path(source), given, prompt)
    if not glob.has_magic(source):
        raise ValueError(f"{source!r}: there is no such file, folder or pattern")
    found = sorted(glob.glob(source, recursive=True))
    if not found:
        raise ValueError(f"{source!r} holds no clips ({', '.join(SOUND)}): is the path right?")
    return _clips(map(Path, found), prompt)


def _clips(
    paths: Iterable[Path], prompt: str | None, folder: Path | None = None
) -> Iterator[Request]:
    return (Request("", path, prompt or _sidecar(path), system_of(path, folder)) for path in paths)


def _folder(folder: Path, given: Given | None, prompt: str | None) -> Iterable[Request]:
    tables = _tables(folder)
    if len(tables) > 1:
        names = " and ".join(table.name for table in tables)
        raise ValueError(f"{folder} holds {names}: name the one to score instead of the folder")
    if tables:
        return read_table(tables[0], given, prompt)
    files = sorted(_below(folder))
    clips = [path for path in files if path.suffix.lower() in SOUND]
    left = [p for p in files if p.suffix.lower() not in {*SOUND, *SUFFIXES, ".txt"}]
    said = ", ".join(repr(str(path.relative_to(folder)))[1:-1] for path in left[:NAMED])
    said += f" and {len(left) - NAMED} more" if len(left) > NAMED else ""
    said = f"left out of {folder}, as no sound that can be read: {len(left)} file(s): {said}"
    if not clips:
        also = f"; {said}" if left else ""
        raise ValueError(
            f"'{folder}' holds no clips ({', '.join(SOUND)}): is the path right?{also}"
        )
    if left:
        tell(said)
    return _clips(clips, prompt, folder)


def _tables(folder: Path) -> list[Path]:
    tables = (folder / f"{name}{suffix}" for name in INSIDE for suffix in SUFFIXES)
    return [table for table in tables if table.is_file()]


def _below(folder: Path) -> Iterator[Path]:
    # A folder that can't be looked into is an error; one behind a link may lead in a circle, and
    # is told as left out.
    def refuse(error: OSError) -> None:
        raise error

    for place, folders, files in os.walk(folder, onerror=refuse):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        links = [name for name in folders if os.path.islink(os.path.join(place, name))]
        yield from (Path(place, name) for name in [*files, *links] if not name.startswith("."))


def _beside(path: Path) -> Path:
    return path.with_suffix(".txt") if path.name else path


def _sidecar(path: Path) -> str | None:
    beside = _beside(path)
    if not os.path.isfile(beside) or beside == path:
        return None
    try:
        return beside.read_text(encoding="utf-8-sig").strip() or None
    except UnicodeDecodeError as error:
        raise ValueError(f"{beside} is not UTF-8 text ({error}): save it as UTF-8") from None
