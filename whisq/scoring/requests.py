"""What is asked of the scorer: one clip and its prompt a request, and the lists that name them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote, unquote_to_bytes

from whisq import tables
from whisq.names import system_and_prompt

USUAL = {
    "path": ("path", "file", "filename", "file_name", "filepath", "file_path", "audio",
             "audio_path", "audio_filepath", "wav", "wav_path", "clip"),
    "prompt": ("prompt", "text", "caption", "description"),
    "id": ("id", "clip_id", "utt_id", "utterance", "key"),
    "system": ("system", "system_id", "sys", "model"),
}  # fmt: skip
URL = "file://"
Given = Mapping[str, str | None]


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


def named(requests: Iterable[Request]) -> list[Request]:
    """Give an id to each request that has none.

    Chosen: the file's name without its suffix; where that is shared the whole path, and where
    even that is (one clip, several prompts) the path and a count from 1.

    Args:
        requests: Of one job, in its order; those with an id keep it.

    Returns:
        The same requests, each with an id that no other has; two
        that bring the same one along are an error.
    """
    requests = list(requests)
    stems = Counter(request.id or _stem(request.path) for request in requests)
    paths = Counter(written(request.path) for request in requests)
    names = _Names()
    for request in requests:
        names.reserve(request.id)
    done = []
    for request in requests:
        stem, path = _stem(request.path), written(request.path)
        simple = [stem] * (stems[stem] == 1) + [path] * (paths[path] == 1)
        done.append(replace(request, id=request.id or names.new(path, simple)))
    return done


def system_of(path: Path, folder: Path | None = None) -> str | None:
    """Guess what made a clip.

    Args:
        path: The clip.
        folder: The folder that is scored, if one is: a clip in a folder below it belongs to
            the system which that folder names.

    Returns:
        MusicEval's system in a name of its form, else the folder's name, else None.
    """
    pair = system_and_prompt(path.stem)
    if pair:
        return pair[0]
    parts = path.relative_to(folder).parts if folder else ()
    return _text(parts[0]) if len(parts) > 1 else None


def written(path: Path) -> str:
    """Write a path as text that leads back to the file.

    Args:
        path: Of any bytes.

    Returns:
        The path as it stands, or, if its bytes are not UTF-8, as a `file://` address, in which
        they are percent-encoded. Lists may name clips by such addresses.
    """
    return _text(str(path), lambda: URL + quote(os.fsencode(os.path.abspath(path))))


def read_table(path: Path, given: Given | None = None, prompt: str | None = None) -> list[Request]:
    """Read a list of clips.

    A relative path is looked for beside the list, then in the working directory.

    Args:
        path: A table with a header; see `whisq.tables`.
        given: The user's choice of columns by field; see `tables.find`.
        prompt: For rows that have none.

    Returns:
        The requests in the list's order, with the ids that it gives.

    Raises:
        ValueError: The list can't be read, has no clips or no columns that fit, or some of its
            rows are wrong; all wrong rows are told at once.
    """
    table = tables.read(path, headed=True)
    header = table.header or ()
    try:
        columns = tables.find(header, USUAL, given or {}, needed=("path",))
    except ValueError as problem:
        raise ValueError(f"{path}: {problem}") from None
    requests: list[Request] = []
    lines: dict[str, int] = {}
    problems = []
    for line, values in table.rows:
        try:
            row = dict(zip(header, values, strict=True))
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
    """Read jsonl lines as they come, such as standard input's.

    Args:
        lines: One JSON object a line; blank lines are passed over. Relative paths are looked
            for in the working directory.
        given: The user's choice of keys by field; see `tables.find`.
        prompt: For lines that have none.

    Yields:
        One request a line; its id is the line's own, else the file's name, where that was taken
        before the path, and where that was too the path and a count.

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
        yield replace(request, id=request.id or names.new(path, [_stem(request.path), path]))


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
    for name in dict.fromkeys(names):
        for place in (folder / name, Path(name)):
            if os.path.exists(place):
                return place
    return folder / names[0]


def _stem(path: Path) -> str:
    return _text(path.stem)


def _text(name: str, otherwise: Callable[[], str] | None = None) -> str:
    with suppress(UnicodeEncodeError):
        return name.encode().decode()
    with suppress(UnicodeEncodeError):
        return otherwise() if otherwise else quote(os.fsencode(name))
    return name.encode("utf-8", "replace").decode()  # half a character, which no file's name holds
