"""Lists of clips to score: tables, and jsonl lines that come one by one."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from whisq import tables
from whisq.scoring.requests import Request, named, system_of

USUAL = {
    "path": ("path", "file", "filename", "file_name", "filepath", "file_path", "audio",
             "audio_path", "audio_filepath", "wav", "wav_path", "clip"),
    "prompt": ("prompt", "text", "caption", "description"),
    "id": ("id", "clip_id", "utt_id", "utterance", "key"),
    "system": ("system", "system_id", "sys", "model"),
}  # fmt: skip
Given = Mapping[str, str | None]


def read_table(path: Path, given: Given | None = None) -> list[Request]:
    """Read a list of clips.

    A relative path is looked for beside the list, then in the working directory. A blank
    prompt means none.

    Args:
        path: A table with a header; see `whisq.tables`.
        given: The user's choice of columns by field; see `tables.find`.

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
            request = _request(row, columns, path.parent)
            first = lines.setdefault(request.id, line) if request.id else line
            if first != line:
                raise ValueError(f"id {request.id!r} stands on line {first} already")
            requests.append(request)
        except ValueError as problem:
            problems.append(f"line {line}: {problem}")
    if problems:
        raise ValueError(tables.told(problems, str(path)))
    return requests


def read_lines(lines: Iterable[str], given: Given | None = None) -> Iterator[Request]:
    """Read jsonl lines as they come, such as standard input's.

    Args:
        lines: One JSON object a line; blank lines are passed over. Relative paths are looked
            for in the working directory.
        given: The user's choice of keys by field; see `tables.find`.

    Yields:
        One request a line; its id is the line's own or the file's name.

    Raises:
        ValueError: A line is not such an object. What came before it has been yielded.
    """
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = {key: tables.cell(value) for key, value in tables.object_of(line).items()}
            columns = tables.find(list(row), USUAL, given or {}, needed=("path",))
            yield named([_request(row, columns, Path())])[0]
        except ValueError as problem:
            raise ValueError(f"standard input, line {number}: {problem}") from None


def _request(row: Mapping[str, str | None], columns: Mapping[str, str], folder: Path) -> Request:
    def said(field: str) -> str | None:
        return row.get(columns[field]) if field in columns else None

    path = said("path")
    if path is None:
        raise ValueError(f"no path in column {columns['path']!r}")
    found = _found(path, folder)
    return Request(
        id=said("id") or "",
        path=found,
        prompt=said("prompt"),
        system=said("system") or system_of(found),
    )


def _found(path: str, folder: Path) -> Path:
    # os.path.exists answers False where Path.exists raises: a name too long, one with a null.
    # A list made on Windows has backslashes.
    for name in dict.fromkeys((path, path.replace("\\", "/"))):
        for place in (folder / name, Path(name)):
            if os.path.exists(place):
                return place
    return folder / path
