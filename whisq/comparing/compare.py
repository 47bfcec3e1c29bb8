"""What `whisq compare` does: sources in, figures and a picture out, messages on standard error."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from whisq.comparing.paired import compare, scores_by_prompt
from whisq.comparing.systems import Systems, read_systems
from whisq.evaluation.judge import rounded
from whisq.evaluation.metrics import AXES
from whisq.exits import DONE, STOPPED, WORSE, WRONG_CALL
from whisq.files import check_output, tell, write_whole
from whisq.show.comparison import WRITERS, Compared
from whisq.tables import listed

NAMED = 3  # systems that are named of those that have a prompt


@dataclass(frozen=True)
class Command:
    """A call of `whisq compare`, whose help says what each option means.

    Attributes:
        columns: The user's choice of a table's columns by field.
        only: The systems to compare, in this order; none for all.
    """

    sources: Sequence[str]
    by: str | None
    only: Sequence[str]
    columns: Mapping[str, str | None]
    model: str
    device: str
    output: Path | None
    fail_if_worse: float | None
    resamples: int
    seed: int


def run(command: Command, as_json: bool) -> int:
    """Return the exit code of a call, carried out."""
    try:
        if command.output is not None:
            check_output(command.output, WRITERS)
        given = (command.sources, command.by, command.columns, command.model, command.device)
        systems = read_systems(*given, command.only)
        if command.fail_if_worse is not None:
            _check_two(systems.names)
        found = figures(systems, command.resamples, command.seed)
        worse = _worse(found, command.fail_if_worse)
        _say(systems)
        compared = Compared(found)
        if command.output is not None:
            write_whole(command.output, WRITERS[command.output.suffix.lower()](compared))
    except (ValueError, OSError) as error:
        tell(f"whisq compare: {error}")
        return WRONG_CALL
    except KeyboardInterrupt:
        tell("stopped")
        return STOPPED
    if as_json:
        print(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        console = Console()
        console.print(*compared.in_a_terminal, sep="\n")
        console.print(*compared.said, sep="\n", markup=False, highlight=False)
    for line in worse:
        tell(line)
    return WORSE if worse else DONE


def figures(systems: Systems, resamples: int, seed: int) -> dict[str, Any]:
    """Compare two systems or more on the prompts that they share.

    Returns:
        `systems` (in the order given), `paired_by`, `n_clips` (compared) and `failed` (by system),
        `left_out` (by prompt the systems that have it, where not all do); and for each axis that
        all systems have what `paired.compare` gives, with `prompts` and by system `scores` on
        these.

    Raises:
        ValueError: Systems share no prompt, or one has no scored clip.
    """
    count = systems.clips.groupby("system").size()
    silent = [system for system in systems.names if system not in count]
    if silent:
        raise ValueError(f"no clip of {silent[0]!r} has a score: its rows say why in `error`")
    left = systems.left_out
    shared = systems.clips[~systems.clips["prompt"].isin(left)]
    used = shared.groupby("system").size().reindex(systems.names, fill_value=0).to_dict()
    found: dict[str, Any] = {"systems": systems.names, "paired_by": systems.paired_by}
    found |= {"n_clips": used, "failed": systems.failed, "left_out": left}
    for axis in AXES:
        scores = scores_by_prompt(systems.clips, axis)
        if len(scores):
            shown = {"prompts": list(scores.index), "scores": scores.to_dict("list")}
            found[axis] = compare(scores, resamples, seed) | shown
    if not set(AXES) & set(found):
        each = systems.clips.groupby("system", sort=False)
        first = (f"{own['prompt'].iloc[0]!r} of {system}" for system, own in each)
        raise ValueError(
            f"the systems share no {systems.paired_by}, which clips are paired by "
            f"({', '.join(first)}, say): name what they share with --prompt-column"
        )
    return rounded(found)


def _check_two(names: Sequence[str]) -> None:
    if len(names) > 2:
        raise ValueError(f"--fail-if-worse takes two systems, here are {len(names)}: compare two")


def _worse(found: dict[str, Any], most: float | None) -> list[str]:
    # A line for each axis on which the second is worse than the first by more, beyond doubt.
    if most is None:
        return []
    pairs = {axis: found[axis]["differences"][0] for axis in AXES if axis in found}
    bare = [axis for axis, pair in pairs.items() if pair["interval"] is None]
    if bare:
        raise ValueError("--fail-if-worse needs an interval: give two prompts at least")
    return [
        f"{axis.upper()}: {pair['system']} is worse than {pair['less']} by more than {most:g}, "
        f"beyond doubt: {pair['interval'][0]:.3f} to {pair['interval'][1]:.3f} lies below -{most:g}"
        for axis, pair in pairs.items()
        if pair["interval"][1] < -most
    ]


def _say(systems: Systems) -> None:
    tell(f"clips are paired by {systems.paired_by}")
    left, names = systems.left_out, systems.names
    if left:
        lines = [
            f"{prompt} ({', '.join(own) if len(own) <= NAMED else f'{len(own)} of {len(names)}'})"
            for prompt, own in left.items()
        ]
        tell(f"left out: {len(left)} prompt(s) that not all systems have:\n{listed(lines)}")
    if left and len(names) > 2:
        spare = max(names, key=systems.without)
        tell(f"without {spare} the others would share {systems.without(spare)}: see --only")
    for system, count in systems.failed.items():
        if count:
            tell(f"left out: {count} clip(s) of {system} that could not be scored")
