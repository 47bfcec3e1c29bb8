"""The arguments and options of `whisq score`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

from typer import Argument, Option


class Engine(StrEnum):
    """Where clips are scored."""

    local = "local"
    ray = "ray"


Sources = Annotated[
    list[str],
    Argument(
        metavar="SOURCE",
        help="Clips, lists (csv, tsv, jsonl, json, parquet), folders, patterns such as "
        "'out/*.wav', or - for jsonl on standard input.",
    ),
]
Prompt = Annotated[
    str | None, Option("--prompt", "-p", help="For clips that have none of their own.")
]
Model = Annotated[
    str,
    Option("--model", "-m", help="A folder, models:/whisq@champion and the like, or a hub id."),
]
Output = Annotated[
    Path | None,
    Option(
        "--output",
        "-o",
        help="What to write: .csv, .jsonl, .parquet, or .txt for a MusicEval answer file "
        "(of scored clips, all or none with a prompt). "
        "Without it rows go to standard output as jsonl.",
    ),
]
Resume = Annotated[bool, Option("--resume", help="Go on from a run that was stopped.")]
Strict = Annotated[bool, Option("--strict", help="Stop at the first clip that can't be scored.")]
Summary = Annotated[bool, Option("--summary", help="Show each system's means, 95% intervals.")]
Column = Annotated[str | None, Option(help="The list's column, where it has no usual name.")]
BatchSize = Annotated[
    int | None,
    Option(
        min=1,
        help="Clips encoded at once; 1 on a CPU, 16 on a GPU. Above 1 scores depend on the batch, "
        "to rounding.",
    ),
]
Workers = Annotated[
    int | None,
    Option(min=1, help="Clips encoded side by side; as many as cores, or 1 process with ray."),
]
Device = Annotated[str, Option(help="auto (a GPU if there is one), cpu, cuda, cuda:1, mps.")]
Engines = Annotated[Engine, Option("--engine", help="This machine, or a Ray cluster.")]
