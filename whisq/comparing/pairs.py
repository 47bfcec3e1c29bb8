"""Preferences and scores from files: what `whisq metrics --pairs` does."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from pandas import DataFrame
from rich.console import Console

from whisq.comparing.preferences import judge_pairs
from whisq.comparing.systems import prompt_of, read_rows, system_of
from whisq.corpus.preferences import read_preferences
from whisq.evaluation.answers import FOLDER
from whisq.evaluation.judge import rounded
from whisq.evaluation.metrics import AXES
from whisq.exits import DONE, WRONG_CALL
from whisq.files import tell
from whisq.names import key
from whisq.scoring.rows import Row
from whisq.show.preferences import judged
from whisq.tables import listed


@dataclass(frozen=True)
class Command:
    """A call of `whisq metrics --pairs`, whose help says what each option means.

    Attributes:
        by: The column of ANSWER that names a clip's system, or `folder`.
        allow_missing: Whether rows of which a clip has no score are left out, not refused.
        columns: The user's choice of ANSWER's columns for `id`, `omq`, `ta`.
    """

    answer: str
    pairs: Path
    by: str | None
    allow_missing: bool
    resamples: int
    seed: int
    columns: Mapping[str, str | None]


def run(command: Command, as_json: bool) -> int:
    """Return the exit code of a call, carried out."""
    try:
        found = figures(command)
    except (ValueError, OSError) as error:
        tell(f"whisq metrics: {error}")
        return WRONG_CALL
    if as_json:
        print(json.dumps(found, indent=2))
    else:
        caption = f"{command.answer} by the preferences of {command.pairs}"
        Console().print(judged(found, caption))
    return DONE


def figures(command: Command) -> dict[str, Any]:
    """Judge a file of scores by preferences.

    Returns:
        Axis by axis what `judge_pairs` gives, and `missing`, how many clips have no score.

    Raises:
        ValueError: A file is wrong, or clips have no score and may not, or no row has both scores.
    """
    votes = read_preferences(command.pairs)
    by = None if command.by in (None, FOLDER) else command.by
    named = {name: c for name, c in command.columns.items() if c is not None} | {"system": by}
    clips = _by_name(read_rows(command.answer, named))
    missing, found = set(), {}
    for axis in AXES:
        if all(getattr(row, axis) is None for row in clips.values()):
            continue
        own = votes[votes["axis"].isna() | (votes["axis"] == axis)]
        rows, bare = _scored(own, clips, axis, command.by)
        missing |= bare
        if len(rows):
            found[axis] = judge_pairs(rows, command.resamples, command.seed)
    if missing and not command.allow_missing:
        raise ValueError(
            f"{command.answer} has no score of {len(missing)} clip(s) of {command.pairs}:\n"
            f"{listed(sorted(missing))}\nmend the names, or judge the others with --allow-missing"
        )
    if not found:
        raise ValueError(f"no row of {command.pairs} has both of its clips in {command.answer}")
    return rounded(found | {"missing": len(missing)})


def _by_name(rows: list[Row]) -> dict[str, Row]:
    # By id and path, and by a file name that no other clip has.
    short = Counter(PurePosixPath(key(row.path)).name for row in rows)
    found = {name: row for row in rows for name in {key(row.id), key(row.path)}}
    for row in rows:
        name = PurePosixPath(key(row.path)).name
        if short[name] == 1:
            found.setdefault(name, row)
    return found


def _scored(
    votes: DataFrame, clips: Mapping[str, Row], axis: str, by: str | None
) -> tuple[DataFrame, set[str]]:
    # The rows of which both clips have a score, and the clips that have none.
    rows, bare = [], set()
    for vote in votes.to_dict("records"):
        ends = [clips.get(vote[end]) for end in ("a", "b")]
        scores = [None if row is None else getattr(row, axis) for row in ends]
        bare |= {vote[end] for end, score in zip("ab", scores, strict=True) if score is None}
        if None in scores:
            continue
        # The row's own systems, as its prompt, but where the user says how to tell them.
        said = (None, None) if by else (vote["system_a"], vote["system_b"])
        systems = [
            told or system_of(row, by == FOLDER) for told, row in zip(said, ends, strict=True)
        ]
        pair = None if None in systems else " / ".join(sorted(map(str, systems)))
        prompt = vote["prompt"] or prompt_of(ends[0])
        rows.append(
            vote | {"difference": scores[0] - scores[1], "system_pair": pair, "prompt": prompt}
        )
    return DataFrame(rows), bare
