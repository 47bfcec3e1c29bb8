"""A user's own table of preferences: a row says which of two clips a listener preferred."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pandas import DataFrame

from whisq import tables
from whisq.names import key

USUAL = {
    "a": ("a", "clip_a", "path_a", "id_a", "audio_a", "file_a"),
    "b": ("b", "clip_b", "path_b", "id_b", "audio_b", "file_b"),
    "preferred": ("preferred", "preference", "winner", "choice"),
    "axis": ("axis", "dimension", "aspect", "criterion"),
    "rater": ("rater", "rater_id", "listener", "listener_id", "annotator", "user"),
    "prompt": ("prompt", "prompt_id", "text", "caption"),
    "system_a": ("system_a", "model_a"),
    "system_b": ("system_b", "model_b"),
}
AXES = ("omq", "ta")
TIES = ("tie", "tied", "equal", "same", "draw", "both", "neither", "=")


def read_preferences(path: Path) -> DataFrame:
    """Return a row a word: which two clips, and which of them is preferred.

    Its columns: `a`, `b` as `names.key` has them, `file_a`, `file_b` as they stand, `vote`,
    and `axis`, `rater`, `prompt`, `system_a`, `system_b`, None where unknown.

    Args:
        path: A table with a header; see `whisq.tables`. `preferred` is `a` (the vote is 1), `b`
            (-1), either clip's name, or `tie` (0; also equal, same, draw, both, neither).

    Raises:
        ValueError: Columns are missing, or some rows are wrong; all of them are told.
    """
    table = tables.read(path, headed=True)
    header = list(table.header or ())
    try:
        columns = tables.find(header, USUAL, {}, needed=("a", "b", "preferred"))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    rows, problems = [], []
    for number, cells in table.rows:
        try:
            rows.append(_word({what: cells[header.index(c)] for what, c in columns.items()}))
        except ValueError as error:
            problems.append(f"row {number}: {error}")
    if problems:
        raise ValueError(tables.told(problems, str(path)))
    # Objects, in which what is unknown stays None.
    return DataFrame(rows, dtype=object).astype({"vote": int})


def _word(said: Mapping[str, str | None]) -> dict[str, Any]:
    blank = [what for what in ("a", "b", "preferred") if said[what] is None]
    if blank:
        raise ValueError(f"{' and '.join(blank)} must not be blank")
    a, b, word = (str(said[what]).strip() for what in ("a", "b", "preferred"))
    if key(a) == key(b):
        raise ValueError(f"a and b are the same clip, {a!r}")
    votes = dict.fromkeys(TIES, 0) | {"a": 1, "b": -1} | {key(a): 1, key(b): -1}
    vote = votes.get(key(word), votes.get(word.lower()))
    if vote is None:
        raise ValueError(f"preferred must be a, b, tie or one of the clips, given {word!r}")
    named = said.get("axis")
    axis = next((name for name in AXES if tables.plain(named) in tables.USUAL[name]), None)
    if named is not None and axis is None:
        raise ValueError(f"axis must be omq or ta, or blank for both, given {named!r}")
    rest = {name: said.get(name) for name in ("rater", "prompt", "system_a", "system_b")}
    ends = {"a": key(a), "b": key(b), "file_a": a, "file_b": b}
    return ends | {"vote": vote, "axis": axis} | rest
