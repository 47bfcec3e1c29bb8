"""What is asked of the scorer: clips, lists, folders, patterns and lines become requests."""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote, unquote_to_bytes

from whisq import containers, foreign, tables
from whisq.files import tell
from whisq.names import system_and_prompt

USUAL = {field: tables.USUAL[field] for field in ("path", "prompt", "id", "system")}
SOUND = (*containers.SUFFIXES, *(foreign.SUFFIXES if find_spec("av") else ()))
URL = "file://"
INSIDE = ("metadata", "prompts", "clips")  # names of the table that a folder may bring along
NAMED = 5  # files that are named of those that were left out
Given = Mapping[str, str | None]  # the user's choice of a list's columns by field


@dataclass(frozen=True)
class Request:
    """One clip to score.

    Attributes:
        id: Names the row, unique in its job; empty until `named` has run.
        path: Where the audio file is.
        prompt: The text that the clip was made from; None asks for musical quality alone.
        system: What made the clip; None where unknown.
    """

    id: str
    path: Path
    prompt: str | None = None
    system: str | None = None


def read_sources(
    sources: Sequence[str], given: Given | None = None, prompt: str | None = None
) -> list[Request]:
    """Return the requests for all that a user points at, each with an id of its own.

    * A clip's prompt stands in a `.txt` file of its name, if any.
    * A list is read by `read_table`.
    * A folder's table, named metadata, prompts or clips, is read as a list. Without one every
      clip in the folder and below is taken, by path. Hidden files are passed over; other files
      that are neither sound that can be read nor text or tables are named on standard error.
    * A pattern such as `out/*.wav` stands for the files that match it.

    Args:
        sources: Clips, lists, folders and patterns.
        given: The user's choice of a list's columns.
        prompt: For clips, in the place of the text beside them; for lists, where they have none.
    """
    return named(request for source in sources for request in _read(source, given, prompt))


def is_clip(source: str) -> bool:
    """Return whether a source is one clip: it is there, and neither a folder nor a list."""
    is_list = Path(source).suffix.lower() in tables.SUFFIXES
    return os.path.exists(source) and not os.path.isdir(source) and not is_list


def inputs(sources: Sequence[str], requests: Iterable[Request]) -> Iterator[Path]:
    """Yield every file that a job may read: lists, prompts beside clips, and clips.

    Args:
        sources: As `read_sources` takes them.
        requests: What it made of them.
    """
    for source in map(Path, sources):
        yield source
        yield from _tables(source)
    for request in requests:
        yield request.path
        yield _beside(request.path)


def read_table(path: Path, given: Given | None = None, prompt: str | None = None) -> list[Request]:
    """Return the requests in a list, in its order, with the ids that it gives.

    Args:
        path: A table with a header; see `whisq.tables`. Relative paths in it are looked for beside
            it, then in the working directory.
        given: The user's choice of columns.
        prompt: For rows that have none.

    Raises:
        ValueError: The list can't be read, has no clips or no columns that fit, or some of its
            rows are wrong; all wrong rows are told at once.
    """
    table = tables.read(path, headed=True)
    try:
        columns = tables.find(table.header, USUAL, given or {}, needed=("path",))
    except ValueError as problem:
        raise ValueError(f"{path}: {problem}") from None
    requests: list[Request] = []
    lines: dict[str, int] = {}
    problems = []
    for line, values in table.rows:
        try:
            row = dict(zip(table.header, values, strict=True))
            request = _request(row, columns, path.parent, prompt)
            first = lines.setdefault(request.id, line) if request.id else line
            if first != line:
                raise ValueError(f"id {request.id!r} stands on line {first} already")
            requests.append(request)
        except ValueError as problem:
            problems.append(f"line {line}: {problem}")
    if problems:
        raise ValueError(tables.told(problems, str(path)))
    return requests


def read_lines(
    lines: Iterable[str], given: Given | None = None, prompt: str | None = None
) -> Iterator[Request]:
    """Yield one request a line as lines come, such as standard input's.

    A request's id is the line's own, else the file's name, where that was taken before the path,
    and where that was too the path and a count.

    Args:
        lines: One JSON object a line; blank lines are passed over. Relative paths are looked
            for in the working directory.
        given: The user's choice of keys.
        prompt: For lines that have none.

    Raises:
        ValueError: A line is not such an object, or brings an id that was there before. What
            came before it has been yielded.
    """
    names = _Names()
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = {key: tables.cell(value) for key, value in tables.object_of(line).items()}
            columns = tables.find(list(row), USUAL, given or {}, needed=("path",))
            request = _request(row, columns, Path(), prompt)
            names.reserve(request.id)
        except ValueError as problem:
            raise ValueError(f"standard input, line {number}: {problem}") from None
        path = written(request.path)
        yield replace(request, id=request.id or names.new(path, [_text(request.path.stem), path]))


def named(requests: Iterable[Request]) -> list[Request]:
    """Return the requests of one job, each with an id that no other has.

    Those with an id keep it; two that bring the same one along are an error.

    Chosen: the file's name without its suffix; where that is shared the whole path, and where
    even that is (one clip, several prompts) the path and a count from 1.
    """
    requests = list(requests)
    stems = Counter(request.id or _text(request.path.stem) for request in requests)
    paths = Counter(written(request.path) for request in requests)
    names = _Names()
    for request in requests:
        names.reserve(request.id)
    done = []
    for request in requests:
        stem, path = _text(request.path.stem), written(request.path)
        simple = [stem] * (stems[stem] == 1) + [path] * (paths[path] == 1)
        done.append(replace(request, id=request.id or names.new(path, simple)))
    return done


class _Names:
    # Ids that are taken, and how often each path was counted.
    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._counts: Counter[str] = Counter()

    def reserve(self, name: str) -> None:
        if name in self._taken:
            raise ValueError(f"ids must be unique, but {name!r} is given twice: name it otherwise")
        if name:
            self._taken.add(name)

    def new(self, path: str, simple: Sequence[str]) -> str:
        # What reads as nothing in a table, such as the stem of NA.wav, is no name.
        free = [name for name in simple if tables.cell(name) and name not in self._taken]
        while not free:
            self._counts[path] += 1
            numbered = f"{path}#{self._counts[path]}"
            free = [] if numbered in self._taken else [numbered]
        self._taken.add(free[0])
        return free[0]


def system_of(path: Path, folder: Path | None = None) -> str | None:
    """Return what made a clip, as far as its place tells.

    Args:
        path: The clip.
        folder: The folder that is scored, if one is. A name of MusicEval's form says its system;
            any other clip belongs to the system that a folder below this one names.
    """
    pair = system_and_prompt(path.stem)
    if pair:
        return pair[0]
    parts = path.relative_to(folder).parts if folder else ()
    return _text(parts[0]) if len(parts) > 1 else None


def written(path: Path) -> str:
    """Return a path as text that leads back to the file.

    It is the path as it stands or, if its bytes are not UTF-8, a `file://` address, in which
    they are percent-encoded. Lists may name clips by such addresses.
    """
    return _text(str(path), lambda: URL + quote(os.fsencode(os.path.abspath(path))))


def _text(name: str, otherwise: Callable[[], str] | None = None) -> str:
    with suppress(UnicodeEncodeError):
        return name.encode().decode()
    with suppress(UnicodeEncodeError):
        return otherwise() if otherwise else quote(os.fsencode(name))
    return name.encode("utf-8", "replace").decode()  # half a character, which no file's name holds


def _request(
    row: Mapping[str, str | None], columns: Mapping[str, str], folder: Path, prompt: str | None
) -> Request:
    said = {field: row.get(column) for field, column in columns.items()}
    if said["path"] is None:
        raise ValueError(f"no path in column {columns['path']!r}")
    path = _found(said["path"], folder)
    system = said.get("system") or system_of(path)
    return Request(said.get("id") or "", path, said.get("prompt") or prompt, system)


def _found(path: str, folder: Path) -> Path:
    # os.path.exists answers False where Path.exists raises: a name too long, one with a null.
    # A list made on Windows has backslashes.
    names = [path, path.replace("\\", "/")]
    if path.startswith(URL):
        names = [os.fsdecode(unquote_to_bytes(path.removeprefix(URL))), path]
    places = (place for name in names for place in (folder / name, Path(name)))
    return next(filter(os.path.exists, places), folder / names[0])


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
        raise ValueError(_no_clips(source))
    return _clips(map(Path, found), prompt)


def _clips(
    paths: Iterable[Path], prompt: str | None, folder: Path | None = None
) -> Iterator[Request]:
    return (Request("", path, prompt or _sidecar(path), system_of(path, folder)) for path in paths)


def _folder(folder: Path, given: Given | None, prompt: str | None) -> Iterable[Request]:
    listed = _tables(folder)
    if len(listed) > 1:
        names = " and ".join(table.name for table in listed)
        raise ValueError(f"{folder} holds {names}: name the one to score instead of the folder")
    if listed:
        return read_table(listed[0], given, prompt)
    files = sorted(_below(folder))
    clips = [path for path in files if path.suffix.lower() in SOUND]
    known = {*SOUND, *tables.SUFFIXES, ".txt"}
    left = [path for path in files if path.suffix.lower() not in known]
    said = ", ".join(repr(str(path.relative_to(folder)))[1:-1] for path in left[:NAMED])
    said += f" and {len(left) - NAMED} more" if len(left) > NAMED else ""
    said = f"left out of {folder}, as no sound that can be read: {len(left)} file(s): {said}"
    if not clips:
        raise ValueError(_no_clips(folder) + (f"; {said}" if left else ""))
    if left:
        tell(said)
    return _clips(clips, prompt, folder)


def _no_clips(source: str | Path) -> str:
    return f"{str(source)!r} holds no clips ({', '.join(SOUND)}): is the path right?"


def _tables(folder: Path) -> list[Path]:
    places = (folder / f"{name}{suffix}" for name in INSIDE for suffix in tables.SUFFIXES)
    return [place for place in places if place.is_file()]


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
