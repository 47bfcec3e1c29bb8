"""What a run has come to, in a few lines of text: `evaluate` and `make repro` end with them."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import fill
from typing import Any

from whisq.evaluation.judge import JUDGED
from whisq.show import unseen
from whisq.show.results import in_short, used

WIDTH = 100
NEXT = """\
Next: open metrics/report.html, all of it on one page
      make ui                              the runs and their curves, in MLflow
      dvc exp run -S loss.ot_weight=0      another value; make experiments shows both"""


def figures(evaluate: dict[str, Any]) -> list[str]:
    """Return the first figures of what `judge.judge` found, those of its last held-out split."""
    judged = [split for split in JUDGED if split in evaluate]
    return in_short(evaluate, judged[-1]) if judged else ["No held-out clip was judged."]


def main() -> None:
    """Say what the pipeline in this folder has come to, and what to look at next."""
    evaluate, held_out = (
        json.loads(Path(f"metrics/{name}.json").read_text(encoding="utf-8"))
        for name in ("evaluate", "unseen")
    )
    print("", fill(worth(evaluate, held_out), WIDTH), *figures(evaluate), NEXT, sep="\n")


def worth(evaluate: dict[str, Any], held_out: dict[str, Any]) -> str:
    """Say in a sentence what the model is worth where it is used.

    Args:
        evaluate: What `judge.judge` found.
        held_out: What the stage `unseen` wrote.

    Returns:
        What was found on unseen systems and prompts, on the model's own split where none was asked.
    """
    if held_out["protocols"]:
        return unseen.said(held_out)
    judged = [split for split in JUDGED if split in evaluate]
    return used(evaluate, judged[-1]) if judged else ""


if __name__ == "__main__":
    main()
