"""What the stage `evaluate` tells in a terminal."""

from __future__ import annotations

from typing import Any

from whisq.evaluation.judge import JUDGED
from whisq.show.probes import Probes
from whisq.show.published import published
from whisq.show.results import Judged
from whisq.show.sentences import said


def evaluated(evaluate: dict[str, Any], probed: dict[str, Any] | None) -> None:
    """Print what a run has come to.

    Args:
        evaluate: What `judge.judge` found.
        probed: What the probes found, or None.
    """
    from rich.console import Console

    console, probes = Console(), Probes(probed, None, evaluate["corpus"])
    for split in (split for split in JUDGED if split in evaluate):
        console.print(Judged.of(evaluate, split).standings)
        console.print(*said(evaluate, split), sep="\n")
    console.print(published(evaluate))
    console.print(*probes.said, *probes.tables, sep="\n")
