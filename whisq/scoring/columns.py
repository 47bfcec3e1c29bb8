"""Which of a table's columns hold what: by their usual names, or as the user says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

USUAL = {
    "path": ("path", "file", "filename", "file_name", "filepath", "file_path", "audio",
             "audio_path", "audio_filepath", "wav", "wav_path", "clip"),
    "prompt": ("prompt", "text", "caption", "description"),
    "id": ("id", "clip_id", "utt_id", "utterance", "key"),
    "system": ("system", "system_id", "sys", "model"),
}  # fmt: skip


@dataclass(frozen=True)
class Columns:
    """The column that holds each field of a request; None where the table has none."""

    path: str
    prompt: str | None = None
    id: str | None = None
    system: str | None = None


def find(header: Sequence[str], given: Mapping[str, str | None]) -> Columns:
    """Tell a table's columns apart.

    Args:
        header: The table's column names.
        given: The user's own choice by field (`path`, `prompt`, `id`, `system`); None or
            absent leaves the field to the usual names, whatever their case.

    Returns:
        The chosen columns.

    Raises:
        ValueError: There is no column for the path, a given column does not exist, or two
            columns could be meant. All such problems are named at once.
    """
    found: dict[str, str | None] = {}
    problems = []
    for field, usual in USUAL.items():
        try:
            found[field] = _pick(field, header, usual, given.get(field))
        except ValueError as problem:
            problems.append(str(problem))
    if problems:
        columns = ", ".join(map(repr, header)) or "none"
        raise ValueError("; ".join(problems) + f". The columns are: {columns}.")
    return Columns(**{**found, "path": str(found["path"])})


def _pick(field: str, header: Sequence[str], usual: Sequence[str], given: str | None) -> str | None:
    if given is not None:
        if given not in header:
            raise ValueError(f"there is no column {given!r}, asked for by --{field}-column")
        return given
    fitting = [name for name in header if name.strip().lower() in usual]
    if len(fitting) > 1:
        names = " and ".join(map(repr, fitting))
        raise ValueError(f"{names} could each be the {field}: say which with --{field}-column")
    if not fitting and field == "path":
        raise ValueError(
            "no column is named as a path usually is (path, file, audio, ...): "
            "add a header line, or name the column with --path-column"
        )
    return fitting[0] if fitting else None
