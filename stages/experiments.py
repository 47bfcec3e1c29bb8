"""`make experiments`: what each experiment changed and what came out, the newest first."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import Any

from rich.console import Console

from whisq import params
from whisq.evaluation.judge import JUDGED
from whisq.evaluation.metrics import AXES
from whisq.show.table import Table, number, verbatim

HEADLINE, PARAMS = "metrics/headline.json", "params.yaml"
FIGURES = [f"{split}_{axis}_srcc" for split in JUDGED for axis in AXES]
WIDTH = 100
NOTE = (
    "SRCC by clip. What is changed is told against the commit that an experiment stems from. "
    "Choose on dev; test is for what was chosen."
)


def main() -> None:
    """Print the table of what `dvc exp show` knows."""
    command = [sys.executable, "-m", "dvc", "exp", "show", "--json", *sys.argv[1:]]
    shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    named = params.load().named
    width = None if sys.stdout.isatty() or os.environ.get("COLUMNS") else WIDTH
    Console(width=width).print(listed(json.loads(shown), named))


def listed(commits: list[dict[str, Any]], named: dict[str, params.Changes]) -> Table:
    """Lay experiments out.

    Args:
        commits: What `dvc exp show --json` prints; the first is the workspace.
        named: Sets of changes by which many changes go.

    Returns:
        A row an experiment, and one a commit that they stem from.
    """
    found = []
    for commit in commits[1:]:
        defaults = _params(commit["data"])
        row = {"name": commit["name"] or commit["rev"][:7], "words": ["(commit)"]}
        found.append(row | _outcome(commit["data"]))
        shared = _shared(commit["experiments"] or [])
        for experiment in commit["experiments"] or []:
            for tip in experiment["revs"][:1]:  # the others are its checkpoints
                changed = params.described(_params(tip["data"]), defaults, named)
                changed = (changed[0], *(_telling_first(own, shared) for own in changed[1:]))
                words = params.in_words(*changed) if tip["data"] else []
                row = {"name": tip["name"] or tip["rev"][:7], "words": words}
                state = (experiment["executor"] or {}).get("state")
                waits = {} if state in (None, "success") else {"when": state}
                found.append(row | _outcome(tip["data"]) | waits)
    found.sort(key=lambda row: row["when"], reverse=True)
    rows = [
        [
            verbatim(row["name"]),
            verbatim(re.sub(r"^\d{4}-(.{5})T(.{5}).*", r"\1 \2", row["when"])),
            verbatim(" · ".join(row["words"])),
            *(number(row.get(figure)) for figure in FIGURES),
        ]
        for row in found
    ]
    heads = [f"{split} {axis.upper()}" for split in JUDGED for axis in AXES]
    return Table("Experiments", ["experiment", "when", "changed", *heads], rows, NOTE)


def _shared(experiments: list[dict[str, Any]]) -> params.Changes:
    # What all of them have: where many values are changed, what tells them apart comes first.
    tips = [tip for experiment in experiments for tip in experiment["revs"][:1]]
    values = [value for value in (_params(tip["data"]) for tip in tips) if value]
    if len(values) < 2:
        return {}
    return {k: v for k, v in values[0].items() if all(o.get(k) == v for o in values[1:])}


def _telling_first(changes: params.Changes, shared: params.Changes) -> params.Changes:
    return dict(sorted(changes.items(), key=lambda change: change[0] in shared))


def _params(data: dict[str, Any] | None) -> params.Changes:
    values = (((data or {}).get("params") or {}).get(PARAMS) or {}).get("data") or {}
    own = {name: value for name, value in values.items() if name not in params.BESIDES}
    return params.flatten(own)


def _outcome(data: dict[str, Any] | None) -> dict[str, Any]:
    figures = (((data or {}).get("metrics") or {}).get(HEADLINE) or {}).get("data") or {}
    return {"when": (data or {}).get("timestamp") or "", **figures}


if __name__ == "__main__":
    main()
