"""What `whisq metrics` prints: figures on standard output, messages on standard error."""

from __future__ import annotations

import json
import sys
from typing import Any

from rich.console import Console

from whisq.evaluation.answers import Command, figures
from whisq.exits import DONE, WRONG_CALL
from whisq.show.results import Judged, differences, every_metric


def run(command: Command, as_json: bool) -> int:
    """Return the exit code of a call, carried out."""
    try:
        result = figures(command)
    except ValueError as error:
        print(f"whisq metrics: {error}", file=sys.stderr)
        return WRONG_CALL
    if as_json:
        print(json.dumps(result, indent=2))
    else:
        _print(command, result)
    return DONE


def _print(command: Command, result: dict[str, Any]) -> None:
    console, judged = Console(), f"{command.answer} on {command.truth}"
    counts = f"{result['n_clips']} clips of {result['n_systems']} systems"
    console.print(every_metric(result, f"{judged}: {counts}"))
    console.print(f"System level: the truth is the {result['system_truth'].removeprefix('the ')}.")
    if result["missing"] or result["extra"]:
        console.print(f"Left out: {result['missing']} missing, {result['extra']} extra clip(s).")
    if "floors" in result:
        place = f"{judged}, floors from {command.train}"
        console.print(Judged(result, place, "the answer").standings)
    if "against" in result:
        caption = f"A = {command.answer}, B = {command.against}, same resamples"
        console.print(differences(result["against"], caption))
