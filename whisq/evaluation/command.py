"""What `whisq metrics` does: files in, figures out."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from whisq.evaluation.answers import read_scores
from whisq.evaluation.floors import FLOORS
from whisq.evaluation.intervals import compare, intervals
from whisq.evaluation.judge import rounded
from whisq.evaluation.metrics import evaluate
from whisq.tables import listed

if TYPE_CHECKING:
    from pandas import DataFrame

FLOOR = "floor:"


@dataclass(frozen=True)
class Command:
    """A call of `whisq metrics`.

    Attributes:
        answer: A file of scores, or `floor:` and a floor's name.
        truth: A MOS list.
        system_truth: A table of systems' ratings to use at the system level.
        by: Where systems are named; see `answers.read_scores`.
        against: A second answer, compared clip by clip.
        train: The training MOS list, from which floors are made.
        allow_missing: Whether clips that only one file has are left out, not refused.
        resamples: For the intervals; 0 for none.
        seed: Of the resamples.
        columns: The user's choice of ANSWER's columns for `id`, `omq`, `ta`.
        truth_columns: The same of TRUTH.
    """

    answer: str
    truth: Path
    system_truth: Path | None = None
    by: str | None = None
    against: str | None = None
    train: Path | None = None
    allow_missing: bool = False
    resamples: int = 2000
    seed: int = 0
    columns: Mapping[str, str | None] = field(default_factory=dict)
    truth_columns: Mapping[str, str | None] = field(default_factory=dict)


def figures(command: Command) -> dict[str, Any]:
    """Evaluate an answer.

    Args:
        command: The call.

    Returns:
        `utt` and `sys` (axis by axis the four metrics), `n_clips`, `n_systems`, `system_truth`,
        `missing` and `extra` (how many clips were left out), `intervals`; with `train` also
        `floors`, with `against` also `against`.

    Raises:
        ValueError: A comparison is asked for without resamples, or a file is wrong.
    """
    if command.against and not command.resamples:
        raise ValueError("--against compares on resamples: give --resamples 1 or more")
    told = {"columns": command.truth_columns, "option": "--truth-{}-column"}
    truth = read_scores(command.truth, command.by, **told)
    _say_columns(command.truth, truth)
    train = read_scores(command.train, command.by) if command.train else None
    systems = read_scores(command.system_truth, systems=True) if command.system_truth else None
    names = [name for name in (command.answer, command.against) if name]
    answers = [_answer(name, truth, train, command.columns) for name in names]
    truth, answers, left = matched(truth, dict(zip(names, answers, strict=True)), command)
    draws = (command.resamples, command.seed, systems)
    result = evaluate(truth, answers[0], systems) | left
    result["intervals"] = intervals(truth, answers[0], *draws) if command.resamples else {}
    if train is not None:
        result["floors"] = {
            name: _levels(evaluate(truth, floor(train, truth), systems))
            for name, floor in FLOORS.items()
            if name != "gold_omq" or "omq" in truth
        }
    if len(answers) > 1:
        result["against"] = compare(truth, *answers, *draws)
    return rounded(result)


def matched(
    truth: DataFrame, answers: dict[str, DataFrame], command: Command
) -> tuple[DataFrame, list[DataFrame], dict[str, int]]:
    """Keep the clips that all files have.

    Args:
        truth: Ratings indexed by clip key.
        answers: Predictions alike, by file.
        command: Says whether others may be left out.

    Returns:
        Ratings and predictions of the same clips, and how many were `missing` in an answer or
        `extra`, in no MOS list.

    Raises:
        ValueError: A file lacks clips or has others, and may not; or none is common.
    """
    problems, left = [], {"missing": 0, "extra": 0}
    shared = truth.index
    for name, answer in answers.items():
        gone, more = truth.index.difference(answer.index), answer.index.difference(truth.index)
        shared = shared.intersection(answer.index, sort=False)
        left = {"missing": left["missing"] + len(gone), "extra": left["extra"] + len(more)}
        for what, ids in (("lacks", gone), ("has, but the MOS list has not,", more)):
            if len(ids):
                problems.append(f"{name} {what} {len(ids)} clip(s):\n{listed(list(ids))}")
    if problems and not command.allow_missing:
        text = "\n".join(problems)
        raise ValueError(f"{text}\nmend the ids, or score the others with --allow-missing")
    if shared.empty:
        raise ValueError(f"no id is in both: {truth.index[0]!r} in the MOS list, say")
    return truth.loc[shared], [answer.loc[shared] for answer in answers.values()], left


def _answer(
    name: str, truth: DataFrame, train: DataFrame | None, columns: Mapping[str, str | None]
) -> DataFrame:
    if not name.startswith(FLOOR):
        answer = read_scores(name, columns=columns, failed=True)
        _say_columns(name, answer)
        return answer
    floor = name.removeprefix(FLOOR)
    if floor not in FLOORS:
        raise ValueError(f"a floor must be one of {', '.join(FLOORS)}, given {floor!r}")
    if train is None:
        raise ValueError(f"{name} needs the training MOS list: give it with --train")
    return FLOORS[floor](train, truth)


def _say_columns(name: str | Path, scores: DataFrame) -> None:
    used = ", ".join(f"{what} from {column!r}" for what, column in scores.attrs["columns"].items())
    print(f"{name}: {used}", file=sys.stderr)


def _levels(scores: dict[str, Any]) -> dict[str, Any]:
    return {level: scores[level] for level in ("utt", "sys")}
